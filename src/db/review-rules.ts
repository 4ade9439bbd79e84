// Rules of a source that decide about reviews when they are opened. They are applied by the
// trigger in supabase/schemas/57_review_rules.sql.

import { z } from 'zod'
import { checkValue, formatProblems } from '../core/check-value.ts'
import { SyncError } from '../core/errors.ts'
import { type Catalog, jsonb, one, toInstant } from './catalog.ts'

/** The condition and the decision of a rule. Percentages are up or down, unless a direction is named. */
export const ReviewRule = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('price'),
      decision: z.enum(['approve', 'reject']),
      changeMax: z.number().positive().max(1e6).optional(),
      direction: z.enum(['rise', 'fall']).optional(),
      /** True for a price of zero, which excludes the other conditions. */
      zero: z.literal(true).optional(),
    })
    .refine(
      ({ zero, changeMax, direction }) =>
        zero === undefined || (changeMax === undefined && direction === undefined),
      'A rule about a price of zero has no other condition.',
    )
    .refine(
      ({ decision, zero, changeMax, direction }) =>
        zero !== undefined ||
        changeMax !== undefined ||
        (direction !== undefined && decision === 'reject'),
      'A rule about prices needs a limit of the change, or zero: without one it would replace the gate.',
    ),
  z.strictObject({
    kind: z.literal('proposal'),
    decision: z.enum(['approve', 'reject']),
    field: z.string().min(1).max(200),
  }),
  z.strictObject({ kind: z.literal('disagreement'), decision: z.literal('reject') }),
  z.strictObject({
    kind: z.literal('record'),
    decision: z.literal('reject'),
    /** The code of the fault, such as `record/invalid`. */
    fault: z.string().min(1).max(100),
  }),
])
export type ReviewRule = Readonly<z.infer<typeof ReviewRule>>

/** Checks a rule that a person states. Undefined members are absent. @throws SyncError `usage/invalid` */
export function parseReviewRule(given: Readonly<Record<string, unknown>>): ReviewRule {
  const stated = Object.entries(given).filter(([, value]) => value !== undefined)
  const { data, problems } = checkValue(ReviewRule, Object.fromEntries(stated))
  if (problems === null) return data
  throw new SyncError('usage/invalid', `The rule is not valid: ${formatProblems(problems)}`)
}

export interface StoredRule {
  readonly id: number
  readonly source: string
  readonly rule: ReviewRule
  readonly createdAt: Date
  readonly createdBy: string
  /** Reviews that it has decided. */
  readonly decided: number
  readonly decidedAt: Date | null
  /** Open reviews that match it. They were opened before it, and wait for a person. */
  readonly waiting: number
}

export interface RuleChange {
  readonly by: string
  readonly reason?: string | undefined
}

/** The rules in force, of one source or of all with null. */
export async function listReviewRules(db: Catalog, source: string | null): Promise<StoredRule[]> {
  type Row = Omit<StoredRule, 'createdAt' | 'createdBy' | 'decidedAt' | 'rule'> & {
    readonly rule: Readonly<Record<string, unknown>>
    readonly created_at: string
    readonly created_by: string
    readonly decided_at: string | null
  }
  const rows = await db.call<Row>('list_review_rules', { source })
  return rows.map((row) => ({
    id: row.id,
    source: row.source,
    rule: readRule(row.rule),
    createdAt: toInstant(row.created_at),
    createdBy: row.created_by,
    decided: row.decided,
    decidedAt: toInstant(row.decided_at),
    waiting: row.waiting,
  }))
}

/** Returns the number of the rule. @throws SyncError `source/unknown` · `usage/invalid` */
export async function addReviewRule(
  db: Catalog,
  source: string,
  rule: ReviewRule,
  { by, reason }: RuleChange,
): Promise<number> {
  return one(
    await db.call<number>('add_review_rule', {
      source,
      rule: jsonb(rule),
      by,
      reason: reason ?? null,
    }),
  )
}

/** Ends a rule; its decisions stay. @throws SyncError `usage/invalid` if it is not in force */
export async function removeReviewRule(
  db: Catalog,
  rule: number,
  { by, reason }: RuleChange,
): Promise<void> {
  await db.call('remove_review_rule', { rule, by, reason: reason ?? null })
}

/** The schema has checked the rule when it was added. */
function readRule({ zero, ...rule }: Record<string, unknown>): ReviewRule {
  return ReviewRule.parse(zero === true ? { ...rule, zero } : rule)
}
