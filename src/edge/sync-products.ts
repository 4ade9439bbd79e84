// Brings a few products of a source up to date, in one invocation: a run by keys of the pipeline,
// over the Data API. Its gates, limits and circuit breaker are those of every other run. The
// supplier's bytes are stored in the row of their part before they are read.

import './node-globals.ts'
import { ROW_STORE } from '../artifacts/stores/rows.ts'
import type { Connector } from '../core/connector.ts'
import { listSecrets, parseCredentials } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { listSources, type Source } from '../db/sources.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { DATA_API_OPTIONS, type PipelineOptions } from '../pipeline/options.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'
import { createProgress } from '../pipeline/context.ts'
import { importKeys, syncKeys } from '../pipeline/sync.ts'
import type { StartTools } from '../pipeline/take-run.ts'
import { bindConnector, type BoundSource } from '../sources/bound-source.ts'
import { createCredentialReader } from '../sources/credentials.ts'
import { Outages } from '../telemetry/outages.ts'
import { createRedactor } from '../telemetry/redact.ts'
import { readCredentials } from './environment.ts'
import { createFetchHttp } from './http.ts'
import type { EdgeTools } from './function.ts'

/** Products of one run: those of one request, so that each request has a checkpoint. */
export const BATCH_MAX = 10

const OPTIONS: PipelineOptions = {
  ...DATA_API_OPTIONS,
  lanes: 1,
  partAgeMs: 1_000,
  batchRecordsMax: BATCH_MAX,
  hashedBytesMax: 1024 * 1024,
  attemptsMax: 4,
  retryWithinMs: 20_000,
  backOff: { baseMs: 1_000, maxMs: 8_000 },
}

/** A source that is ready for requests to its supplier. */
export interface OpenSource {
  readonly bound: BoundSource
  readonly tools: StartTools
  readonly http: Http
}

/** The active sources of a connector. */
export async function listOpenSources(
  tools: EdgeTools,
  connector: Connector,
): Promise<OpenSource[]> {
  const sources = await listSources(tools.db)
  return sources
    .filter((source) => source.connector === connector.name && source.state === 'active')
    .map((source) => openSource(tools, connector, source))
}

function openSource(edge: EdgeTools, connector: Connector, source: Source): OpenSource {
  const { environment, db, correlationId } = edge
  const { allowPrivateHosts, userAgent } = environment
  const bound = bindConnector(connector, source)
  const values = readCredentials(connector, source.name, edge.read)
  const guard = createAddressGuard(allowPrivateHosts)
  const parsed = parseCredentials(connector.credentials, values, source.name)
  // Their faults are reported when they are used.
  const credentials = parsed.credentials ?? connector.credentials.schema.parse({})
  const addresses = connector.secretsAddresses?.(bound.settings, credentials) ?? []
  const http = createFetchHttp({
    addresses: [connector.address(bound.settings), ...addresses],
    guard,
    userAgent,
  })
  const log = edge.log.child({ source: source.name })
  const secrets = listSecrets([connector.credentials], values)
  edge.hide(secrets)
  const tools: StartTools = {
    db,
    store: ROW_STORE,
    http,
    requestIntervals: new Map(),
    credentials: createCredentialReader(values, guard),
    log,
    outages: new Outages(log),
    redact: createRedactor(secrets, edge.secrets),
    options: OPTIONS,
    correlationId,
  }
  return { bound, tools, http }
}

/**
 * Executes one run for at most `BATCH_MAX` products. A run that the time ends is interrupted; the
 * next run of the same products resumes it.
 *
 * @throws SyncError see `syncKeys`
 */
export function syncBatch(
  { bound, tools }: OpenSource,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<RunReport> {
  if (keys.length > BATCH_MAX)
    throw new SyncError('usage/invalid', `A batch has at most ${BATCH_MAX} products`)
  return syncKeys(tools, bound, keys, { progress: createProgress(), signal })
}

/**
 * Executes an import: urgent, and with a result for each product. @throws SyncError see
 * `importKeys`
 */
export function importBatch(
  { bound, tools }: OpenSource,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<RunReport> {
  return importKeys(tools, bound, keys, { progress: createProgress(), signal })
}
