// Describes the parts of a source's health: its schedule, its runs and open decisions.

import type { HealthPart, NextStep } from '../core/source-health.ts'
import type { SourceFacts } from '../db/read/source-healths.ts'
import type { RunState } from '../db/read/run-summaries.ts'
import type { LastRun } from '../db/read/source-summaries.ts'
import { formatQuantity, formatRelative } from '../lib/words.ts'
import { formatFailure } from './format-failure.ts'
import { listSideParts, toStep, type Circumstances } from './health-side-parts.ts'

/** Lists the parts of a source. Of a paused one, only what a person has to decide can be wrong. */
export function listHealthParts(source: Circumstances): HealthPart[] {
  const decisions = [
    describeSchedule(source),
    describeLastRun(source),
    ...describeDecisions(source),
  ]
  if (source.facts.state === 'paused') return decisions
  return [...decisions, ...listSideParts(source)]
}

const CALM = { level: 'ok', next: null } as const

function describeSchedule({ facts, due, now }: Circumstances): HealthPart {
  const part = 'schedule'
  if (facts.state === 'paused')
    return { part, state: 'paused', ...CALM, reason: 'it is paused: no scheduled run starts' }
  const at = due?.at ?? null
  if (due?.late !== true)
    return {
      part,
      state: 'fresh',
      ...CALM,
      reason:
        at === null || at > now
          ? `the next run is due ${at === null ? 'at no time' : formatRelative(at, now)}`
          : `a run has been due for ${formatAge(at, now)}`,
    }
  return {
    part,
    state: 'late',
    level: 'problem',
    reason: explainLate(facts, at, now),
    next:
      at === null
        ? toStep(`sources show ${facts.source}`, `/sources/${facts.source}`, 'correct the schedule')
        : toStep('doctor', '/jobs', 'check that the services run'),
  }
}

function explainLate(
  { schedule, lateProducts, lastGoodAt }: SourceFacts,
  at: Date | null,
  now: Date,
): string {
  if (lateProducts === true) return 'products were not read in time'
  if (at === null)
    return `its schedule "${schedule.cron}" in ${schedule.zone} has no next time, so no run starts`
  const success =
    lastGoodAt === null
      ? 'no run has succeeded yet'
      : `the last successful run started ${formatRelative(lastGoodAt, now)}`
  return `a run was due ${formatRelative(at, now)}, and ${success}`
}

/** A run that is retried while it runs, or that a worker resumes, is only a warning. */
function describeLastRun({ facts, now }: Circumstances): HealthPart {
  const { lastRun, result, failure } = facts
  const part = 'last run'
  if (lastRun === null) return { part, state: 'never run', ...CALM, reason: 'it has never run' }
  const isPaused = facts.state === 'paused'
  const failed = result?.state === 'failed' && !isPaused ? explainFailure(facts, now) : null
  const isNewest = result?.id === lastRun.id
  if (failed !== null && (isNewest || failure?.flagged === true))
    return { part, state: 'failing', level: 'problem', reason: failed, next: showRun(result?.id) }
  const isDoubtful = failed !== null || (lastRun.state === 'interrupted' && !isPaused)
  return {
    part,
    state: isOpen(lastRun) ? 'running' : 'fresh',
    level: isDoubtful ? 'warning' : 'ok',
    reason: `${describeRun(lastRun, now)}${failed === null ? '' : `; before it, ${failed}`}`,
    next: null,
  }
}

/** A run that works, or that another worker or the next sync continues. */
function isOpen({ state }: LastRun): boolean {
  return state === 'running' || state === 'interrupted' || state === 'fetched'
}

const ENDS: Readonly<Record<Exclude<RunState, 'running' | 'interrupted' | 'fetched'>, string>> = {
  succeeded: 'succeeded',
  held: 'ended and is held',
  failed: 'failed',
  rejected: 'was rejected by a person',
  superseded: 'was replaced by a newer run',
  cancelled: 'was cancelled by a person',
  partial: 'ended, and covered a part of the source',
}

function describeRun({ id, state, startedAt, finishedAt }: LastRun, now: Date): string {
  const name = `run ${id}`
  if (state === 'running') return `${name} has been running for ${formatAge(startedAt, now)}`
  if (state === 'interrupted')
    return `${name} was interrupted: another worker, or the next sync, resumes it`
  if (state === 'fetched') return `${name} has fetched, and the next sync applies it`
  return `${name} ${ENDS[state]} ${formatRelative(finishedAt ?? startedAt, now)}`
}

/** `run 12 failed 3 h ago: …`, or what is wrong with the host. */
function explainFailure({ result, failure }: SourceFacts, now: Date): string {
  if (failure !== null) return formatFailure(failure, now)
  const when = result?.finishedAt == null ? '' : ` ${formatRelative(result.finishedAt, now)}`
  const why = result?.reason ?? result?.errorCode
  return `run ${result?.id} failed${when}${why == null ? '' : `: ${why}`}`
}

function describeDecisions({ facts }: Circumstances): HealthPart[] {
  const { source, heldRuns, heldPrices, openReviews } = facts
  const [run] = heldRuns
  const held: HealthPart[] =
    run === undefined
      ? []
      : [
          {
            part: 'decisions',
            state: 'held',
            level: 'problem',
            reason:
              heldRuns.length === 1
                ? `run ${run} is held until a person decides`
                : `${formatQuantity(heldRuns.length, 'run')} are held until a person decides`,
            next: toStep(`runs show ${run}`, `/runs/${run}`, `decide about run ${run}`),
          },
        ]
  const others = openReviews - heldRuns.length
  if (others <= 0) return held
  const prices = heldPrices === 0 ? null : formatQuantity(heldPrices, 'held price')
  const rest = others - heldPrices
  const more = rest <= 0 ? null : formatQuantity(rest, prices === null ? 'review' : 'other review')
  const waiting: HealthPart = {
    part: 'decisions',
    state: 'held',
    level: 'warning',
    reason: `${[prices, more].filter((one) => one !== null).join(' and ')} ${others === 1 ? 'waits' : 'wait'} for a decision`,
    next: toStep(`reviews --source ${source}`, `/reviews?source=${source}`, 'decide about them'),
  }
  return [...held, waiting]
}

function showRun(run: number | undefined): NextStep | null {
  return run === undefined ? null : toStep(`runs show ${run}`, `/runs/${run}`, 'read why it failed')
}

/** `3 h`, without `ago`. */
function formatAge(at: Date, now: Date): string {
  const age = formatRelative(at, now)
  return age === 'just now' ? 'a moment' : age.replace(/ ago$/, '')
}
