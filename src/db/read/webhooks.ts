// The read model of webhooks, their deliveries, and the rules on the change feed.

import { type FeedKind, type FeedChange, toChangeMessage } from '../../core/change-message.ts'
import { SyncError } from '../../core/errors.ts'
import type { Firing, RuleDraft, RuleEvent } from '../../core/rule.ts'
import { type Catalog, jsonb, one, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export type WebhookFormat = 'standard' | 'slack'
export type WebhookState = 'active' | 'paused' | 'disabled'

export interface Webhook {
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
  readonly state: WebhookState
  /** Why it is paused or disabled. */
  readonly reason: string | null
  readonly waiting: number
  /** Waiting messages of which an attempt has failed. */
  readonly retrying: number
  readonly dead: number
  /** Positions of the feed that are not in its deliveries yet. */
  readonly behind: number
  /** Age of the oldest change that it has not received; 0 without one. */
  readonly oldestSeconds: number
  readonly rules: number
  readonly failingSince: Date | null
  readonly pausedUntil: Date | null
  readonly deliveredAt: Date | null
  readonly lastError: string | null
  readonly createdBy: string
  readonly createdAt: Date
}

interface WebhookRow {
  readonly name: string
  readonly format: WebhookFormat
  readonly url: string | null
  readonly gets_changes: boolean
  readonly sources: readonly string[] | null
  readonly kinds: readonly FeedKind[] | null
  readonly state: WebhookState
  readonly reason: string | null
  readonly waiting: number
  readonly retrying: number
  readonly dead: number
  readonly behind: number
  readonly oldest_seconds: number
  readonly rules: number
  readonly failing_since: string | null
  readonly paused_until: string | null
  readonly delivered_at: string | null
  readonly last_error: string | null
  readonly created_by: string
  readonly created_at: string
}

/** Lists all webhooks by name. */
export async function listWebhooks(db: Catalog): Promise<Webhook[]> {
  const rows = await db.call<WebhookRow>('list_webhooks', {})
  return rows.map((row) => ({
    name: row.name,
    format: row.format,
    url: row.url,
    getsChanges: row.gets_changes,
    sources: row.sources,
    kinds: row.kinds,
    state: row.state,
    reason: row.reason,
    waiting: row.waiting,
    retrying: row.retrying,
    dead: row.dead,
    behind: row.behind,
    oldestSeconds: row.oldest_seconds,
    rules: row.rules,
    failingSince: toInstant(row.failing_since),
    pausedUntil: toInstant(row.paused_until),
    deliveredAt: toInstant(row.delivered_at),
    lastError: row.last_error,
    createdBy: row.created_by,
    createdAt: toInstant(row.created_at),
  }))
}

/** @throws SyncError `webhook/unknown` */
export async function loadWebhook(db: Catalog, name: string): Promise<Webhook> {
  const found = (await listWebhooks(db)).find((webhook) => webhook.name === name)
  if (found === undefined)
    throw new SyncError('webhook/unknown', `The webhook "${name}" does not exist`)
  return found
}

export const DELIVERY_STATES = ['waiting', 'retrying', 'delivered', 'dead'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface Delivery {
  readonly id: number
  /** Of its change, or the last one of a digest; negative for a test message. */
  readonly position: number
  readonly source: string | null
  readonly product: string | null
  readonly rule: string | null
  /** Number of changes in the message. */
  readonly changes: number
  readonly state: Exclude<DeliveryState, 'retrying'>
  readonly attempts: number
  readonly status: number | null
  readonly error: string | null
  /** Next attempt. Null: it waits for an earlier change of its product, or is over. */
  readonly dueAt: Date | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

export interface DeliveryFilter {
  /** The webhook. */
  readonly name: string
  readonly state: DeliveryState | null
  /** Null: the messages of changes and of all rules. */
  readonly rule?: string | null
}

interface DeliveryRow extends Omit<
  Delivery,
  'position' | 'dueAt' | 'createdAt' | 'finishedAt' | 'product'
> {
  readonly place: number
  readonly product: string
  readonly due_at: string | null
  readonly created_at: string
  readonly finished_at: string | null
}

/**
 * Lists the messages of a webhook, the newest first.
 *
 * @throws SyncError `webhook/unknown`
 */
export function listDeliveries(
  db: Catalog,
  { name, state, rule = null }: DeliveryFilter,
  page: PageRequest,
): Promise<ListPage<Delivery>> {
  return loadPage('deliveries', page, {
    load: (before, limit) =>
      db.call<DeliveryRow>('list_deliveries', {
        name,
        state,
        rule,
        before: before === null ? null : Number(before),
        limit,
      }),
    toItem: ({ place, product, due_at, created_at, finished_at, ...row }) => ({
      ...row,
      position: place,
      product: product === '' ? null : product,
      dueAt: toInstant(due_at),
      createdAt: toInstant(created_at),
      finishedAt: toInstant(finished_at),
    }),
    keyOf: ({ id }) => id,
  })
}

export interface Rule extends RuleDraft {
  readonly webhook: string
  readonly state: 'on' | 'off'
  /** Times that it has fired since it was added. */
  readonly fired: number
  readonly firedAt: Date | null
  readonly createdBy: string
  readonly createdAt: Date
}

interface RuleRow {
  readonly name: string
  readonly event: RuleDraft['event']
  readonly percent: number | null
  readonly amount_minor: number | null
  readonly currency: string | null
  readonly source: string | null
  readonly product: string | null
  readonly words: string | null
  readonly first_load: boolean
  readonly webhook: string
  readonly state: Rule['state']
  readonly fired: number
  readonly fired_at: string | null
  readonly created_by: string
  readonly created_at: string
}

/** @throws SyncError `rule/unknown` */
export async function loadRule(db: Catalog, name: string): Promise<Rule> {
  const found = (await listRules(db)).find((rule) => rule.name === name)
  if (found === undefined) throw new SyncError('rule/unknown', `The rule "${name}" does not exist`)
  return found
}

/** Lists all rules by name. */
export async function listRules(db: Catalog): Promise<Rule[]> {
  const rows = await db.call<RuleRow>('list_rules', {})
  return rows.map(({ amount_minor, first_load, fired_at, created_by, created_at, ...row }) => ({
    ...row,
    amountMinor: amount_minor,
    firstLoad: first_load,
    firedAt: toInstant(fired_at),
    createdBy: created_by,
    createdAt: toInstant(created_at),
  }))
}

export interface RuleTrial {
  /** Number of times that it would have fired since then. */
  readonly times: number
  readonly since: Date
  /** The newest ones first. */
  readonly firings: readonly Firing[]
}

/**
 * Returns the changes of the last `days` days that would have fired a rule: a stored one, by its
 * name, or a draft.
 *
 * @throws SyncError `rule/unknown` · `source/unknown`
 */
export async function tryRule(
  db: Catalog,
  rule: string | RuleDraft,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<RuleTrial> {
  const named = typeof rule === 'string'
  const { times, since, firings } = one(
    await db.call<{
      times: number
      since: string
      firings: { change: FeedChange; event: RuleEvent }[]
    }>('try_rule', { rule: named ? null : jsonb(rule), name: named ? rule : null, days, limit }),
  )
  return {
    times,
    since: toInstant(since),
    firings: firings.map(({ change, event }) => ({ change: toChangeMessage(change), event })),
  }
}
