// Creates one source from the address of a shop, after reading some of its products, or from the
// name of a connector.

import type { SyncTools } from '../../app/compose.ts'
import type { Connector, Sample } from '../../core/connector.ts'
import { isReady } from '../../core/credentials.ts'
import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import {
  addSource,
  checkName,
  findSource,
  listSources,
  loadSource,
  type Source,
} from '../../db/sources.ts'
import { recogniseAddress, sampleProducts, type Recognised } from '../../sources/add-source.ts'
import { findAddress, type BoundSource } from '../../sources/bound-source.ts'
import type { CredentialOwner } from '../../sources/credentials.ts'
import type { TriedRequest } from '../../sources/tried-requests.ts'
import { chooseSchedule } from '../../sources/schedule.ts'
import { choosePlatforms } from './platforms.ts'
import { parseAddress } from './shop-address.ts'
import { splitSettings } from './source-options.ts'
import { parseSourceSettings, readAddOptions, suggestName } from './source-settings.ts'

export interface SourceRequest {
  /** The address of a shop, or the name of a connector. */
  readonly shop: string
  /** Null: the name that the shop or the connector suggests. */
  readonly name: string | null
  /** Settings in addition to those that the shop states. */
  readonly set: Readonly<Record<string, Json>>
  /** Options of the connector, keyed by setting. */
  readonly options: Readonly<Record<string, unknown>>
  /** The only connector to try, by its name; null for all. */
  readonly platform: string | null
  /** The name of the source that this one continues, or null. */
  readonly replaces: string | null
  /** False: a source that is named by its connector is stored without a check of its key. */
  readonly check: boolean
}

/** A request with the options of the source apart from the settings of its connector. */
interface SplitRequest extends SourceRequest {
  readonly sourceOptions: Json
}

type NewSource = Pick<CreatedSource, 'connector' | 'settings' | 'replaced'> &
  Pick<SplitRequest, 'sourceOptions'>

export interface CreatedSource extends Pick<BoundSource, 'source' | 'connector' | 'settings'> {
  /** Some products of a shop; null when the source was added by the name of its connector. */
  readonly samples: readonly Sample[] | null
  /** The requests by which the shop was recognised. */
  readonly tried: readonly TriedRequest[]
  /** The source that it continues, or null. */
  readonly replaced: Source | null
  readonly notes: readonly string[]
}

/**
 * @throws SyncError `source/exists` · `source/…` when the shop cannot be read · `usage/invalid`;
 * then nothing is stored
 */
export async function createSource(
  tools: SyncTools,
  request: SourceRequest,
  signal: AbortSignal,
): Promise<CreatedSource> {
  const connector = tools.connectors.get(request.shop)
  const { settings: set, options: sourceOptions } = splitSettings(request.set)
  const split = { ...request, set, sourceOptions }
  return connector
    ? createByName(tools, connector, split, signal)
    : createByAddress(tools, split, signal)
}

async function createByName(
  tools: SyncTools,
  connector: Connector,
  request: SplitRequest,
  signal: AbortSignal,
): Promise<CreatedSource> {
  const { set, options, check, platform } = request
  if (platform !== null)
    throw new SyncError(
      'usage/invalid',
      `--platform is for the address of a shop; ${connector.name} already names the connector`,
    )
  const settings = parseSourceSettings(
    tools,
    connector,
    { name: request.name, verb: 'added' },
    { ...readAddOptions(tools, connector, options), ...set },
  )
  const replaced = await findReplaced(tools, request)
  const name = checkName(request.name ?? suggestName(connector, settings))
  await requireFreeName(tools, name)
  if (check) await checkKey(tools, { connector, settings, source: { name } }, signal)
  const { sourceOptions } = request
  const source = await save(tools, name, { connector, settings, sourceOptions, replaced })
  const notes = await listTwins(tools, source)
  return { source, connector, settings, samples: null, tried: [], replaced, notes }
}

