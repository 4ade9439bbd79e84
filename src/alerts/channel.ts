// Contract of Slack and Sentry: a place to which messages about alerts are sent.

import type { Digest, Message } from './digest.ts'
import type { ReportedEnd } from '../db/alerts.ts'

export type ChannelName = 'slack' | 'sentry'

/** The message was not accepted. It is sent again, after `retryAfterMs` at the earliest. */
export class SendError extends Error {
  override readonly name = 'SendError'
  readonly retryAfterMs: number | null

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

export interface Channel {
  readonly name: ChannelName
  /** True if it gets the weekly note. */
  readonly hasWeekly: boolean
  /** @throws SendError */
  send(message: Message, digest: Digest | null, signal: AbortSignal): Promise<void>
  /** Reports the ends of runs, for monitors of schedules. @throws SendError */
  reportEnds?(ends: readonly ReportedEnd[], signal: AbortSignal): Promise<void>
}
