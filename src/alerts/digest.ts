// Decides which message is due, and writes it. Many alerts share one message: causes that begin
// together are collected for a moment, and a channel gets at most one message in five minutes.

import { adviseOn, ALERT_KINDS, type AlertKind, type StoredAlert } from '../core/alert.ts'
import type { AlertChannel } from '../db/alerts.ts'

const COLLECT_MS = 30_000
const INTERVAL_MS = 5 * 60_000
const DAY_MS = 24 * 60 * 60_000
/** The weekly note is due on Mondays at 08:00 UTC. */
const WEEKLY = { day: 1, hour: 8 } as const
/** Lines for each kind of alert; the others are counted. */
const LINES_MAX = 8

export interface Digest {
  readonly opened: readonly StoredAlert[]
  readonly recovered: readonly StoredAlert[]
}

/**
 * Returns the message that is due now, or null. Acknowledged and muted alerts are not announced.
 */
export function planDigest(
  channel: AlertChannel,
  alerts: readonly StoredAlert[],
  now: Date,
): Digest | null {
  if (channel.retryAt !== null && channel.retryAt > now) return null
  const { channel: name } = channel
  const opened = alerts.filter(
    (alert) =>
      alert.state === 'open' &&
      alert.acknowledgedBy === null &&
      !isMuted(alert, now) &&
      !alert.sent.includes(`${name} opened`),
  )
  const recovered = alerts.filter(
    ({ state, sent }) =>
      state === 'closed' && sent.includes(`${name} opened`) && !sent.includes(`${name} recovered`),
  )
  const all = [...opened, ...recovered]
  if (all.length === 0) return null
  const begunMs = Math.min(
    ...opened.map(({ openedAt }) => openedAt?.getTime() ?? 0),
    ...recovered.map(({ closedAt }) => closedAt?.getTime() ?? 0),
  )
  const lastMs = channel.lastSentAt?.getTime() ?? -Infinity
  const isDue = now.getTime() >= begunMs + COLLECT_MS && now.getTime() >= lastMs + INTERVAL_MS
  return isDue ? { opened, recovered } : null
}

export function isMuted({ mutedUntil }: StoredAlert, now: Date): boolean {
  return mutedUntil !== null && mutedUntil > now
}

/** True once a week. The first week of a channel begins when a process first has it. */
export function isWeeklyDue({ weeklyAt, retryAt }: AlertChannel, now: Date): boolean {
  return (retryAt === null || retryAt <= now) && weeklyAt < findLastMonday(now)
}

function findLastMonday(now: Date): Date {
  const days = (now.getUTCDay() - WEEKLY.day + 7) % 7
  const at = new Date(now)
  at.setUTCHours(WEEKLY.hour, 0, 0, 0)
  at.setUTCDate(at.getUTCDate() - days)
  return at > now ? new Date(at.getTime() - 7 * DAY_MS) : at
}

/** A message: its title, and sections of lines. A line may end with a link. */
export interface Message {
  readonly title: string
  readonly sections: readonly (readonly Line[])[]
}

export interface Line {
  readonly text: string
  /** The address of a page; null when WEB_URL is not set. */
  readonly link: string | null
}

/** `webUrl` is the public address of the dashboard. */
export function writeDigest({ opened, recovered }: Digest, webUrl: string | null): Message {
  const counts = [
    ...(opened.length > 0 ? [countAlerts(opened.length, 'new')] : []),
    ...(recovered.length > 0 ? [`${recovered.length} recovered`] : []),
  ]
  const groups = Map.groupBy(opened, ({ kind }) => kind)
  const sections = [...groups].map(([kind, alerts]) => writeGroup(kind, alerts, webUrl))
  if (recovered.length > 0) sections.push(writeRecovered(recovered))
  return { title: `Shelfsync: ${counts.join(', ')}`, sections }
}

function countAlerts(count: number, adjective: string): string {
  return `${count} ${adjective} ${count === 1 ? 'alert' : 'alerts'}`
}

function writeGroup(
  kind: AlertKind,
  alerts: readonly StoredAlert[],
  webUrl: string | null,
): Line[] {
  const [first] = alerts
  const shown = alerts.slice(0, LINES_MAX)
  const more = alerts.length - shown.length
  const lines: Line[] = [{ text: `*${ALERT_KINDS[kind]}*`, link: null }]
  for (const alert of shown)
    lines.push({
      text: `${alert.subject}: ${alert.reason}`,
      link: toLink(webUrl, adviseOn(alert).page),
    })
  if (more > 0) lines.push({ text: `and ${more} more`, link: toLink(webUrl, '/alerts') })
  if (first) lines.push({ text: `To do: ${adviseOn(first).action}.`, link: null })
  return lines
}

function writeRecovered(alerts: readonly StoredAlert[]): Line[] {
  const names = alerts
    .slice(0, LINES_MAX)
    .map(({ kind, subject }) => `${subject} (${ALERT_KINDS[kind].toLowerCase()})`)
  const more = alerts.length > LINES_MAX ? ` and ${alerts.length - LINES_MAX} more` : ''
  return [{ text: `Recovered: ${names.join(', ')}${more}`, link: null }]
}

/** The weekly note: silence alone would not prove that anything still watches. */
export function writeWeekly(
  alerts: readonly StoredAlert[],
  sources: number,
  { webUrl, now }: { readonly webUrl: string | null; readonly now: Date },
): Message {
  const open = alerts.filter(({ state }) => state === 'open')
  const watched = `${sources} ${sources === 1 ? 'source is' : 'sources are'} watched`
  if (open.length === 0)
    return {
      title: 'Shelfsync: all is well this week',
      sections: [[{ text: `No alert is open. ${watched}.`, link: toLink(webUrl, '/') }]],
    }
  const lines = open.slice(0, 2 * LINES_MAX).map((alert): Line => {
    const state = isMuted(alert, now)
      ? ` (muted until ${alert.mutedUntil?.toISOString().slice(0, 10)})`
      : alert.acknowledgedBy === null
        ? ''
        : ` (acknowledged by ${alert.acknowledgedBy})`
    return {
      text: `${ALERT_KINDS[alert.kind]}: ${alert.subject}: ${alert.reason}${state}`,
      link: toLink(webUrl, adviseOn(alert).page),
    }
  })
  const more = open.length - lines.length
  if (more > 0) lines.push({ text: `and ${more} more`, link: toLink(webUrl, '/alerts') })
  return {
    title: `Shelfsync: ${countAlerts(open.length, 'open')} this week`,
    sections: [lines, [{ text: `${watched}.`, link: null }]],
  }
}

function toLink(webUrl: string | null, page: string): string | null {
  return webUrl === null ? null : new URL(page, webUrl).href
}
