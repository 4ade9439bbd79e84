// Alerts and their messages in the database. The rules are in src/alerts.

import type { Alert, AlertKind, StoredAlert } from '../core/alert.ts'
import type { FailureClass } from '../core/failure-class.ts'
import type { Schedule } from '../core/schedule.ts'
import { jsonb, one, toInstant, type Catalog } from './catalog.ts'
import { toOpenBreaker, type BreakerRow, type OpenBreaker } from './read/limits.ts'

/** The state of the system by which alerts are judged. */
export interface AlertFacts {
  readonly now: Date
  readonly sources: readonly AlertSource[]
  readonly breakers: readonly OpenBreaker[]
  /**
   * Seconds of back-pressure by reason in the last fifteen minutes, of the process that waited
   * longest.
   */
  readonly waits: Readonly<Record<string, number>>
  /** Requests and sign-ins with a wrong key in the last fifteen minutes, in all processes. */
  readonly wrongKeys: number
}

export interface AlertSource {
  readonly source: string
  readonly paused: boolean
  readonly schedule: Schedule
  readonly dueSinceAt: Date
  readonly lateProducts: boolean | null
  /** The duration of its longest recent run; null unless a run is in progress. */
  readonly longestMs: number | null
  readonly heldRuns: readonly number[]
  /** Runs in a row that failed at the host, with the class of the last one. */
  readonly failures: number
  readonly failureClass: FailureClass | null
  /** The newest failed run. */
  readonly failedRun: number | null
  readonly week: { readonly runs: number; readonly failures: Readonly<Record<string, number>> }
}

interface FactsRow {
  readonly now: string
  readonly sources: readonly {
    readonly source: string
    readonly paused: boolean
    readonly schedule: Schedule
    readonly due_since: string
    readonly late_products: boolean | null
    readonly longest_seconds: number | null
    readonly held_runs: readonly number[]
    readonly failures: number
    readonly failure_class: FailureClass | null
    readonly failed_run: number | null
    readonly week_runs: number
    readonly week_failures: Readonly<Record<string, number>>
  }[]
  readonly breakers: readonly BreakerRow[]
  readonly waits: Readonly<Record<string, number>>
  readonly wrong_keys: number
}

export async function loadAlertFacts(db: Catalog, timeoutMs?: number): Promise<AlertFacts> {
  const row = one(await db.call<FactsRow>('load_alert_facts', {}, timeoutMs))
  return {
    now: toInstant(row.now),
    sources: row.sources.map((source) => ({
      source: source.source,
      paused: source.paused,
      schedule: source.schedule,
      dueSinceAt: toInstant(source.due_since),
      lateProducts: source.late_products,
      longestMs: source.longest_seconds === null ? null : 1000 * source.longest_seconds,
      heldRuns: source.held_runs,
      failures: source.failures,
      failureClass: source.failure_class,
      failedRun: source.failed_run,
      week: { runs: source.week_runs, failures: source.week_failures },
    })),
    breakers: row.breakers.map(toOpenBreaker),
    waits: row.waits,
    wrongKeys: row.wrong_keys,
  }
}

/** Facts about a process that the others need. */
export interface Signals {
  readonly waits: Readonly<Record<string, number>>
  readonly wrongKeys: number
}

/** A process that takes part in sending. */
export interface AlertProcess {
  readonly process: string
  readonly channels: readonly string[]
  readonly signals: Signals
  readonly leaseSeconds: number
}

/** Returns the fencing token of the lease, or null while another process has it. */
export async function beatAlerts(
  db: Catalog,
  { process, channels, signals, leaseSeconds }: AlertProcess,
  timeoutMs?: number,
): Promise<number | null> {
  const [token] = await db.call<number | null>(
    'beat_alerts',
    {
      process,
      channels,
      signals: jsonb({ waits: signals.waits, wrong_keys: signals.wrongKeys }),
      seconds: leaseSeconds,
    },
    timeoutMs,
  )
  return token ?? null
}

/** Lets another process take the lease at once. */
export async function leaveAlerts(db: Catalog, process: string, timeoutMs: number): Promise<void> {
  await db.call('leave_alerts', { process }, timeoutMs)
}

interface AlertRow {
  readonly id: number
  readonly kind: AlertKind
  readonly subject: string
  readonly source: string | null
  readonly run: number | null
  readonly state: Alert['state']
  readonly reason: string
  readonly since: string
  readonly opened_at: string | null
  readonly absent_since: string | null
  readonly closed_at: string | null
  readonly acknowledged_by: string | null
  readonly acknowledged_at: string | null
  readonly muted_until: string | null
  readonly muted_by: string | null
  readonly sent?: readonly string[]
}

