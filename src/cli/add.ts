// `shelfsync add`: a shop by its address, which is recognised and tried out, or a supplier by its
// connector's name.

import { type Command, Option } from 'commander'
import { z } from 'zod'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { addSource, findSource, listSources, type Source } from '../db/sources.ts'
import { recogniseAddress, sampleProducts } from '../sources/add-source.ts'
import { bindConnector } from '../sources/bound-source.ts'
import { syncSource } from '../pipeline/sync.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { STOPPING, watchRun } from './run-sync.ts'
import { checkSettings, readSetting } from './connector-settings.ts'
import { addressOf } from './sources.ts'
import { toRequest } from './sync.ts'

interface AddFlags {
  readonly name?: string
  readonly market?: string
  readonly apiUrl?: string
  readonly set: Readonly<Record<string, Json>>
  readonly sync: boolean
}

export function addAdd(program: Command, cli: Cli): void {
  program
    .command('add')
    .argument('<shop>', "a shop's address, or the name of a connector such as medipim")
    .description('add a source: a shop is recognised by its address, tried out and synced at once')
    .option('--name <name>', 'what to call it: lower-case words joined by hyphens')
    .option('--no-sync', 'do not sync the shop yet')
    .option('--market <market>', 'medipim: au, be, fr, de or us; by default what the address says')
    .option('--api-url <url>', 'medipim: the API, by default MEDIPIM_API_URL')
    .addOption(
      new Option('--set <name=value>', 'any setting of the connector; may be given several times')
        .argParser(readSetting)
        .default({}),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync add https://some-shop.example',
        'shelfsync add https://some-shop.example --name my-shop --no-sync',
        'shelfsync add medipim --name medipim-au',
        'shelfsync add shopify --set url=https://some-shop.example --set currency=AUD',
      ),
    )
    .action(async (shop: string, flags: AddFlags) => {
      if (shop !== 'medipim' && (flags.market ?? flags.apiUrl) !== undefined) {
        throw new SyncError(
          'usage/invalid',
          '--market and --api-url are for medipim; what another source is to be told goes into --set name=value',
        )
      }
      const signal = cli.createStopSignal(STOPPING)
      await using tools = await cli.openSync()
      const connector = tools.connectors.get(shop)
      await (connector
        ? addByName(cli, tools, connector, flags)
        : addByAddress(cli, tools, shop, flags, signal))
    })
}

async function addByName(
  cli: Cli,
  tools: SyncTools,
  connector: Connector,
  flags: AddFlags,
): Promise<void> {
  const settings = checkSettings(tools, connector, 'added', {
    ...(connector.name === 'medipim' && medipimSettings(tools, flags)),
    ...flags.set,
  })
  const source = await save(
    cli,
    tools,
    flags.name ?? nameFor(connector, settings),
    connector,
    settings,
  )
  cli.output.result(
    { source: source.name, connector: connector.name, settings: source.settings },
    `Added ${source.name}. Next: shelfsync sync ${source.name}`,
  )
  if (connector.name === 'medipim' && tools.settings.medipim.key === null) {
    cli.output.note(
      'No key for MediPim yet: put MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET into the environment or .env, then try `shelfsync doctor`',
    )
  }
}

async function addByAddress(
  cli: Cli,
  tools: SyncTools,
  text: string,
  flags: AddFlags,
  signal: AbortSignal,
): Promise<void> {
  // Before any of it is repeated: it may be a user name and a password, with an unencoded slash
  // too.
  if (text.includes('@'))
    throw new SyncError(
      'usage/invalid',
      'The address has an "@" in it: leave out the user name and the password, which no shop needs; an "@" of a path is written %40',
    )
  const address = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)
  if (!address || !/^https?:$/.test(address.protocol) || !/[.:]|^localhost$/.test(address.host)) {
    throw new SyncError(
      'usage/invalid',
      `"${text}" is neither the address of a shop nor a connector (${[...tools.connectors.keys()].join(', ')})`,
    )
  }
  const {
    connector,
    settings: recognised,
    suggestedName,
  } = await recogniseAddress(tools.connectors.values(), address, tools.http, signal)
  const settings = checkSettings(tools, connector, 'added', {
    ...(recognised as object),
    ...flags.set,
  })
  const name = flags.name ?? suggestedName
  await refuseTaken(tools, name)
  cli.output.say(`${address.host}: ${connector.title}`)
  if (address.pathname !== '/' && URL.parse(addressOf(settings) ?? '')?.pathname === '/')
    cli.output.note(`The whole shop is added, not only ${address.pathname}`)
  const samples = await sampleProducts(connector, settings, tools.http, signal)
  for (const { title, price } of samples)
    cli.output.say(`  ${cli.output.short(title, 60).padEnd(60)}  ${price ?? 'no price'}`)
  const source = await save(cli, tools, name, connector, settings)
  cli.output.result(
    { source: name, connector: connector.name, settings: source.settings, samples },
    `Added ${name}.${flags.sync ? '' : ` Next: shelfsync sync ${name}`}`,
  )
  if (flags.sync)
    await watchRun(cli, tools, source, (progress) =>
      syncSource(tools, bindConnector(connector, source), toRequest({}), { progress, signal }),
    )
}

/** One that is read already may be added again, say with other settings, but seldom on purpose. */
async function save(
  { output }: Cli,
  { db }: SyncTools,
  name: string,
  connector: Connector,
  settings: unknown,
): Promise<Source> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    throw new SyncError(
      'usage/invalid',
      `"${name}" is no name for a source: use lower-case letters, digits and hyphens`,
    )
  const source = await addSource(db, {
    name,
    connector: connector.name,
    settings: settings as Json,
    schedule: connector.schedule,
  })
  const address = addressOf(settings)
  const twin = (await listSources(db)).find(
    (other) => other.id !== source.id && address !== null && addressOf(other.settings) === address,
  )
  if (twin)
    output.note(`${twin.name} already reads ${address}; with ${name} its products are there twice`)
  return source
}

/** Before the shop is asked for samples. @throws SyncError `source/exists` */
async function refuseTaken({ db }: SyncTools, name: string): Promise<void> {
  if (await findSource(db, name))
    throw new SyncError('source/exists', `There is a source called ${name} already`)
}

function medipimSettings(
  { settings }: SyncTools,
  { apiUrl = settings.medipim.apiUrl, market }: AddFlags,
): Record<string, Json> {
  return { apiUrl, ...(market !== undefined && { market }) }
}

/** `medipim-au`: a supplier with markets has a source for each. */
function nameFor({ name }: Connector, settings: unknown): string {
  const market = z.object({ market: z.string() }).safeParse(settings).data?.market
  return market === undefined ? name : `${name}-${market}`
}
