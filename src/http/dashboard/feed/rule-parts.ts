// Parts of the pages of rules: a rule from the fields of a form, and the changes that match it.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { minorOf } from '../../../core/money.ts'
import {
  describeEvent,
  hasLeastDifference,
  RULE_EVENTS,
  type Firing,
  type RuleDraft,
} from '../../../core/rule.ts'
import { html, type Content, type Html } from '../html.ts'
import { toProductAddress } from '../pages/product-address.ts'
import { emptyState } from '../parts/blocks.ts'
import { table } from '../parts/table.ts'
import { time } from '../parts/values.ts'

/** The days that a trial covers. */
export const TRIAL_DAYS = 30
/** Changes of a trial, or messages, that a page shows. */
export const SHOWN_MAX = 20

/** The fields of a rule, in the address of a trial and in the form that adds it. */
export const RULE_FIELDS = {
  percent: z.coerce.number().positive().max(10_000).optional(),
  amount: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'expected an amount such as 5.00')
    .optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected a currency such as EUR')
    .optional(),
  source: z.string().max(63).optional(),
  product: z.string().max(1000).optional(),
  words: z.string().max(200).optional(),
  firstLoad: z.literal('true').optional(),
}
const RuleFields = z.object({ event: z.enum(RULE_EVENTS), ...RULE_FIELDS })
export type RuleFields = z.output<typeof RuleFields>

/** Fields that do not belong to the event are left out. @throws SyncError `request/invalid` */
export function toDraft(name: string, fields: RuleFields, webhook: string | null): RuleDraft {
  const { event, source, product, words } = fields
  const isPrice = hasLeastDifference(event)
  const currency = isPrice && fields.amount !== undefined ? (fields.currency ?? null) : null
  if (isPrice && fields.amount !== undefined && currency === null)
    throw new SyncError('request/invalid', 'An amount needs a currency')
  const amountMinor = currency === null ? null : minorOf(fields.amount ?? '', currency)
  if (currency !== null && !((amountMinor ?? 0) > 0))
    throw new SyncError('request/invalid', `${fields.amount} is not an amount of ${currency}`)
  return {
    name,
    event,
    percent: isPrice ? (fields.percent ?? null) : null,
    amountMinor,
    currency,
    source: source ?? null,
    product: product ?? null,
    words: words ?? null,
    firstLoad: event === 'new' && fields.firstLoad === 'true',
    webhook,
  }
}

/** The fields of a rule as values of a form. */
export function toValues(fields: RuleFields): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | number] =>
      ['string', 'number'].includes(typeof entry[1]),
    ),
  )
}

export function firingTable(
  event: RuleDraft['event'],
  firings: readonly Firing[],
  nowMs: number,
): Html {
  return table({
    caption: 'Changes that match the rule, the newest first',
    columns: [
      { label: 'Product', isHeader: true, cell: describeProduct },
      { label: 'Source', cell: ({ change }) => change.source },
      { label: 'Published', cell: ({ change }) => time(new Date(change.at), nowMs) },
      { label: 'Why', cell: (firing) => describeEvent(event, firing.event) },
    ],
    rows: firings,
    empty: emptyState({
      title: 'No change matches',
      about: `In the last ${TRIAL_DAYS} days, no change would have fired this rule.`,
    }),
  })
}

function describeProduct({ change: { source, product, title } }: Firing): Content {
  if (product === null) return 'All products'
  return html`<a href="${toProductAddress(source, product)}">${title ?? product}</a>`
}