/**
 * @throws SyncError `settings/invalid` without a key · the error of the connector when the supplier
 * refuses the key or cannot be reached
 */
async function checkKey(
  { credentials, http }: SyncTools,
  owner: CredentialOwner,
  signal: AbortSignal,
): Promise<void> {
  const { connector, settings, source } = owner
  const key = credentials(owner)
  const { hint } = connector.credentials
  const notAdded = `${source.name} is not added`
  if (!isReady(connector, settings, key))
    throw new SyncError(
      'settings/invalid',
      `${notAdded}, because ${connector.name} needs a key: ${hint} in the environment or .env, or run \`shelfsync init\`. To add it without a key: shelfsync add ${connector.name} --name ${source.name} --no-check`,
    )
  try {
    await connector.probe?.({ settings, credentials: key, http }, signal)
  } catch (cause) {
    if (!(cause instanceof SyncError)) throw cause
    throw new SyncError(cause.code, `${notAdded}: ${cause.message}`, { cause })
  }
}

async function createByAddress(
  tools: SyncTools,
  request: SplitRequest,
  signal: AbortSignal,
): Promise<CreatedSource> {
  readAddOptions(tools, null, request.options)
  const address = parseAddress(request.shop, tools)
  const replaced = await findReplaced(tools, request)
  const platforms = choosePlatforms(tools.connectors, request.platform)
  const recognised = await recogniseAddress(platforms, address, tools, signal)
  const { connector } = recognised
  const name = request.name ?? suggestSuccessor(recognised, replaced)
  const settings = parseSourceSettings(
    tools,
    connector,
    { name, verb: 'added' },
    { ...(recognised.settings as object), ...request.set },
  )
  await requireFreeName(tools, name)
  const samples =
    recognised.samples ??
    (await sampleProducts({ connector, settings, source: { name } }, tools, signal))
  const { sourceOptions } = request
  const source = await save(tools, name, { connector, settings, sourceOptions, replaced })
  const isPart =
    address.pathname !== '/' && URL.parse(connector.address(settings))?.pathname === '/'
  const notes = [
    ...(recognised.found === undefined ? [] : [recognised.found]),
    ...(isPart ? [`The whole shop is added, not only ${address.pathname}`] : []),
    ...(replaced === null ? await listTwins(tools, source) : []),
  ]
  return { source, connector, settings, samples, tried: recognised.tried, replaced, notes }
}

/** @throws SyncError `source/unknown` */
async function findReplaced(
  { db }: SyncTools,
  { replaces }: SourceRequest,
): Promise<Source | null> {
  return replaces === null ? null : loadSource(db, replaces)
}

/** A shop keeps its name when it moves, so the name of the old source gets the platform. */
function suggestSuccessor(
  { connector, suggestedName }: Recognised,
  replaced: Source | null,
): string {
  return replaced?.name === suggestedName ? `${suggestedName}-${connector.name}` : suggestedName
}

async function save(
  { db }: SyncTools,
  name: string,
  { connector, settings, sourceOptions: options, replaced }: NewSource,
): Promise<Source> {
  return addSource(db, {
    name: checkName(name),
    connector: connector.name,
    settings: settings as Json,
    schedule: chooseSchedule(connector, name),
    policy: connector.policy,
    predecessor: replaced?.id ?? null,
    options,
  })
}

/** A second source with the same address is allowed, but reported. */
export async function listTwins(tools: SyncTools, source: Source): Promise<string[]> {
  const address = findAddress(tools, source)
  const twin = (await listSources(tools.db)).find(
    (other) => other.id !== source.id && findAddress(tools, other) === address,
  )
  return twin === undefined
    ? []
    : [`${twin.name} already reads ${address}; with ${source.name} its products exist twice`]
}

/** Checks the name before products are requested. @throws SyncError `source/exists` */
async function requireFreeName({ db }: SyncTools, name: string): Promise<void> {
  if (await findSource(db, name))
    throw new SyncError('source/exists', `There is already a source named ${name}`)
}
