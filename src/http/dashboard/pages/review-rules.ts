// The rules of sources that decide about reviews when they are opened.

import { z } from 'zod'
import {
  addReviewRule,
  listReviewRules,
  parseReviewRule,
  removeReviewRule,
  type ReviewRule,
  type StoredRule,
} from '../../../db/review-rules.ts'
import { listSources } from '../../../db/sources.ts'
import { describeRule } from '../../../format/review-rules.ts'
import { formatCount } from '../../../lib/words.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { definePage, type User } from '../page.ts'
import { toAddress } from '../parts/addresses.ts'
import { emptyState, pageHeading, panel } from '../parts/blocks.ts'
import { actionForm, field, hiddenFields, reasonField } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { time } from '../parts/values.ts'

const WHATS = [
  { value: 'approve price', label: 'Always accept prices that change by at most … %' },
  { value: 'reject zero', label: 'Never accept a price of zero' },
  { value: 'reject price', label: 'Never accept prices that rise or fall' },
  { value: 'approve proposal', label: 'Always accept proposals for a field' },
  { value: 'reject proposal', label: 'Never accept proposals for a field' },
  { value: 'reject disagreement', label: 'Keep the price before when claims differ' },
  { value: 'reject record', label: 'Ignore records with a fault' },
] as const

const NewRule = z.object({
  source: z.string().min(1).max(63),
  what: z.string().max(50),
  percent: z.string().max(20).default(''),
  direction: z.string().max(10).default(''),
  name: z.string().trim().max(200).default(''),
  reason: z.string().max(2000).optional(),
})

export const reviewRulesPage = definePage({
  path: '/reviews/rules',
  async render({ services: { db, nowMs }, user }) {
    const [rules, sources] = await Promise.all([listReviewRules(db, null), listSources(db)])
    return {
      title: 'Rules of reviews',
      assets: ['reviews.css'],
      main: html`${pageHeading({
        title: 'Rules of reviews',
        about:
          'A rule decides about a review when it is opened. Reviews that were open before it wait for a person.',
        trail: [{ href: '/reviews', label: 'Reviews' }],
      })}
      ${showRules(rules, user, nowMs())}
      ${
        user.mayWrite && sources.length > 0
          ? addForm(
              sources.map(({ name }) => name),
              user,
            )
          : EMPTY
      }`,
    }
  },
  actions: {
    add: {
      form: NewRule,
      async run({ services: { db }, form, user }) {
        const rule = readRule(form)
        await addReviewRule(db, form.source, rule, { by: user.name, reason: form.reason })
        return { notice: `Rule of ${form.source}: ${describeRule(rule)}.` }
      },
    },
    remove: {
      form: z.object({ rule: z.coerce.number().int().positive() }),
      async run({ services: { db }, form: { rule }, user }) {
        await removeReviewRule(db, rule, { by: user.name })
        return { notice: `Rule ${rule} is removed. Its decisions stay.` }
      },
    },
  },
})

/** @throws SyncError `usage/invalid` */
function readRule({ what, percent, direction, name }: z.output<typeof NewRule>): ReviewRule {
  const [decision, subject] = what.split(' ')
  if (subject === 'zero') return parseReviewRule({ kind: 'price', decision, zero: true })
  const isPrice = subject === 'price'
  return parseReviewRule({
    kind: subject,
    decision,
    changeMax: isPrice && percent !== '' ? Number(percent.replace(',', '.')) : undefined,
    direction: isPrice && direction !== '' ? direction : undefined,
    field: subject === 'proposal' ? name : undefined,
    fault: subject === 'record' ? name : undefined,
  })
}

function showRules(rules: readonly StoredRule[], user: User, nowMs: number): Html {
  return table({
    caption: 'Rules in force',
    columns: [
      { label: 'Rule', isHeader: true, cell: ({ rule }) => describeRule(rule) },
      {
        label: 'Source',
        cell: ({ source }) => html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`,
      },
      {
        label: 'Decided',
        kind: 'number',
        cell: ({ id, decided }) =>
          html`<a href="${toAddress('/actions', { action: 'review', who: `rule ${id}` })}"
            >${formatCount(decided)}</a
          >`,
      },
      { label: 'Last', cell: ({ decidedAt }) => time(decidedAt, nowMs) },
      { label: 'Open and matching', kind: 'number', cell: ({ waiting }) => formatCount(waiting) },
      {
        label: 'Added',
        cell: ({ id, createdBy, createdAt }) =>
          html`rule ${id} by ${createdBy}, ${time(createdAt, nowMs)}`,
      },
      ...(user.mayWrite
        ? [
            {
              label: 'Remove',
              kind: 'actions' as const,
              cell: (rule: StoredRule) => removal(rule, user),
            },
          ]
        : []),
    ],
    rows: rules,
    rowId: ({ id }) => `rule-${id}`,
    empty: emptyState({
      title: 'No rule yet',
      about: 'Every review waits for a person.',
      icon: 'rules',
    }),
  })
}

function removal({ id, rule }: StoredRule, user: User): Html {
  return actionForm({
    user,
    action: '/reviews/rules/remove',
    label: 'Remove',
    tone: 'danger',
    values: { rule: id },
    confirm: {
      question: `Remove the rule “${describeRule(rule)}”?`,
      detail: html`<p>Its decisions stay.</p>`,
    },
  })
}

function addForm(sources: readonly string[], user: User): Html {
  return panel(
    { title: 'Add a rule', id: 'add' },
    html`<form class="decision" method="post" action="/reviews/rules/add">
      ${hiddenFields({ user })}
      <div class="row">
        ${field({ kind: 'select', name: 'source', label: 'Source', value: null, options: sources })}
        ${field({ kind: 'select', name: 'what', label: 'Rule', value: null, options: WHATS })}
      </div>
      <div class="row">
        ${field({ kind: 'number', name: 'percent', label: 'Percent, of prices', value: null })}
        ${field({
          kind: 'select',
          name: 'direction',
          label: 'Direction, of prices',
          value: null,
          any: 'Up or down',
          options: [
            { value: 'rise', label: 'Only rises' },
            { value: 'fall', label: 'Only falls' },
          ],
        })}
        ${field({
          kind: 'text',
          name: 'name',
          label: 'Field or fault',
          value: null,
          placeholder: 'attributes.process',
        })}
      </div>
      <div class="row">
        ${reasonField()}
        <button type="submit" class="main-button">Add the rule</button>
      </div>
    </form>`,
  )
}
