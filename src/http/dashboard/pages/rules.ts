// The rules on the change feed, and a form that shows what a rule would have fired before it is added.

import { z } from 'zod'
import { describeRule, FEED_NAME, hasLeastDifference, RULE_EVENTS } from '../../../core/rule.ts'
import { listRules, listWebhooks, tryRule, type Rule } from '../../../db/read/webhooks.ts'
import { listSources } from '../../../db/sources.ts'
import { addRule, switchRule } from '../../../db/write/webhooks.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { changeAndRecord } from '../feed/change-and-record.ts'
import {
  firingTable,
  RULE_FIELDS,
  SHOWN_MAX,
  toDraft,
  toValues,
  TRIAL_DAYS,
  type RuleFields,
} from '../feed/rule-parts.ts'
import { webhookAddress } from '../feed/webhook-parts.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, pageHeading, panel } from '../parts/blocks.ts'
import { field, filterForm, hiddenFields, type Field } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { count, time } from '../parts/values.ts'

const Query = z.object({ event: z.enum(RULE_EVENTS).optional(), ...RULE_FIELDS })
type Query = z.output<typeof Query>

export const rulesPage = definePage({
  path: '/rules',
  query: Query,
  async render({ services: { db, nowMs }, query, user }) {
    const [rules, sources, webhooks] = await Promise.all([
      listRules(db),
      listSources(db),
      listWebhooks(db),
    ])
    const { event } = query
    const draft = event === undefined ? null : toDraft('trial', { ...query, event }, null)
    const trial = draft && (await tryRule(db, draft, { days: TRIAL_DAYS, limit: SHOWN_MAX }))
    const names = webhooks.map(({ name }) => name)
    return {
      title: 'Rules',
      main: html`${pageHeading({
        title: 'Rules',
        about: 'A rule sends a message when a published change matches it.',
      })}
      ${panel({ title: 'Rules' }, liveRegion('rules', showRules(rules, nowMs())))}
      ${panel(
        { title: 'Try a rule', id: 'try' },
        html`${filterForm({
            path: '/rules',
            fields: listFields(query, sources),
            results: 'trial',
          })}
          <div id="trial" aria-live="polite">
            ${
              trial === null || draft === null || event === undefined
                ? html`<p class="quiet">
                    Choose an event to see what the rule would have fired in the last ${TRIAL_DAYS}
                    days.
                  </p>`
                : html`<h3>
                      It would have fired ${formatQuantity(trial.times, 'time')} in the last
                      ${TRIAL_DAYS} days
                    </h3>
                    <p class="quiet">${describeRule(draft)}</p>
                    ${firingTable(draft.event, trial.firings, nowMs())}
                    ${user.mayWrite ? addForm({ ...query, event }, names, user) : EMPTY}`
            }
          </div>`,
      )}`,
    }
  },
  actions: {
    add: {
      form: z.object({
        name: z.string().trim().regex(FEED_NAME, 'expected lower-case letters, digits and hyphens'),
        webhook: z.string().max(63),
        state: z.enum(['on', 'off']),
        event: z.enum(RULE_EVENTS),
        ...RULE_FIELDS,
      }),
      async run({ services, form: { name, webhook, state, ...fields }, user }) {
        const rule = toDraft(name, fields, webhook)
        const detail = { rule: describeRule(rule), webhook, state }
        const action = { actor: user.name, action: 'rule.add', subject: name, detail }
        await changeAndRecord(services.db, action, async (db) => {
          await addRule(db, rule, user.name)
          if (state === 'on') await switchRule(db, name, true)
        })
        return { notice: `${name} is added and ${state}.`, to: `/rules/${name}` }
      },
    },
  },
})

function showRules(rules: readonly Rule[], nowMs: number): Html {
  return table({
    caption: 'Rules',
    columns: [
      {
        label: 'Name',
        isHeader: true,
        cell: ({ name }) => html`<a href="/rules/${name}">${name}</a>`,
      },
      { label: 'State', cell: ({ state }) => badge(state) },
      { label: 'Rule', cell: describeRule },
      {
        label: 'To',
        cell: ({ webhook }) => html`<a href="${webhookAddress(webhook)}">${webhook}</a>`,
      },
      { label: 'Fired', kind: 'number', cell: ({ fired }) => count(fired) },
      { label: 'Last', cell: ({ firedAt }) => time(firedAt, nowMs) },
    ],
    rows: rules,
    empty: emptyState({
      title: 'No rules yet',
      about: 'Try one below: it shows what it would have fired before it is switched on.',
      icon: 'rules',
    }),
  })
}

function listFields(query: Query, sources: readonly { readonly name: string }[]): Field[] {
  const { event, firstLoad, ...rest } = query
  const text = (name: 'amount' | 'currency' | 'product' | 'words', label: string): Field => ({
    kind: 'text',
    name,
    label,
    value: rest[name],
  })
  return [
    {
      kind: 'select',
      name: 'event',
      label: 'Event',
      value: event,
      options: RULE_EVENTS,
      any: 'choose …',
    },
    ...(event === undefined || hasLeastDifference(event)
      ? [
          {
            kind: 'number' as const,
            name: 'percent',
            label: 'Least percent',
            value: rest.percent,
          },
          text('amount', 'Least amount'),
          text('currency', 'Currency'),
        ]
      : []),
    {
      kind: 'select',
      name: 'source',
      label: 'Source',
      value: rest.source,
      options: sources.map(({ name }) => name),
      any: 'every source',
    },
    text('product', 'Product id'),
    text('words', 'Words in the title'),
    ...(event === undefined || event === 'new'
      ? [
          {
            kind: 'checkbox' as const,
            name: 'firstLoad',
            label: 'New: also first loads',
            value: firstLoad === 'true',
          },
        ]
      : []),
  ]
}

function addForm(fields: RuleFields, webhooks: readonly string[], user: User): Html {
  if (webhooks.length === 0)
    return html`<p>
      <a href="/webhooks">Add a webhook</a> first: a rule needs a receiver of its messages.
    </p>`
  return html`<form class="filters" method="post" action="/rules/add">
    ${hiddenFields({ user, values: toValues(fields) })}
    ${field({ kind: 'text', name: 'name', label: 'Name', value: '', placeholder: 'cheaper' })}
    ${field({
      kind: 'select',
      name: 'webhook',
      label: 'Messages to',
      value: webhooks[0],
      options: webhooks,
    })}
    <div class="filter-buttons">
      <button type="submit" name="state" value="on" class="main-button">Add, switched on</button>
      <button type="submit" name="state" value="off" class="quiet-button">Add, switched off</button>
    </div>
  </form>`
}
