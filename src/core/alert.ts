// An alert: a cause that a person should know of, and its time.

import type { BreakerRule } from './limits.ts'

/** Each kind with the word for a list of its subjects. */
export const ALERT_KINDS = {
  late: 'Late',
  held: 'Held',
  failing: 'Failing',
  breaker: 'Supplier down',
  budget: 'Error budget spent',
  'back-pressure': 'Work is blocked',
  'sign-ins': 'Failed sign-ins',
} as const

export type AlertKind = keyof typeof ALERT_KINDS

/** A present fault. `kind` and `subject` identify it. */
export interface Cause {
  readonly kind: AlertKind
  /** A source, a host, or `all`. */
  readonly subject: string
  readonly source: string | null
  readonly run: number | null
  /** A sentence without a full stop. */
  readonly reason: string
}

export interface Alert extends Cause {
  /** `pending` until the cause has lasted for the time of its kind. */
  readonly state: 'pending' | 'open' | 'closed'
  readonly since: Date
  readonly openedAt: Date | null
  /** Since when the cause is absent; the alert closes when it stays so. */
  readonly absentSince: Date | null
  readonly closedAt: Date | null
}

/** An alert as it is stored. */
export interface StoredAlert extends Alert {
  readonly id: number
  readonly acknowledgedBy: string | null
  readonly acknowledgedAt: Date | null
  readonly mutedUntil: Date | null
  readonly mutedBy: string | null
  /** The sent messages, as `slack opened`. */
  readonly sent: readonly string[]
}

/** The subject of an alert about a circuit breaker: a host, or the scope and the key of another one. */
export function nameBreaker({ scope, key }: Pick<BreakerRule, 'scope' | 'key'>): string {
  return scope === 'host' ? key : `${scope} ${key}`
}

/** The first thing to do about an alert, and the path of the page where it is done. */
export function adviseOn({ kind, source, run }: Pick<Cause, 'kind' | 'source' | 'run'>): {
  readonly action: string
  readonly page: string
} {
  const ofSource = source === null ? '/' : `/sources/${source}`
  const ofRun = run === null ? ofSource : `/runs/${run}`
  switch (kind) {
    case 'late':
      return { action: 'see what failed last, then start a run', page: ofSource }
    case 'held':
      return {
        action: 'compare what the run would change, then approve or reject it',
        page: ofRun,
      }
    case 'failing':
      return {
        action: 'read the error of the run, then check the address and the key of the source',
        page: ofRun,
      }
    case 'breaker':
      return {
        action: 'wait, or check the supplier; it is requested again after a test succeeds',
        page: '/jobs',
      }
    case 'budget':
      return { action: 'read the errors of its failed runs', page: ofRun }
    case 'back-pressure':
      return {
        action: 'check the load and the free space of Postgres and the store',
        page: '/jobs',
      }
    case 'sign-ins':
      return { action: 'find the caller in the log; correct its key or block it', page: '/alerts' }
  }
}
