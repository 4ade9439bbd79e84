// Sends the unexpected errors of this process for as long as it lives. The database has no part in it: it
// may be what has failed.

import { messageOf } from '../core/errors.ts'
import { repeat } from '../lib/repeat.ts'
import { isSettledWithin } from '../lib/timeout.ts'
import type { ErrorReports } from '../telemetry/error-reports.ts'
import type { Log } from '../telemetry/log.ts'
import { SendError } from './channel.ts'
import type { SendReport } from './sentry.ts'

const PAUSE_MS = 5_000
const RETRY_MS = 60_000
/** A process that ends waits so long for its last errors to be sent. */
const LAST_MS = 2_000

export interface ReportTools {
  readonly reports: ErrorReports
  readonly send: SendReport
  readonly log: Log
  /** Called for each failed attempt to send. */
  onSendFailure(): void
}

/** Sends the oldest first. One that is refused stays, and so do those after it. @throws SendError */
type SendReports = (signal: AbortSignal) => Promise<void>

/** Of two calls, the second one waits for the first, so that no error is sent twice. */
export function createReportSender({
  reports,
  send,
}: Pick<ReportTools, 'reports' | 'send'>): SendReports {
  const sendAll = async (signal: AbortSignal): Promise<void> => {
    for (let report = reports.first; report !== undefined; report = reports.first) {
      await send(report, signal)
      reports.removeFirst()
    }
  }
  let last = Promise.resolve()
  return (signal) => (last = last.catch(() => undefined).then(() => sendAll(signal)))
}

/** Resolves when `signal` is aborted and the last errors are sent, or cannot be. */
export async function keepSendingReports(
  sendReports: SendReports,
  { log, onSendFailure }: Pick<ReportTools, 'log' | 'onSendFailure'>,
  signal: AbortSignal,
): Promise<void> {
  let retryAtMs = -Infinity
  const send = async (): Promise<void> => {
    if (performance.now() >= retryAtMs) await sendReports(signal)
  }
  await repeat(send, {
    pauseMs: PAUSE_MS,
    signal,
    onError(error) {
      if (signal.aborted) return
      const statedMs = error instanceof SendError ? (error.retryAfterMs ?? 0) : 0
      retryAtMs = performance.now() + Math.max(RETRY_MS, statedMs)
      onSendFailure()
      // A line of level error would be sent too.
      log.warn({ cause: messageOf(error) }, 'an error could not be sent to Sentry')
    },
  })
  await sendLastReports(sendReports)
}

/** Sends what it can in two seconds. */
export async function sendLastReports(sendReports: SendReports): Promise<void> {
  await isSettledWithin(sendReports(AbortSignal.timeout(LAST_MS)), LAST_MS)
}
