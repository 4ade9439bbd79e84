// The parts of a source's health beside its runs: the circuit breaker, limits, quarantine,
// removals, the copy `latest.ndjson`, images and the error budget.

import { measureErrorBudget } from '../core/error-budget.ts'
import type { HealthPart, NextStep } from '../core/source-health.ts'
import type { OpenBreaker } from '../db/read/limits.ts'
import type { SourceFacts } from '../db/read/source-healths.ts'
import { formatCount, formatNext, formatQuantity } from '../lib/words.ts'
import type { Due } from './due.ts'

export interface Circumstances {
  readonly facts: SourceFacts
  /** Null while the source is paused. */
  readonly due: Due | null
  /** The circuit breaker of its supplier; null while that is closed. */
  readonly breaker: OpenBreaker | null
  /** The supplier demands that its next request waits until then; null if none waits for long. */
  readonly waitsUntil: Date | null
  readonly now: Date
}

/** Lists the parts that are not as they should be. */
export function listSideParts(source: Circumstances): HealthPart[] {
  return [
    ...describeBreaker(source),
    ...describeQuarantine(source),
    ...describeLimits(source),
    ...describeRemovals(source),
    ...describeCopy(source),
    ...describeImages(source),
    ...describeBudget(source),
  ]
}

function describeBreaker({ breaker, now }: Circumstances): HealthPart[] {
  if (breaker === null) return []
  const { key, failures, state, retryAt } = breaker
  const test =
    state === 'open' ? `the next test is ${formatNext(retryAt, now)}` : 'a request tests it now'
  return [
    {
      part: 'breaker',
      state: 'failing',
      level: 'problem',
      reason: `the circuit breaker is open: ${key} has failed ${formatQuantity(failures, 'time')} and gets no request; ${test}`,
      next: toStep('limits', '/jobs', 'see the circuit breaker'),
    },
  ]
}

function describeQuarantine({ facts: { source, openQuarantine } }: Circumstances): HealthPart[] {
  if (openQuarantine === 0) return []
  return [
    warn(
      'quarantine',
      `${formatQuantity(openQuarantine, 'record')} could not be applied and ${openQuarantine === 1 ? 'is' : 'are'} in quarantine`,
      toStep(`quarantine --source ${source}`, `/runs?source=${source}`, 'read the reasons'),
    ),
  ]
}

/** The supplier's quota and its demands end by themselves. */
function describeLimits({ facts: { quota }, waitsUntil, now }: Circumstances): HealthPart[] {
  const parts: HealthPart[] = []
  if (quota !== null && quota.used >= quota.perDay)
    parts.push(
      warn(
        'limits',
        `all ${formatCount(quota.perDay)} requests of today are used; the next day begins at 00:00 UTC`,
        null,
      ),
    )
  if (waitsUntil !== null)
    parts.push(
      warn(
        'limits',
        `the supplier demands a pause; requests continue ${formatNext(waitsUntil, now)}`,
        null,
      ),
    )
  return parts
}

function describeRemovals({ facts: { source, removalsOff } }: Circumstances): HealthPart[] {
  if (removalsOff === null) return []
  const step = toStep(`sync ${source} --full`, `/sources/${source}`, 'start a full run')
  return [warn('removals', `removals are off: ${removalsOff}`, step)]
}

function describeCopy({ facts: { latestCopy } }: Circumstances): HealthPart[] {
  if (latestCopy?.error == null) return []
  const { run, error } = latestCopy
  const copy = run === null ? 'it does not exist yet' : `it contains run ${run}`
  return [
    warn(
      'latest copy',
      `latest.ndjson could not be written (${copy}): ${error}`,
      toStep('doctor', '/health', 'check the artifact store'),
    ),
  ]
}

function describeImages({ facts: { failedImages, flaggedHosts } }: Circumstances): HealthPart[] {
  const failed =
    failedImages === 0
      ? []
      : [
          warn(
            'images',
            `${formatQuantity(failedImages, 'image')} could not be stored`,
            toStep('images', '/health', 'read the reasons'),
          ),
        ]
  const [host] = flaggedHosts
  if (host === undefined) return failed
  const hosts = flaggedHosts.length === 1 ? host : `${host} and ${flaggedHosts.length - 1} others`
  return [...failed, warn('images', `images wait: ${hosts} refuses our requests`, null)]
}

function describeBudget({ facts: { week } }: Circumstances): HealthPart[] {
  const { good, failed, spent } = measureErrorBudget(week)
  if (!spent) return []
  return [
    warn(
      'error budget',
      `${formatCount(failed)} of ${formatQuantity(good + failed, 'run')} failed in seven days: the error budget is spent`,
      null,
    ),
  ]
}

function warn(part: HealthPart['part'], reason: string, next: NextStep | null): HealthPart {
  return { part, state: 'fresh', level: 'warning', reason, next }
}

/** A command without `shelfsync`, and the page of the dashboard where the same is done. */
export function toStep(command: string, page: string, text: string): NextStep {
  return { text, command: `shelfsync ${command}`, page }
}
