// The work of a run over time, as rows of bars: each part is fetched and then applied, so a row
// shows both, with the wait between them. Pure; the page draws it.

import type { RunEvent, RunParts, RunTimes } from '../../../db/read/run-times.ts'
import { formatBytes } from '../../../format/format.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { formatDuration } from '../../../lib/format-duration.ts'

/**
 * `fetch`, `apply`, `settle` and `copy` are work. `limit` is a wait for the turn of a request or a
 * retry, `supplier` for a response, `worker` for a free worker, and `stopped` is a run without
 * a worker.
 */
export type BarKind =
  | 'fetch'
  | 'apply'
  | 'settle'
  | 'copy'
  | 'limit'
  | 'supplier'
  | 'worker'
  | 'stopped'

export interface WorkBar {
  readonly kind: BarKind
  /** Milliseconds since the start of the run. */
  readonly fromMs: number
  readonly toMs: number
  /** The text of the bar, such as `fetched 1,200 lines, 2.1 MB: 12 s`. */
  readonly title: string
}

export interface WorkRow {
  readonly label: string
  readonly bars: readonly WorkBar[]
}

export interface Waterfall {
  readonly rows: readonly WorkRow[]
  readonly spanMs: number
  /** The sum of all bars of a kind. Waits overlap work of other parts. */
  readonly totals: ReadonlyMap<BarKind, number>
}

export interface RunWork {
  readonly times: RunTimes
  readonly parts: readonly RunParts[]
  readonly events: readonly RunEvent[]
  /** The run is running, so unfinished work lasts until now. */
  readonly isRunning: boolean
  readonly now: Date
}

/** Rows of parts in one drawing: more parts share a row. */
export const PART_ROWS_MAX = 24

/** Shorter waits are part of the work. */
const WAIT_MS_MIN = 50

export function drawWaterfall(work: RunWork): Waterfall {
  const { times } = work
  const startMs = times.startedAt.getTime()
  const at = (instant: Date): number => Math.max(0, instant.getTime() - startMs)
  const rows = [
    toStartRow(work, at),
    ...work.parts.map((part, index) => toPartRow(work, part, work.parts[index - 1], at)),
    toSettleRow(work, at),
    ...toCopyRows(work, at),
  ].filter(({ bars }) => bars.length > 0)
  const bars = rows.flatMap((row) => row.bars)
  const totals = new Map<BarKind, number>()
  for (const { kind, fromMs, toMs } of bars)
    totals.set(kind, (totals.get(kind) ?? 0) + toMs - fromMs)
  const end = times.finishedAt ?? work.now
  return { rows, spanMs: Math.max(1, at(end), ...bars.map(({ toMs }) => toMs)), totals }
}

type ToMs = (instant: Date) => number

/** The wait for the first worker, and the times in which the run had stopped. */
function toStartRow({ times, parts, events, isRunning, now }: RunWork, at: ToMs): WorkRow {
  const first = parts[0]
  const begun = [
    first?.requestedAt,
    events.find(({ event }) => event === 'claimed')?.at,
    first?.beganAt,
    times.settleBeganAt,
  ].filter((instant) => instant instanceof Date)
  const begunMs = Math.min(...begun.map(at), at(times.finishedAt ?? now))
  const wait = bar('worker', 0, begunMs, (text) => `waited ${text} until a worker began`)
  const stops = events.flatMap((event) => {
    if (event.event !== 'resumed' || event.detail.stopped_at === undefined) return []
    const from = at(new Date(event.detail.stopped_at))
    return bar('stopped', from, at(event.at), (text) => `stopped for ${text}, then resumed`)
  })
  return { label: 'run', bars: [...(times.queued || isRunning ? wait : []), ...stops] }
}

function toPartRow(work: RunWork, part: RunParts, before: RunParts | undefined, at: ToMs): WorkRow {
  return {
    label:
      part.firstNo === part.lastNo
        ? `part ${part.firstNo}`
        : `parts ${part.firstNo}–${part.lastNo}`,
    bars: [...toFetchBars(part, before, at), ...toApplyBars(work, part, at)],
  }
}

