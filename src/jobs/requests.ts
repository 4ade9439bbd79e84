// A request for runs, from HTTP or from a schedule, and its result.

import type { Connector } from '../core/connector.ts'
import type { ErrorCode } from '../core/error-table.ts'
import type { Db } from '../db/pool.ts'
import type { OpenRun } from '../db/write/queued-runs.ts'
import type { RunOptions } from '../db/write/runs.ts'
import type { Log } from '../pipeline/context.ts'
import type { Outages } from '../telemetry/outages.ts'
import type { Queues } from './queues.ts'

/**
 * `auto`: as the schedule would · `full`: fetches and applies everything · `fetch-only`: archives
 * everything for a later run · `maintain-only`: applies the newest artifact, or the one of the run
 * `artifact`, without a request to the supplier; with `offset` or `limit` only some of its lines, and
 * without settling.
 */
export interface RunsRequest {
  /** Null: every active source. */
  readonly source: string | null
  readonly mode: 'auto' | 'full' | 'fetch-only' | 'maintain-only'
  /** Only these products, by their ids. Needs a source and the mode `auto`. */
  readonly keys: readonly string[] | null
  /** A person has requested the products of `keys`: they are imported before all other work. */
  readonly import?: true
  readonly artifact: number | null
  readonly chunkSize: number | null
  readonly offset: number | null
  readonly limit: number | null
  readonly debug: boolean
}

export const AS_SCHEDULED: Omit<RunsRequest, 'source'> = {
  mode: 'auto',
  keys: null,
  artifact: null,
  chunkSize: null,
  offset: null,
  limit: null,
  debug: false,
}

export interface RequestedRun {
  readonly source: string
  readonly run: number
  /** False when the run existed already. */
  readonly started: boolean
}

/** A source for which no run could start, in a request that started others. */
export interface RefusedRun {
  readonly source: string
  /** An error without a code is a bug; the log has its details. */
  readonly error: { readonly code: ErrorCode | null; readonly message: string }
}

/** `open`: the run, if its tasks may still have to be enqueued, else null. */
export interface StartedRun extends RequestedRun {
  readonly open: OpenRun | null
}

export interface RequestTools {
  readonly db: Db
  readonly queues: Queues
  readonly connectors: ReadonlyMap<string, Connector>
  readonly log: Log
  readonly outages: Outages
}

/** True when only some lines of an artifact are requested. */
export function isSlice({ offset, limit }: RunsRequest): boolean {
  return offset !== null || limit !== null
}

/** True when the run settles: it is applied, and not only some of its lines. */
export function settles(request: RunsRequest): boolean {
  return request.mode !== 'fetch-only' && !isSlice(request)
}

export function toRunOptions(request: RunsRequest): RunOptions {
  const { mode, chunkSize, offset, limit, debug, import: isImport } = request
  return {
    ...(mode === 'fetch-only' ? { stages: 'fetch' as const } : {}),
    ...(chunkSize === null ? {} : { chunkSize }),
    ...(offset === null ? {} : { offset }),
    ...(limit === null ? {} : { limit }),
    ...(debug ? { debug } : {}),
    ...(isImport && { import: isImport }),
  }
}
