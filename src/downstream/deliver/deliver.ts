// The step that sends changes and the messages of rules to webhooks: at least once, in the order of
// the feed for each product, while other products are sent. docs/webhooks.md describes it for
// operators and receivers.

import type { RequestRules } from '../../core/limits.ts'
import {
  type ClaimedDelivery,
  claimDeliveries,
  finishDelivery,
  queueDeliveries,
  removeOldDeliveries,
} from '../../db/write/deliveries.ts'
import { limitRequests } from '../../sources/limited-http.ts'
import type { DownstreamStep, OpenStep, StepTools } from '../step.ts'
import { judgeAttempt } from './judge-attempt.ts'
import { sendDelivery } from './send-delivery.ts'
import { WorkerShares } from './worker-shares.ts'

/** Requests of a process at the same time, and of all processes to one host. */
const WORKERS = 8
/** Workers of a process that one webhook may hold: a receiver that never responds leaves the others. */
const WEBHOOK_WORKERS_MAX = 4
/** Changes of one receiver or rule that one statement turns into messages. */
const QUEUED_CHANGES_MAX = 1_000
/** Pause after a search that found no new change. */
const LOOK_PAUSE_MS = 1_000
/** Messages of one lease. */
const CLAIMED_MAX = 4
/** Time after which another process may send the messages of this one. */
const LEASE_MS = 120_000
/** No request starts in this last part of the lease: it must end before another process may send its message. */
const RESERVED_MS = 40_000
const CLEANING_PAUSE_MS = 3_600_000
const REMOVED_MAX = 10_000
/** The step counts as idle when it has found no work for this time. */
const BUSY_MS = 12_000

export const deliver: DownstreamStep = {
  name: 'deliver',
  role: 'deliver',
  open: openDeliver,
}

function openDeliver(tools: StepTools): OpenStep {
  const { db, metrics, settings } = tools
  const http = limitRequests(
    { ...tools, requestIntervals: settings.requestIntervals },
    { connector: { rules: ({ url }) => toRules(url) }, settings: null, credentials: null },
  )
  const sender = { http, variables: settings.webhooks, redact: tools.redact }
  const shares = new WorkerShares(WEBHOOK_WORKERS_MAX)
  let cleanAgainMs = -Infinity
  let workedMs = -Infinity

  const queueNew = createChangeQueue(db)
  const clean = async (): Promise<void> => {
    if (performance.now() < cleanAgainMs) return
    cleanAgainMs = performance.now() + CLEANING_PAUSE_MS
    while ((await removeOldDeliveries(db, REMOVED_MAX)) === REMOVED_MAX);
  }
  const send = async (delivery: ClaimedDelivery): Promise<void> => {
    const end = judgeAttempt(await sendDelivery(sender, delivery), delivery.attempts)
    await finishDelivery(db, delivery, end)
    const result = end.state === 'waiting' ? 'retried' : end.state
    metrics.count('shelfsync_deliveries_total', { result })
  }
  return {
    workers: WORKERS,
    async work(signal) {
      const remains = await queueNew()
      const claimedMs = performance.now()
      const claimed = await shares.claim((except) =>
        claimDeliveries(db, { limit: CLAIMED_MAX, leaseMs: LEASE_MS, except }),
      )
      if (claimed.length === 0 && !remains) await clean()
      try {
        for (const delivery of claimed) {
          // A stopping process leaves the others to the end of their lease.
          if (signal.aborted || performance.now() - claimedMs > LEASE_MS - RESERVED_MS) break
          await send(delivery)
        }
      } finally {
        shares.leave(claimed)
      }
      if (!remains && claimed.length === 0) return false
      workedMs = performance.now()
      return true
    },
    hasWork: () => Promise.resolve(performance.now() - workedMs < BUSY_MS),
  }
}

/** Returns a function that turns new changes into messages, and returns true if more changes remain. */
function createChangeQueue(db: StepTools['db']): () => Promise<boolean> {
  let lookAgainMs = -Infinity
  return async () => {
    // One worker at a time, and none soon after nothing was found.
    if (performance.now() < lookAgainMs) return false
    lookAgainMs = Infinity
    try {
      const remains = await queueDeliveries(db, QUEUED_CHANGES_MAX)
      lookAgainMs = remains ? -Infinity : performance.now() + LOOK_PAUSE_MS
      return remains
    } catch (error) {
      lookAgainMs = -Infinity
      throw error
    }
  }
}

/** Receivers have their own limits. No circuit breaker: each webhook pauses by its own failures. */
function toRules({ host }: URL): RequestRules {
  const limit = { scope: 'webhooks', key: host, intervalMs: 0, burst: 1, concurrency: WORKERS }
  return { limits: [limit], breaker: null }
}