/** The wait for the first response, the waits for limits, and the transfer. */
function toFetchBars(part: RunParts, before: RunParts | undefined, at: ToMs): WorkBar[] {
  const { requestedAt, arrivedAt, archivedAt, waitedMs, lines, rawBytes } = part
  if (requestedAt === null || arrivedAt === null || archivedAt === null) return []
  // All parts of a response have the same request: the later ones follow the part before them.
  const begunMs = Math.max(
    at(requestedAt),
    before?.archivedAt ? Math.min(at(before.archivedAt), at(arrivedAt)) : 0,
  )
  const [arrivedMs, endMs] = [at(arrivedAt), at(archivedAt)]
  const limitMs = Math.min(waitedMs < WAIT_MS_MIN ? 0 : waitedMs, endMs - begunMs)
  const limitEndMs = begunMs + limitMs
  const workMs = Math.max(limitEndMs, arrivedMs)
  const size = `${formatQuantity(lines, 'line')}, ${formatBytes(rawBytes)}`
  return [
    ...bar(
      'limit',
      begunMs,
      limitEndMs,
      (text) => `waited ${text} for the turn of a request or a retry`,
    ),
    ...bar('supplier', limitEndMs, arrivedMs, (text) => `waited ${text} for the supplier`),
    ...bar('fetch', workMs, endMs, (text) => `fetched ${size}: ${text}`, true),
  ]
}

function toApplyBars({ isRunning, now }: RunWork, part: RunParts, at: ToMs): WorkBar[] {
  const { archivedAt, beganAt, savedAt, done, appliedLines, lines } = part
  const nowMs = at(now)
  if (beganAt === null || savedAt === null)
    return archivedAt !== null && isRunning
      ? bar('worker', at(archivedAt), nowMs, (text) => `waits for a worker since ${text}`)
      : []
  const endMs = done || !isRunning ? at(savedAt) : nowMs
  const applied = done
    ? formatQuantity(lines, 'line')
    : `${formatQuantity(appliedLines, 'line')} of ${lines}`
  const waited = archivedAt === null ? at(beganAt) : at(archivedAt)
  return [
    ...bar('worker', waited, at(beganAt), (text) => `waited ${text} for a worker`),
    ...bar('apply', at(beganAt), endMs, (text) => `applied ${applied}: ${text}`, true),
  ]
}

function toSettleRow({ times, parts, isRunning, now }: RunWork, at: ToMs): WorkRow {
  const { settleBeganAt, finishedAt } = times
  const applied = parts.flatMap(({ savedAt }) => (savedAt === null ? [] : [at(savedAt)]))
  const isApplied = times.parts > 0 && times.applied === times.parts
  const appliedMs = Math.max(0, ...applied)
  if (settleBeganAt === null)
    return {
      label: 'settle',
      bars:
        isRunning && isApplied && times.closedAt !== null
          ? bar('settle', appliedMs, at(now), (text) => `settles since ${text}`, true)
          : [],
    }
  return {
    label: 'settle',
    bars: [
      ...(applied.length === 0
        ? []
        : bar('worker', appliedMs, at(settleBeganAt), (text) => `waited ${text} for a worker`)),
      ...bar(
        'settle',
        at(settleBeganAt),
        at(finishedAt ?? now),
        (text) => `settled: ${text}`,
        true,
      ),
    ],
  }
}

/** The steps after settling that belong to one run. */
function toCopyRows({ events }: RunWork, at: ToMs): WorkRow[] {
  return events.flatMap(({ event, at: endedAt, detail: { seconds = 0, failed } }) => {
    if (event !== 'copied') return []
    const toMs = at(endedAt)
    const result = failed === true ? 'could not be written' : 'written'
    const bars = bar('copy', toMs - seconds * 1000, toMs, (text) => `${result}: ${text}`, true)
    return [{ label: 'latest.ndjson', bars }]
  })
}

/** A wait that is too short is left out; `isWork` is always shown. */
function bar(
  kind: BarKind,
  fromMs: number,
  toMs: number,
  toTitle: (duration: string) => string,
  isWork = false,
): WorkBar[] {
  const from = Math.max(0, fromMs)
  const to = Math.max(from, toMs)
  if (!isWork && to - from < WAIT_MS_MIN) return []
  return [{ kind, fromMs: from, toMs: to, title: toTitle(formatDuration((to - from) / 1000)) }]
}
