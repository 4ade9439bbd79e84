// `shelfsync add`: a shop by its address, which is recognised and tried out, or a supplier by its
// connector's name.

import { type Command, Option } from 'commander'
import { CONNECTORS } from '../connectors/registry.ts'
import type { Connector, Sample } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { addSource, findSource, listSources, type Source } from '../db/sources.ts'
import { recogniseAddress, sampleProducts } from '../sources/add-source.ts'
import { bindConnector, findAddress, type BoundSource } from '../sources/bound-source.ts'
import { listSecretStates } from '../sources/credentials.ts'
import { syncSource } from '../pipeline/sync.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { STOPPING, watchRun } from './run-sync.ts'
import {
  listAddOptions,
  nameFor,
  parseSourceSettings,
  readSetting,
  settingsFromOptions,
} from './source-settings.ts'

import { toRequest } from './sync.ts'

/** Besides these, the options of the connectors, by setting. */
interface AddFlags extends Readonly<Record<string, unknown>> {
  readonly name?: string
  readonly set: Readonly<Record<string, Json>>
  readonly sync: boolean
}

export function addAdd(program: Command, cli: Cli): void {
  const command = program
    .command('add')
    .argument(
      '<shop>',
      `the address of a shop, or a connector: ${[...CONNECTORS.keys()].join(', ')}`,
    )
    .description('add a source: a shop is recognised by its address, tried out and synced at once')
    .option('--name <name>', 'what to call it: lower-case words joined by hyphens')
    .option('--no-sync', 'do not sync the shop yet')
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
        'shelfsync add shopify --set url=https://some-shop.example --set currency=AUD',
      ),
    )
    .action(async (shop: string, flags: AddFlags) => {
      const signal = cli.createStopSignal(STOPPING)
      await using tools = await cli.openSync()
      const connector = tools.connectors.get(shop)
      await (connector
        ? addByName(cli, tools, connector, flags)
        : addByAddress(cli, tools, shop, flags, signal))
    })
  for (const { flags, description } of listAddOptions(CONNECTORS.values()))
    command.option(flags, description)
}

async function addByName(
  cli: Cli,
  tools: SyncTools,
  connector: Connector,
  flags: AddFlags,
): Promise<void> {
  const settings = parseSourceSettings(
    tools,
    connector,
    { name: flags.name ?? null, verb: 'added' },
    { ...settingsFromOptions(tools, connector, flags), ...flags.set },
  )
  const name = flags.name ?? nameFor(connector, settings)
  const source = await save(cli, tools, name, { connector, settings })
  reportAdded(cli, tools, { source, connector, settings }, { samples: null, syncs: false })
}

async function addByAddress(
  cli: Cli,
  tools: SyncTools,
  text: string,
  flags: AddFlags,
  signal: AbortSignal,
): Promise<void> {
  settingsFromOptions(tools, null, flags)
  // Checked before the text is repeated: it may contain a password, also one with an unencoded "/".
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
  const name = flags.name ?? suggestedName
  const settings = parseSourceSettings(
    tools,
    connector,
    { name, verb: 'added' },
    { ...(recognised as object), ...flags.set },
  )
  await refuseTaken(tools, name)
  cli.output.say(`${address.host}: ${connector.title}`)
  if (address.pathname !== '/' && URL.parse(connector.address(settings))?.pathname === '/')
    cli.output.note(`The whole shop is added, not only ${address.pathname}`)
  const samples = await sampleProducts({ connector, settings, source: { name } }, tools, signal)
  for (const { title, price } of samples)
    cli.output.say(`  ${cli.output.short(title, 60).padEnd(60)}  ${price ?? 'no price'}`)
  const source = await save(cli, tools, name, { connector, settings })
  reportAdded(cli, tools, { source, connector, settings }, { samples, syncs: flags.sync })
  if (flags.sync)
    await watchRun(cli, tools, source, (progress) =>
      syncSource(tools, bindConnector(connector, source), toRequest({}), { progress, signal }),
    )
}

/** A source that reads the same address is allowed, and seldom intended. */
async function save(
  { output }: Cli,
  tools: SyncTools,
  name: string,
  { connector, settings }: Pick<BoundSource, 'connector' | 'settings'>,
): Promise<Source> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    throw new SyncError(
      'usage/invalid',
      `"${name}" is not a valid name for a source: use lower-case letters, digits and hyphens`,
    )
  const source = await addSource(tools.db, {
    name,
    connector: connector.name,
    settings: settings as Json,
    schedule: connector.schedule,
  })
  const address = connector.address(settings)
  const twin = (await listSources(tools.db)).find(
    (other) => other.id !== source.id && findAddress(tools, other) === address,
  )
  if (twin)
    output.note(`${twin.name} already reads ${address}; with ${name} its products exist twice`)
  return source
}

function reportAdded(
  { output }: Cli,
  { settings: { credentials: values }, credentials }: SyncTools,
  { source, connector, settings }: BoundSource,
  { samples, syncs }: { readonly samples: readonly Sample[] | null; readonly syncs: boolean },
): void {
  const { name } = source
  const secrets = listSecretStates({ source, connector }, values)
  output.result(
    {
      source: name,
      connector: connector.name,
      settings: source.settings,
      ...(samples !== null && { samples }),
      ...(secrets.length > 0 && { secrets }),
    },
    `Added ${name}.${syncs ? '' : ` Next: shelfsync sync ${name}`}`,
  )
  if (!connector.credentials.isComplete(credentials({ source, connector, settings })))
    output.note(
      `No credentials for ${name} yet: ${connector.credentials.hint} in the environment or .env, then run \`shelfsync doctor\``,
    )
}

/** Before the shop is asked for samples. @throws SyncError `source/exists` */
async function refuseTaken({ db }: SyncTools, name: string): Promise<void> {
  if (await findSource(db, name))
    throw new SyncError('source/exists', `There is a source called ${name} already`)
}