/** Those that are not closed, the newest first, then `closed` of the others. */
export async function listAlerts(db: Catalog, closed: number): Promise<StoredAlert[]> {
  return (await db.call<AlertRow>('list_alerts', { closed })).map(toAlert)
}

function toAlert(row: AlertRow): StoredAlert {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    source: row.source,
    run: row.run,
    state: row.state,
    reason: row.reason,
    since: toInstant(row.since),
    openedAt: toInstant(row.opened_at),
    absentSince: toInstant(row.absent_since),
    closedAt: toInstant(row.closed_at),
    acknowledgedBy: row.acknowledged_by,
    acknowledgedAt: toInstant(row.acknowledged_at),
    mutedUntil: toInstant(row.muted_until),
    mutedBy: row.muted_by,
    sent: row.sent ?? [],
  }
}

/** A change to an alert; without an id, a new one. */
export type AlertChange = Alert & { readonly id: number | null }

/** Returns false when another process has taken the lease; nothing is saved then. */
export async function saveAlerts(
  db: Catalog,
  token: number,
  changes: readonly AlertChange[],
): Promise<boolean> {
  const rows = changes.map(({ openedAt, absentSince, closedAt, ...change }) => ({
    ...change,
    opened_at: openedAt,
    absent_since: absentSince,
    closed_at: closedAt,
  }))
  return one(await db.call<boolean>('save_alerts', { token, changes: jsonb(rows) }))
}

/** Slack or Sentry, and the results of the messages to it. */
export interface AlertChannel {
  readonly channel: string
  readonly lastSentAt: Date | null
  /** Failed attempts in a row. */
  readonly failures: number
  readonly error: string | null
  readonly retryAt: Date | null
  /** Of the last weekly note, or when a process first had the channel. */
  readonly weeklyAt: Date
  /** Number of the last reported end of a run. */
  readonly runEnd: number
}

export async function listAlertChannels(db: Catalog): Promise<AlertChannel[]> {
  const rows = await db.call<{
    channel: string
    last_sent_at: string | null
    failures: number
    error: string | null
    retry_at: string | null
    weekly_at: string
    run_end: number
  }>('list_alert_channels', {})
  return rows.map((row) => ({
    channel: row.channel,
    lastSentAt: toInstant(row.last_sent_at),
    failures: row.failures,
    error: row.error,
    retryAt: toInstant(row.retry_at),
    weeklyAt: toInstant(row.weekly_at),
    runEnd: row.run_end,
  }))
}

export interface NoticeResult {
  readonly notices?: readonly { readonly alert: number; readonly event: 'opened' | 'recovered' }[]
  readonly weekly?: true
  readonly runEnd?: number
  /** The error of a failed attempt. Never a secret. */
  readonly error?: string
  readonly retrySeconds?: number
}

/** Returns false when another process has taken the lease; nothing is recorded then. */
export async function recordNotices(
  db: Catalog,
  token: number,
  channel: string,
  { notices = [], runEnd, retrySeconds, ...result }: NoticeResult,
): Promise<boolean> {
  const fields = { ...result, notices, run_end: runEnd, retry_seconds: retrySeconds }
  return one(await db.call<boolean>('record_notices', { token, channel, result: jsonb(fields) }))
}

/** `reason` is that of the person, for the log of actions. */
export type AlertDecision = { readonly by: string; readonly reason?: string | undefined } & (
  | { readonly decision: 'acknowledge' | 'unmute' }
  | { readonly decision: 'mute'; readonly until: Date }
)

/**
 * Decides, and records the decision in the log of actions.
 *
 * @throws SyncError `alert/unknown` if no open alert has the number
 */
export async function decideAlert(
  db: Catalog,
  id: number,
  change: AlertDecision,
): Promise<StoredAlert> {
  const { decision, by, reason = null } = change
  const until = decision === 'mute' ? change.until : null
  return toAlert(one(await db.call<AlertRow>('decide_alert', { id, decision, by, until, reason })))
}

/** The end of a run, for the monitors of Sentry. */
export interface ReportedEnd {
  readonly no: number
  readonly source: string
  readonly run: number
  readonly kind: string
  readonly state: string
  readonly error_code: string | null
  readonly reason: string | null
  readonly correlation_id: string
  readonly seconds: number
  readonly schedule: Schedule
}

/** The ends after number `after`, the oldest first, at most 50. */
export function listReportedEnds(db: Catalog, after: number): Promise<ReportedEnd[]> {
  return db.call<ReportedEnd>('list_reported_ends', { after })
}
