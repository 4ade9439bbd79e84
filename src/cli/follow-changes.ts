// `shelfsync changes --follow`: prints each published change once, in the order of the feed, until it
// is stopped. It survives an outage of the database.

import { type ChangeMessage, describePrice, type FeedKind } from '../core/change-message.ts'
import { SyncError } from '../core/errors.ts'
import { toSyncError } from '../db/errors.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import { type FeedRequest, findFeedPlace, readFeed } from '../db/read/feed.ts'
import { wait } from '../lib/back-off.ts'
import { type Cli, EXIT } from './cli.ts'
import { formatInstant } from '../format/format.ts'
import type { Output } from './terminal/output.ts'

const PAGE_CHANGES = 500
/** One short statement; a notification would need a session that poolers do not keep. */
const POLL_MS = 1_000
const OUTAGE_PAUSE_MS = 5_000
const TEXT_CHARS_MAX = 60

export interface FollowRequest {
  readonly source: string | null
  readonly kind: FeedKind | undefined
  /** The first change follows this position; undefined: from now on. */
  readonly from: number | undefined
}

export async function followChanges(
  cli: Cli,
  { source, kind, from }: FollowRequest,
): Promise<void> {
  await using tools = await cli.openSync()
  const signal = cli.createStopSignal('Stopping', { code: EXIT.green })
  const request = { limit: PAGE_CHANGES, source, kinds: kind === undefined ? [] : [kind] }
  let after = from ?? (await findFeedPlace(tools.db, null)).last
  while (!signal.aborted) {
    const next = await printNext(cli, tools.db, { ...request, after, product: null })
    const pauseMs = next === null ? OUTAGE_PAUSE_MS : next === after ? POLL_MS : 0
    after = next ?? after
    // A stop ends the wait and then the loop.
    if (pauseMs > 0) await wait(pauseMs, signal).catch(() => undefined)
  }
  cli.output.note(`Continue with --from ${after}`)
}

/** Prints one page. Returns its cursor, or null during an outage of the database. */
async function printNext(cli: Cli, db: PipelineDb, request: FeedRequest): Promise<number | null> {
  try {
    const { changes, next } = await readFeed(db, request)
    for (const change of changes) cli.output.result(change, formatChange(cli.output, change))
    return next
  } catch (error) {
    const known = toSyncError(error)
    if (!(known instanceof SyncError) || known.code !== 'db/unreachable') throw error
    cli.output.note(`${known.message}. Trying again`)
    return null
  }
}

function formatChange(output: Output, change: ChangeMessage): string {
  const { position, at, source, product, kind, title } = change
  const name = product === null ? 'all products' : output.short(product, TEXT_CHARS_MAX)
  const titled = title === null ? [] : [output.short(title, TEXT_CHARS_MAX)]
  const head = [position, formatInstant(new Date(at)), source, kind, name, ...titled].join('  ')
  const values = listValues(output, change).join('; ')
  return values === '' ? head : `${head}  ${values}`
}

function listValues(output: Output, { prices, availability, fields }: ChangeMessage): string[] {
  return [
    ...prices.map(
      ({ type, before, after }) => `${type} ${describePrice(before)} → ${describePrice(after)}`,
    ),
    ...availability.map(({ before, after }) => `${before ?? 'unknown'} → ${after ?? 'unknown'}`),
    ...(fields.length === 0 ? [] : [output.short(fields.map(({ name }) => name).join(', '), 80)]),
  ]
}
