// `shelfsync add`: adds a shop by its address, after reading some of its products, or any supplier by
// the name of its connector.

import { type Command, Option } from 'commander'
import { CONNECTORS } from '../connectors/registry.ts'
import type { Connector, Sample } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { addSource, checkName, findSource, listSources, type Source } from '../db/sources.ts'
import { recogniseAddress, sampleProducts } from '../sources/add-source.ts'
import { bindConnector, findAddress, type BoundSource } from '../sources/bound-source.ts'
import { listSecretStates } from '../sources/credentials.ts'
import { syncSource } from '../pipeline/sync.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { parseAddress } from './shop-address.ts'
import { STOPPING, watchRun } from './watch-run.ts'
import {
  listAddOptions,
  suggestName,
  parseSourceSettings,
  readSetting,
  readAddOptions,
} from './source-settings.ts'
import { toRequest } from './sync.ts'

/** Also contains the options of the connectors, keyed by setting. */
interface AddFlags extends Readonly<Record<string, unknown>> {
  readonly name?: string
  readonly set: Readonly<Record<string, Json>>
  readonly sync: boolean
}

interface Addition {
  readonly cli: Cli
  readonly tools: SyncTools
  readonly flags: AddFlags
  readonly signal: AbortSignal
}

export function defineAdd(command: Command, cli: Cli): void {
  command
    .argument(
      '<shop>',
      `the address of a shop, or a connector: ${[...CONNECTORS.keys()].join(', ')}`,
    )
    .option('--name <name>', 'the name of the source: lower-case words joined by hyphens')
    .option('--no-sync', 'do not sync the shop now')
    .addOption(
      new Option('--set <name=value>', 'a setting of the connector; may be repeated')
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
    .action((shop: string, flags: AddFlags) => add(cli, shop, flags))
  for (const { flags, description } of listAddOptions(CONNECTORS.values()))
    command.option(flags, description)
}

async function add(cli: Cli, shop: string, flags: AddFlags): Promise<void> {
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.openSync()
  const connector = tools.connectors.get(shop)
  const addition = { cli, tools, flags, signal }
  await (connector ? addByName(addition, connector) : addByAddress(addition, shop))
}

async function addByName({ cli, tools, flags }: Addition, connector: Connector): Promise<void> {
  const settings = parseSourceSettings(
    tools,
    connector,
    { name: flags.name ?? null, verb: 'added' },
    { ...readAddOptions(tools, connector, flags), ...flags.set },
  )
  const name = flags.name ?? suggestName(connector, settings)
  const source = await save(cli, tools, name, { connector, settings })
  reportAdded(cli, tools, { source, connector, settings }, { samples: null, syncs: false })
}

async function addByAddress({ cli, tools, flags, signal }: Addition, text: string): Promise<void> {
  readAddOptions(tools, null, flags)
  const address = parseAddress(text, tools)
  const { output } = cli
  const recognised = await recogniseAddress(tools.connectors.values(), address, tools.http, signal)
  const { connector } = recognised
  const name = flags.name ?? recognised.suggestedName
  const settings = parseSourceSettings(
    tools,
    connector,
    { name, verb: 'added' },
    { ...(recognised.settings as object), ...flags.set },
  )
  await requireFreeName(tools, name)
  output.say(`${address.host}: ${connector.title}`)
  if (address.pathname !== '/' && URL.parse(connector.address(settings))?.pathname === '/')
    output.note(`The whole shop is added, not only ${address.pathname}`)
  const samples = await sampleProducts({ connector, settings, source: { name } }, tools, signal)
  for (const { title, price } of samples)
    output.say(`  ${output.short(title, 60).padEnd(60)}  ${price ?? 'no price'}`)
  const source = await save(cli, tools, name, { connector, settings })
  reportAdded(cli, tools, { source, connector, settings }, { samples, syncs: flags.sync })
  if (flags.sync)
    await watchRun(cli, tools, source, (progress) =>
      syncSource(tools, bindConnector(connector, source), toRequest({}), { progress, signal }),
    )
}

/** Stores the source. A second source with the same address is allowed, but reported. */
async function save(
  { output }: Cli,
  tools: SyncTools,
  name: string,
  { connector, settings }: Pick<BoundSource, 'connector' | 'settings'>,
): Promise<Source> {
  const source = await addSource(tools.db, {
    name: checkName(name),
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

/** Checks the name before products are requested. @throws SyncError `source/exists` */
async function requireFreeName({ db }: SyncTools, name: string): Promise<void> {
  if (await findSource(db, name))
    throw new SyncError('source/exists', `There is already a source named ${name}`)
}
