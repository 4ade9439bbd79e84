// The life of an alert. A cause must last before its alert opens, and be absent for a while before
// it closes, so that a value at a threshold sends two messages and not a hundred.

import type { AlertKind, Alert, Cause, StoredAlert } from '../core/alert.ts'
import type { AlertChange } from '../db/alerts.ts'

const MINUTE_MS = 60_000

/** Time for which a cause lasts before its alert opens, and is absent before it closes. */
const TIMES: Readonly<Record<AlertKind, { readonly openMs: number; readonly closeMs: number }>> = {
  // Its grace of an hour has passed, and its run succeeds once.
  late: { openMs: 0, closeMs: 0 },
  // Decided by a person.
  held: { openMs: 0, closeMs: 0 },
  failing: { openMs: 0, closeMs: 0 },
  // The time of two tests of the supplier.
  breaker: { openMs: 10 * MINUTE_MS, closeMs: 5 * MINUTE_MS },
  budget: { openMs: 0, closeMs: 60 * MINUTE_MS },
  'back-pressure': { openMs: 0, closeMs: 10 * MINUTE_MS },
  'sign-ins': { openMs: 0, closeMs: 15 * MINUTE_MS },
}

/**
 * Returns the changes to `alerts` that these causes make. Alerts that stay as they are have none.
 */
export function judgeAlerts(
  alerts: readonly StoredAlert[],
  causes: readonly Cause[],
  now: Date,
): AlertChange[] {
  const present = new Map(causes.map((cause) => [toKey(cause), cause]))
  const current = alerts.filter(({ state }) => state !== 'closed')
  const known = new Set(current.map(toKey))
  const changes = current.flatMap((alert): AlertChange[] => {
    const next = moveAlert(alert, present.get(toKey(alert)), now)
    return next === null ? [] : [{ ...next, id: alert.id }]
  })
  for (const [key, cause] of present) if (!known.has(key)) changes.push(openAlert(cause, now))
  return changes
}

function toKey({ kind, subject }: Pick<Cause, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`
}

function openAlert({ kind, subject, source, run, reason }: Cause, now: Date): AlertChange {
  const opens = TIMES[kind].openMs === 0
  return {
    id: null,
    kind,
    subject,
    source,
    run,
    reason,
    state: opens ? 'open' : 'pending',
    since: now,
    openedAt: opens ? now : null,
    absentSince: null,
    closedAt: null,
  }
}

/** Returns null if nothing changes. */
function moveAlert(alert: StoredAlert, cause: Cause | undefined, now: Date): Alert | null {
  const { openMs, closeMs } = TIMES[alert.kind]
  if (cause === undefined) {
    const absentSince = alert.absentSince ?? now
    // An alert that never opened ends with its cause.
    const wait = alert.state === 'pending' ? 0 : closeMs
    if (now.getTime() - absentSince.getTime() >= wait)
      return { ...alert, state: 'closed', absentSince, closedAt: now }
    return alert.absentSince === null ? { ...alert, absentSince } : null
  }
  const opens = alert.state === 'pending' && now.getTime() - alert.since.getTime() >= openMs
  if (
    !opens &&
    alert.absentSince === null &&
    alert.run === cause.run &&
    alert.reason === cause.reason
  )
    return null
  return {
    ...alert,
    reason: cause.reason,
    run: cause.run,
    absentSince: null,
    state: opens ? 'open' : alert.state,
    openedAt: opens ? now : alert.openedAt,
  }
}
