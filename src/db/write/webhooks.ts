// The calls that add and change webhooks and rules. The functions are in
// supabase/schemas/58_webhooks.sql and 59_rules.sql.

import type { FeedKind } from '../../core/change-message.ts'
import type { RuleDraft } from '../../core/rule.ts'
import { type Catalog, jsonb, one } from '../catalog.ts'
import type { WebhookFormat } from '../read/webhooks.ts'

export interface NewWebhook {
  readonly name: string
  readonly format: WebhookFormat
  /** Null: the address is a secret of the environment. */
  readonly url: string | null
  /** False: only the messages of rules. */
  readonly getsChanges: boolean
  /** Null: all sources. */
  readonly sources: readonly string[] | null
  /** Null: all kinds. */
  readonly kinds: readonly FeedKind[] | null
  /** It gets the changes after this position; null: from now on. */
  readonly after: number | null
  readonly by: string
}

/** @throws SyncError `webhook/exists` · `source/unknown` · `feed/cursor-expired` */
export async function addWebhook(
  db: Catalog,
  { getsChanges, ...webhook }: NewWebhook,
): Promise<void> {
  await db.call('add_webhook', { gets_changes: getsChanges, ...webhook })
}

/** @throws SyncError `webhook/unknown` */
export async function pauseWebhook(db: Catalog, name: string, reason: string): Promise<void> {
  await db.call('pause_webhook', { name, reason })
}

/**
 * Sends again, at once. With `skip`, the changes since the pause are left out.
 *
 * @throws SyncError `webhook/unknown` · `feed/cursor-expired` when the pause was longer than changes
 * are kept
 */
export async function resumeWebhook(db: Catalog, name: string, skip: boolean): Promise<void> {
  await db.call('resume_webhook', { name, skip })
}

/** Removes a webhook with its deliveries and its rules. @throws SyncError `webhook/unknown` */
export async function removeWebhook(db: Catalog, name: string): Promise<void> {
  await db.call('remove_webhook', { name })
}

/** Returns the id of the delivery that sends a test message. @throws SyncError `webhook/unknown` */
export async function queueTest(db: Catalog, name: string): Promise<number> {
  return one(await db.call<number>('queue_test', { name }))
}

/** One delivery, the positions of a range, or all dead letters. */
export type ReplayRequest =
  | { readonly id: number }
  | { readonly from: number; readonly to: number }
  | { readonly dead: true }

/**
 * Sends messages again, with the ids that they had. Returns their number.
 *
 * @throws SyncError `webhook/unknown` · `delivery/unknown` · `feed/cursor-expired` · `usage/invalid`
 */
export async function replayDeliveries(
  db: Catalog,
  name: string,
  request: ReplayRequest,
): Promise<number> {
  return one(
    await db.call<number>('replay_deliveries', {
      name,
      id: 'id' in request ? request.id : null,
      from: 'from' in request ? request.from : null,
      to: 'from' in request ? request.to : null,
      dead: 'dead' in request,
    }),
  )
}

/** The rule is off. @throws SyncError `rule/exists` · `source/unknown` · `webhook/unknown` */
export async function addRule(db: Catalog, rule: RuleDraft, by: string): Promise<void> {
  await db.call('add_rule', { rule: jsonb(rule), by })
}

/** Switched on, it fires for changes from now on. @throws SyncError `rule/unknown` */
export async function switchRule(db: Catalog, name: string, on: boolean): Promise<void> {
  await db.call('switch_rule', { name, on })
}

/** @throws SyncError `rule/unknown` */
export async function removeRule(db: Catalog, name: string): Promise<void> {
  await db.call('remove_rule', { name })
}
