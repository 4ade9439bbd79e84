// Everything that happened to a run, in order: what, who or what did it, and why. Pure.

import type { RecordedAction } from '../../../db/read/actions.ts'
import type { RunDetails } from '../../../db/read/run-summaries.ts'
import type { RunEvent, RunTimes } from '../../../db/read/run-times.ts'
import { describeAction } from '../../../format/actions.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { formatDuration } from '../../../lib/format-duration.ts'

export interface TimelineEntry {
  readonly at: Date
  readonly what: string
  /** A person, a worker, or the schedule; null when nothing is recorded. */
  readonly who: string | null
  readonly why: string | null
  readonly state: string | null
}

export interface TimelineInput {
  readonly run: RunDetails
  readonly times: RunTimes
  readonly events: readonly RunEvent[]
  /** Actions of people, the newest first. */
  readonly actions: readonly RecordedAction[]
}

/** Actions that start a run: their person is beside its start. */
const STARTS = ['source.sync', 'source.import', 'run.replay']
/** Actions that end it: they take the place of the end that its row states. */
const ENDS: Readonly<Record<string, string>> = {
  'run.cancel': 'cancelled',
  'run.approve': 'approved',
  'run.reject': 'rejected',
}

/** The newest first. */
export function toTimeline(input: TimelineInput): TimelineEntry[] {
  const entries = [
    toStart(input),
    ...input.events.flatMap(toEventEntry),
    ...toFetchEnd(input),
    ...toEnd(input),
    ...input.actions.filter(({ action }) => !STARTS.includes(action)).map(toActionEntry),
  ]
  return entries.toSorted((a, b) => b.at.getTime() - a.at.getTime())
}

/** Returns the person who did this last, and null when no action names one. */
export function findActor(
  actions: readonly RecordedAction[],
  names: readonly string[],
): string | null {
  return actions.find(({ action }) => names.includes(action))?.actor ?? null
}

function toStart({ times, actions }: TimelineInput): TimelineEntry {
  const who = findActor(actions, STARTS) ?? (times.bySchedule ? 'the schedule' : null)
  return entry(times.startedAt, 'started', { who, state: 'running' })
}

function toActionEntry(done: RecordedAction): TimelineEntry {
  const { at, actor: who, reason: why, action } = done
  return entry(at, describeAction(done), { who, why, state: ENDS[action] ?? null })
}

function toEventEntry({ at, event, task, worker, detail }: RunEvent): TimelineEntry[] {
  if (event === 'copied') {
    const took = formatDuration(detail.seconds ?? 0)
    return [
      detail.failed === true
        ? entry(at, 'latest.ndjson could not be written', { why: 'the next run tries again' })
        : entry(at, `latest.ndjson was written in ${took}`),
    ]
  }
  if (event === 'resumed') {
    const stopped = detail.stopped_at === undefined ? null : new Date(detail.stopped_at)
    const why = detail.reason ?? detail.code ?? null
    const before =
      stopped === null
        ? []
        : [
            entry(stopped, `stopped: ${detail.state ?? 'interrupted'}`, {
              why,
              state: detail.state ?? 'interrupted',
            }),
          ]
    return [...before, entry(at, 'resumed from its last commit', { state: 'running' })]
  }
  if (detail.from !== undefined)
    return [
      entry(at, `${task ?? 'a task'} was taken over`, {
        who: worker,
        why: `its worker ${detail.from} did not renew its lease`,
      }),
    ]
  return task?.startsWith('part ') === true
    ? []
    : [entry(at, `${task ?? 'a task'} began`, { who: worker })]
}

function toFetchEnd({ run, times }: TimelineInput): TimelineEntry[] {
  if (times.closedAt === null) return []
  const lines = formatQuantity(run.fetched, 'line')
  const warnings = run.artifact?.warnings ?? []
  const what = `the fetch ended: ${lines} in ${formatQuantity(times.parts, 'part')}`
  return [entry(times.closedAt, what, { why: warnings.at(-1) ?? null })]
}

function toEnd({ run, times, actions }: TimelineInput): TimelineEntry[] {
  const { review } = times
  const isDecided = actions.some(({ action }) => ENDS[action] === (review?.state ?? run.state))
  if (review === null)
    return run.finishedAt === null || isDecided
      ? []
      : [entry(run.finishedAt, run.state, { why: run.reason, state: run.state })]
  const held = entry(review.openedAt, 'held', { why: run.reason, state: 'held' })
  if (review.decidedAt === null || isDecided) return [held]
  const what = review.state === 'superseded' ? 'superseded by a newer run' : review.state
  return [held, entry(review.decidedAt, what, { who: review.decidedBy, state: review.state })]
}

function entry(
  at: Date,
  what: string,
  { who = null, why = null, state = null }: Partial<Omit<TimelineEntry, 'at' | 'what'>> = {},
): TimelineEntry {
  return { at, what, who, why, state }
}
