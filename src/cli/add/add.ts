// `shelfsync add`: adds shops by their addresses, after reading some of their products, or any
// supplier by the name of its connector.

import { readFile } from 'node:fs/promises'
import { text as readText } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import type { SyncTools } from '../../app/compose.ts'
import { CONNECTORS } from '../../connectors/registry.ts'
import { isReady } from '../../core/credentials.ts'
import { messageOf, SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { findSuccessions } from '../../db/successions.ts'
import { syncSource } from '../../pipeline/sync.ts'
import { bindConnector, listScopes } from '../../sources/bound-source.ts'
import { listSecretStates } from '../../sources/credentials.ts'
import type { TriedRequest } from '../../sources/tried-requests.ts'
import { addMany } from './add-many.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { createSource, type CreatedSource, type SourceRequest } from './create-source.ts'
import { formatSamples, formatTried, listTried } from './found.ts'
import { formatPlatforms } from './platforms.ts'
import { parseSourceList } from './source-list.ts'
import { listAddOptions, readSetting } from './source-settings.ts'
import { describeSuccessions } from '../sources/format.ts'
import type { Output } from '../terminal/output.ts'
import { toRequest } from '../sync/sync-request.ts'
import { STOPPING, watchRun } from '../sync/watch-run.ts'

/** Also contains the options of the connectors, keyed by setting. */
interface AddFlags extends Readonly<Record<string, unknown>> {
  readonly name?: string
  readonly from?: string
  readonly platform?: string
  readonly replaces?: string
  readonly set: Readonly<Record<string, Json>>
  readonly sync: boolean
  readonly check: boolean
}

export function defineAdd(command: Command, cli: Cli): void {
  command
    .argument(
      '[shops...]',
      `the addresses of shops, or connectors: ${[...CONNECTORS.keys()].join(', ')}`,
    )
    .option('--name <name>', 'the name of the source: lower-case words joined by hyphens')
    .option(
      '--from <file>',
      'add the shops in this file, one address in each line, or CSV with the columns url, name, platform, replaces and settings of the connector; - is standard input',
    )
    .option(
      '--platform <connector>',
      `read the shop as one of this platform, without trying others: ${formatPlatforms(CONNECTORS)}`,
    )
    .option(
      '--replaces <name>',
      'continue this source, whose shop has moved: after the first complete sync, its products become unavailable, each with its successor, and it is paused',
    )
    .option('--no-sync', 'do not sync the shops now')
    .option('--no-check', 'add a source by its connector without checking its key')
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
        'shelfsync add https://one.example https://two.example',
        'shelfsync add https://some-shop.example --platform woocommerce',
        'shelfsync add https://some-shop.example --replaces my-shop',
        'shelfsync add --from shops.csv --no-sync',
        'shelfsync add shopify --set url=https://some-shop.example --set currency=AUD',
      ),
    )
    .action((shops: readonly string[], flags: AddFlags) => add(cli, shops, flags))
  for (const { flags, description } of listAddOptions(CONNECTORS.values()))
    command.option(flags, description)
}

async function add(cli: Cli, shops: readonly string[], flags: AddFlags): Promise<void> {
  const { name = null, replaces = null, from, platform = null, set, check, ...others } = flags
  const { sync: syncs, ...options } = others
  const shared = { name, platform, replaces, set, options, check }
  const requests: SourceRequest[] = shops.map((shop) => ({ ...shared, shop }))
  if (from !== undefined)
    for (const listed of parseSourceList(await readList(cli, from)))
      requests.push({
        ...shared,
        ...listed,
        platform: listed.platform ?? platform,
        set: { ...set, ...listed.set },
      })
  const [request, ...further] = requests
  if (request === undefined)
    throw new SyncError(
      'usage/invalid',
      from === undefined ? 'Give the address of a shop, or --from' : `${from} contains no address`,
    )
  if ((name ?? replaces) !== null && (further.length > 0 || from !== undefined))
    throw new SyncError(
      'usage/invalid',
      `${name === null ? '--replaces is' : '--name is'} for one shop; --from has a column for it`,
    )
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.openSync()
  if (further.length > 0 || from !== undefined)
    await addMany(cli, tools, { requests, syncs, signal })
  else await addOne(cli, tools, request, { syncs, signal })
}

/** @throws SyncError `usage/invalid` */
async function readList({ input }: Cli, from: string): Promise<string> {
  try {
    return from === '-' ? await readText(input) : await readFile(from, 'utf8')
  } catch (cause) {
    throw new SyncError('usage/invalid', `${from} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

async function addOne(
  cli: Cli,
  tools: SyncTools,
  request: SourceRequest,
  { syncs, signal }: { readonly syncs: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const created = await createSource(tools, request, signal).catch((error: unknown) => {
    if (error instanceof SyncError) reportRefusal(cli.output, request, error)
    throw error
  })
  const { source, connector, samples } = created
  await recordOwnAction(tools.db, { action: 'source.add', source: source.name })
  const isSynced = syncs && samples !== null
  reportAdded(cli, tools, created, isSynced)
  if (isSynced)
    await watchRun(cli, tools, source, (progress) =>
      syncSource(tools, bindConnector(connector, source), toRequest({}), { progress, signal }),
    )
  if (created.replaced !== null)
    cli.output.say(describeSuccessions(source.name, await findSuccessions(tools.db, source.id)))
}

function reportAdded(
  { output }: Cli,
  { settings: { credentials: values }, credentials }: SyncTools,
  { source, connector, settings, samples, tried, replaced, notes }: CreatedSource,
  isSynced: boolean,
): void {
  const { name } = source
  if (samples !== null) {
    const { host } = new URL(connector.address(settings))
    output.say(formatAllTried(output, host, tried))
    output.say(`${host}: ${connector.title}`)
    if (samples.length > 0) output.say(formatSamples(output, samples), { raw: true })
    else output.say('  It lists no product.')
  }
  for (const note of notes) output.note(note)
  const secrets = listSecretStates({ source, connector, settings }, values)
  const isComplete = isReady(connector, settings, credentials({ source, connector, settings }))
  if (!isComplete)
    output.note(
      `${name} has no key yet: ${connector.credentials.hint} in the environment or .env; \`shelfsync doctor\` tests it`,
    )
  const next = isComplete ? 'Next' : 'When the key is set'
  const isListed = listScopes({ connector, settings }).includes('all')
  const command = isListed ? `sync ${name}` : `import PRODUCT --source ${name}`
  output.result(
    {
      source: name,
      connector: connector.name,
      settings: source.settings,
      ...(replaced !== null && { replaces: replaced.name }),
      ...(samples !== null && { tried, samples }),
      ...(secrets.length > 0 && { secrets }),
    },
    `Added ${name}.${isSynced ? '' : ` ${next}: shelfsync ${command}`}`,
  )
}

function formatAllTried(output: Output, host: string, tried: readonly TriedRequest[]): string {
  return `Tried at ${host}:\n${formatTried(output, tried)}`
}

/** An address that was refused: its requests are printed with the error. */
function reportRefusal(output: Output, { shop }: SourceRequest, error: SyncError): void {
  const tried = listTried(error)
  const [first] = tried
  if (first === undefined) return
  if (output.json) output.noteJson({ tried })
  else output.note(formatAllTried(output, URL.parse(first.url)?.host ?? shop, tried))
}
