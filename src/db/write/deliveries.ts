// The calls of the deliverer. The functions are in supabase/schemas/88_deliveries.sql.

import type { FeedChange } from '../../core/change-message.ts'
import type { RuleEvent, RuleEventName } from '../../core/rule.ts'
import { type Catalog, one } from '../catalog.ts'
import type { WebhookFormat } from '../read/webhooks.ts'

/** A message that the caller has leased. */
export interface ClaimedDelivery {
  readonly id: number
  /** The same for every attempt and replay. */
  readonly message: string
  readonly webhook: string
  readonly format: WebhookFormat
  readonly url: string | null
  readonly token: number
  /** Failed attempts. */
  readonly attempts: number
  /** Negative for a test message. */
  readonly position: number
  readonly rule: string | null
  readonly event: RuleEventName | null
  /** Number of changes of a digest; `changes` may have fewer. */
  readonly count: number
  readonly created_at: string
  /** Empty if they have been removed by their age. */
  readonly changes: readonly (FeedChange & { readonly event: RuleEvent | null })[]
}

/** Adds messages for new changes. Returns true if more changes remain. */
export async function queueDeliveries(db: Catalog, limit: number): Promise<boolean> {
  return one(await db.call<boolean>('queue_deliveries', { limit }))
}

export interface DeliveryClaim {
  readonly limit: number
  readonly leaseMs: number
  /** Names of webhooks that are left out. Default: none. */
  readonly except?: readonly string[]
}

/** Leases due messages of one webhook. */
export function claimDeliveries(
  db: Catalog,
  { limit, leaseMs, except = [] }: DeliveryClaim,
): Promise<ClaimedDelivery[]> {
  return db.call<ClaimedDelivery>('claim_deliveries', {
    limit,
    lease: leaseMs,
    except: [...except],
  })
}

export interface DeliveryEnd {
  readonly state: 'delivered' | 'waiting' | 'dead'
  readonly status: number | null
  readonly error: string | null
  /** Time until the next attempt. */
  readonly delayMs: number
  /** Time for which the receiver accepts no requests. */
  readonly pauseMs: number
  /** Why the webhook is disabled, or null. */
  readonly disable: string | null
}

/** Returns false, and writes nothing, if another process has claimed the message since. */
export async function finishDelivery(
  db: Catalog,
  { id, token }: Pick<ClaimedDelivery, 'id' | 'token'>,
  { state, status, error, delayMs, pauseMs, disable }: DeliveryEnd,
): Promise<boolean> {
  return one(
    await db.call<boolean>('finish_delivery', {
      id,
      token,
      state,
      status,
      error,
      delay: delayMs,
      pause: pauseMs,
      disable,
    }),
  )
}

/** Removes delivered messages after a week and dead ones after a month. Returns their number. */
export async function removeOldDeliveries(db: Catalog, limit: number): Promise<number> {
  return one(await db.call<number>('remove_old_deliveries', { limit }))
}
