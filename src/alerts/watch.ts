// Judges alerts and sends their messages, in one living process at a time: every process beats, and
// the one with the lease works. When it dies, its lease ends after a minute and another process
// continues. A message is recorded after it was sent, so a crash between the two repeats one
// message.

import type { Catalog } from '../db/catalog.ts'
import {
  beatAlerts,
  leaveAlerts,
  listAlertChannels,
  listAlerts,
  listReportedEnds,
  loadAlertFacts,
  recordNotices,
  saveAlerts,
  type AlertChannel,
  type NoticeResult,
  type Signals,
} from '../db/alerts.ts'
import { messageOf } from '../core/errors.ts'
import type { StoredAlert } from '../core/alert.ts'
import { repeat } from '../lib/repeat.ts'
import type { Calendar } from '../sources/due.ts'
import type { Log } from '../telemetry/log.ts'
import { findCauses } from './causes.ts'
import { SendError, type Channel, type ChannelName } from './channel.ts'
import { isWeeklyDue, planDigest, writeDigest, writeWeekly, type Message } from './digest.ts'
import { judgeAlerts } from './judge.ts'

const PAUSE_MS = 20_000
const LEASE_SECONDS = 60
const DATABASE_MS = 10_000
const LEAVE_MS = 2_000
const RETRY_SECONDS = { min: 30, max: 3600 } as const

export interface AlertTools {
  readonly db: Catalog
  readonly log: Log
  readonly calendar: Calendar
  readonly channels: readonly Channel[]
  /** Identifies this process. */
  readonly process: string
  /** The public address of the dashboard, for links. */
  readonly webUrl: string | null
  signals(): Signals
  /** Called for each failed attempt to send. */
  onSendFailure(channel: ChannelName): void
}

export interface WatchOptions {
  readonly signal: AbortSignal
  readonly onError: (error: unknown) => void
  readonly pauseMs?: number
  readonly leaseSeconds?: number
}

/** Takes part until `signal` is aborted, then leaves the lease to another process. */
export async function watchAlerts(tools: AlertTools, options: WatchOptions): Promise<void> {
  const { signal, onError, pauseMs = PAUSE_MS, leaseSeconds = LEASE_SECONDS } = options
  const watch = async (): Promise<void> => void (await watchOnce(tools, signal, leaseSeconds))
  await repeat(watch, { pauseMs, signal, onError })
  await leaveAlerts(tools.db, tools.process, LEAVE_MS).catch(() => undefined)
}

/** Returns true if this process has the lease and has judged. */
export async function watchOnce(
  tools: AlertTools,
  signal: AbortSignal,
  leaseSeconds: number = LEASE_SECONDS,
): Promise<boolean> {
  const { db, channels, calendar } = tools
  const names = channels.map(({ name }) => name)
  const self = { process: tools.process, channels: names, signals: tools.signals(), leaseSeconds }
  const token = await beatAlerts(db, self, DATABASE_MS)
  if (token === null) return false
  const facts = await loadAlertFacts(db, DATABASE_MS)
  const changes = judgeAlerts(await listAlerts(db, 0), findCauses(facts, calendar), facts.now)
  if (changes.length > 0 && !(await saveAlerts(db, token, changes))) return false
  if (channels.length === 0) return true
  const alerts = await listAlerts(db, 0)
  const states = new Map((await listAlertChannels(db)).map((state) => [state.channel, state]))
  await Promise.all(
    channels.map(async (channel) => {
      const state = states.get(channel.name)
      if (state === undefined) return
      const turn = { tools, token, channel, state, signal, now: facts.now }
      // After a failure, the channel is left alone until it is tried again.
      if (!(await sendDigest(turn, alerts))) return
      if (!(await sendWeekly(turn, alerts, facts.sources.length))) return
      await reportEnds(turn)
    }),
  )
  return true
}

interface Turn {
  readonly tools: AlertTools
  readonly token: number
  readonly channel: Channel
  readonly state: AlertChannel
  readonly signal: AbortSignal
  readonly now: Date
}

/** Returns false if the channel failed. */
async function sendDigest(turn: Turn, alerts: readonly StoredAlert[]): Promise<boolean> {
  const { tools, channel, state, now, signal } = turn
  const digest = planDigest(state, alerts, now)
  if (digest === null) return true
  const message = writeDigest(digest, tools.webUrl)
  const notices = [
    ...digest.opened.map(({ id }) => ({ alert: id, event: 'opened' as const })),
    ...digest.recovered.map(({ id }) => ({ alert: id, event: 'recovered' as const })),
  ]
  return attempt(turn, () => channel.send(message, digest, signal), { notices })
}

async function sendWeekly(
  turn: Turn,
  alerts: readonly StoredAlert[],
  sources: number,
): Promise<boolean> {
  const { tools, channel, state, now, signal } = turn
  if (!channel.hasWeekly || !isWeeklyDue(state, now)) return true
  const message: Message = writeWeekly(alerts, sources, { webUrl: tools.webUrl, now })
  return attempt(turn, () => channel.send(message, null, signal), { weekly: true })
}

async function reportEnds(turn: Turn): Promise<void> {
  const { tools, channel, state, signal, now } = turn
  if (channel.reportEnds === undefined || (state.retryAt !== null && state.retryAt > now)) return
  const ends = await listReportedEnds(tools.db, state.runEnd)
  const runEnd = ends.at(-1)?.no
  if (runEnd === undefined) return
  const report = channel.reportEnds.bind(channel)
  await attempt(turn, () => report(ends, signal), { runEnd })
}

/** Sends, and records the result. A failure is tried again later, with a longer wait each time. */
async function attempt(
  { tools, token, channel, state, signal }: Turn,
  send: () => Promise<void>,
  result: NoticeResult,
): Promise<boolean> {
  try {
    await send()
  } catch (error) {
    if (signal.aborted) return false
    const wait = Math.min(RETRY_SECONDS.max, RETRY_SECONDS.min * 2 ** Math.min(state.failures, 10))
    const stated = error instanceof SendError ? (error.retryAfterMs ?? 0) / 1000 : 0
    const retrySeconds = Math.max(wait, Math.min(stated, RETRY_SECONDS.max))
    tools.onSendFailure(channel.name)
    tools.log.warn({ channel: channel.name, cause: messageOf(error) }, 'an alert could not be sent')
    await recordNotices(tools.db, token, channel.name, { error: messageOf(error), retrySeconds })
    return false
  }
  return recordNotices(tools.db, token, channel.name, result)
}
