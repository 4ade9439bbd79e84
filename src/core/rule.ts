// A rule on the change feed, and the event that fired one. supabase/schemas/59_rules.sql decides, for
// trials and for real messages, whether a change fires a rule.

import { z } from 'zod'
import type { ChangeMessage } from './change-message.ts'
import { formatMoney } from './money.ts'

export const RULE_EVENTS = [
  'price-down',
  'price-up',
  'new-low',
  'new-high',
  'back-in-stock',
  'out-of-stock',
  'gone',
  'new',
  'returned',
] as const
export type RuleEventName = (typeof RULE_EVENTS)[number]

/** Returns true if a rule on this event may state a least difference. */
export function hasLeastDifference(event: RuleEventName): boolean {
  return event === 'price-down' || event === 'price-up'
}

/** The names of webhooks and rules. */
export const FEED_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

/** A rule as it is added or tried. */
export interface RuleDraft {
  readonly name: string
  readonly event: RuleEventName
  /** Of price-down and price-up: the least difference, in percent of the price before. */
  readonly percent: number | null
  /** Of price-down and price-up: the least difference, in minor units of `currency`. */
  readonly amountMinor: number | null
  readonly currency: string | null
  /** Null: every source. */
  readonly source: string | null
  /** External id; null: every product. */
  readonly product: string | null
  /** Words in the title or the brand, in this order; null: any. */
  readonly words: string | null
  /** Event `new`: a first load fires it, once for all its products. */
  readonly firstLoad: boolean
  readonly webhook: string | null
}

/** Why a change fires a rule: a price, a stock, the products of a first load, or nothing more. */
export const RuleEvent = z.union([
  z.strictObject({
    variant: z.string(),
    type: z.string(),
    before: z.int(),
    after: z.int(),
    currency: z.string(),
  }),
  z.strictObject({ variant: z.string().nullable(), before: z.string(), after: z.string() }),
  z.strictObject({ products: z.int() }),
  z.strictObject({}),
])
export type RuleEvent = z.infer<typeof RuleEvent>

const NAMES: Readonly<Record<RuleEventName, string>> = {
  'price-down': 'price down',
  'price-up': 'price up',
  'new-low': 'below the low of 30 days',
  'new-high': 'above the high of 30 days',
  'back-in-stock': 'back in stock',
  'out-of-stock': 'out of stock',
  gone: 'gone',
  new: 'new',
  returned: 'returned',
}

/** `price down by 10 % in my-shop`: the rule as text, without its name. */
export function describeRule(rule: Omit<RuleDraft, 'name' | 'webhook'>): string {
  const least = [
    rule.percent === null ? null : `${rule.percent} %`,
    rule.amountMinor === null || rule.currency === null
      ? null
      : formatMoney(rule.amountMinor, rule.currency),
  ].filter((part) => part !== null)
  return [
    NAMES[rule.event],
    least.length === 0 ? null : `by ${least.join(' and ')} or more`,
    rule.product === null ? null : `for product ${rule.product}`,
    rule.words === null ? null : `for "${rule.words}"`,
    rule.source === null ? 'in every source' : `in ${rule.source}`,
    rule.firstLoad ? 'with first loads' : null,
  ]
    .filter((part) => part !== null)
    .join(' ')
}

/** `price down: EUR 12.00 → EUR 9.99 (-16.8 %)`. */
export function describeEvent(name: RuleEventName, event: RuleEvent): string {
  if ('currency' in event) {
    const { before, after, currency } = event
    const percent = before === 0 ? null : (100 * (after - before)) / before
    const change = percent === null ? '' : ` (${percent > 0 ? '+' : ''}${percent.toFixed(1)} %)`
    return `${NAMES[name]}: ${formatMoney(before, currency)} → ${formatMoney(after, currency)}${change}`
  }
  if ('products' in event) return `first load of ${event.products} products`
  if ('after' in event) return `${NAMES[name]}: ${event.before} → ${event.after}`
  return NAMES[name]
}

/** A change that fired a rule, or would have. */
export interface Firing {
  readonly change: ChangeMessage
  readonly event: RuleEvent
}
