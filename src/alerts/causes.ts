// Finds the causes of alerts in the state of the system. A single failure, which a retry may
// repair, does not count: a source is failing after three runs in a row.

import { nameBreaker, type Cause } from '../core/alert.ts'
import { measureErrorBudget } from '../core/error-budget.ts'
import { FAILURE_CLASSES } from '../core/failure-class.ts'
import type { AlertFacts, AlertSource } from '../db/alerts.ts'
import type { Calendar } from '../sources/due.ts'

const FAILURES_MIN = 3
/** Half of the last fifteen minutes. */
const WAIT_SECONDS_MIN = 450
export const WRONG_KEYS_MIN = 20

const REASONS: Readonly<Record<string, string>> = {
  database_unreachable: 'the database does not respond',
  database_slow: 'the database is too slow',
  store_unwritable: 'the artifact store cannot be written',
}

export function findCauses(facts: AlertFacts, calendar: Calendar): Cause[] {
  const causes = facts.sources.flatMap((source) => findSourceCauses(source, calendar, facts.now))
  for (const breaker of facts.breakers) {
    const { openedAt, reason } = breaker
    const last = reason === null ? '' : `: ${reason}`
    causes.push({
      kind: 'breaker',
      subject: nameBreaker(breaker),
      source: null,
      run: null,
      reason: `down since ${formatTime(openedAt)}${last}`,
    })
  }
  for (const [reason, seconds] of Object.entries(facts.waits)) {
    if (seconds < WAIT_SECONDS_MIN) continue
    const share = Math.min(100, 10 * Math.round(seconds / 90))
    causes.push({
      kind: 'back-pressure',
      subject: reason,
      source: null,
      run: null,
      reason: `${REASONS[reason] ?? reason}: work waited for ${share} % of the last fifteen minutes`,
    })
  }
  if (facts.wrongKeys >= WRONG_KEYS_MIN)
    causes.push({
      kind: 'sign-ins',
      subject: 'all',
      source: null,
      run: null,
      reason: `${facts.wrongKeys} sign-ins and requests with a wrong key in fifteen minutes`,
    })
  return causes
}

function findSourceCauses(facts: AlertSource, calendar: Calendar, now: Date): Cause[] {
  const { source, heldRuns, failures, failureClass, failedRun, week } = facts
  const causes: Cause[] = []
  const add = (kind: Cause['kind'], reason: string, run: number | null = null): void => {
    causes.push({ kind, subject: source, source, run, reason })
  }
  const [held] = heldRuns
  if (held !== undefined) {
    const more = heldRuns.length > 1 ? `, and ${heldRuns.length - 1} more` : ''
    add('held', `run ${held} waits for a decision${more}`, held)
  }
  if (facts.paused) return causes
  if (failures >= FAILURES_MIN && failureClass !== null)
    add(
      'failing',
      `its host ${FAILURE_CLASSES[failureClass]}, ${failures} runs in a row`,
      failedRun,
    )
  const { at, late } = calendar.dueOf(facts, now)
  if (late) add('late', describeDelay(at, now))
  const { spent, failed, good } = measureErrorBudget(week)
  if (spent) add('budget', `${failed} of ${failed + good} runs failed in seven days`, failedRun)
  return causes
}

/** A source that refreshes products may be late before its next time. */
function describeDelay(at: Date | null, now: Date): string {
  if (at === null) return 'its schedule never occurs'
  if (at > now) return 'a product was not read in time'
  return `no run has succeeded since it was due on ${formatTime(at)}`
}

/** An instant, not a duration: the reason stays the same while the cause lasts. */
function formatTime(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
