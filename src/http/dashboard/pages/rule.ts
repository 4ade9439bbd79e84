// One rule: whether it is on, the changes of the last month that match it, and the messages it has sent.

import { z } from 'zod'
import { describeRule } from '../../../core/rule.ts'
import {
  listDeliveries,
  loadRule,
  tryRule,
  type Rule,
  type RuleTrial,
} from '../../../db/read/webhooks.ts'
import { removeRule, switchRule } from '../../../db/write/webhooks.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { changeAndRecord } from '../feed/change-and-record.ts'
import { firingTable, SHOWN_MAX, TRIAL_DAYS } from '../feed/rule-parts.ts'
import { deliveryTable, webhookAddress } from '../feed/webhook-parts.ts'
import { html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, facts, pageHeading, panel } from '../parts/blocks.ts'
import { actionForm } from '../parts/forms.ts'
import { count, time } from '../parts/values.ts'

export const rulePage = definePage({
  path: '/rules/:name',
  example: '/rules/cheaper',
  params: z.object({ name: z.string().max(63) }),
  // A trial reads every change of its days, so the page waits for it only when asked.
  query: z.object({ try: z.literal('true').optional() }),
  async render({ services: { db, nowMs }, params: { name }, query, user }) {
    const rule = await loadRule(db, name)
    const { webhook } = rule
    const [trial, messages] = await Promise.all([
      query.try === undefined ? null : tryRule(db, name, { days: TRIAL_DAYS, limit: SHOWN_MAX }),
      listDeliveries(db, { name: webhook, state: null, rule: name }, { limit: SHOWN_MAX }),
    ])
    const now = nowMs()
    const all = `${webhookAddress(webhook)}?rule=${name}`
    const deliveries = messages.items
    const empty = emptyState({ title: 'No message of the last days' })
    return {
      title: name,
      main: html`${pageHeading({
        title: name,
        about: describeRule(rule),
        state: badge(rule.state),
        trail: [{ href: '/rules', label: 'Rules' }],
        actions: showActions(rule, trial, user),
      })}
      ${liveRegion('facts', showFacts(rule, now))}
      ${panel(
        { title: 'Messages', actions: html`<a href="${all}">All messages</a>` },
        liveRegion('messages', deliveryTable({ deliveries, webhook, user, nowMs: now, empty })),
      )}
      ${showTrial(rule, trial, now)}`,
    }
  },
  actions: {
    switch: {
      form: z.object({ state: z.enum(['on', 'off']) }),
      async run({ services, params: { name }, form: { state }, user }) {
        const action = { actor: user.name, action: `rule.${state}`, subject: name }
        await changeAndRecord(services.db, action, (db) => switchRule(db, name, state === 'on'))
        return { notice: `${name} is ${state}.` }
      },
    },
    remove: {
      form: z.object({}),
      async run({ services, params: { name }, user }) {
        const action = { actor: user.name, action: 'rule.remove', subject: name }
        await changeAndRecord(services.db, action, (db) => removeRule(db, name))
        return { notice: `${name} is removed.`, to: '/rules' }
      },
    },
  },
})

function showFacts({ webhook, fired, firedAt, createdBy }: Rule, nowMs: number): Html {
  return facts([
    ['Messages to', html`<a href="${webhookAddress(webhook)}">${webhook}</a>`],
    ['Fired', count(fired)],
    ['Last', time(firedAt, nowMs)],
    ['Added by', createdBy],
  ])
}

function showTrial({ name, event }: Rule, trial: RuleTrial | null, nowMs: number): Html {
  if (trial === null)
    return html`<p>
      <a href="/rules/${name}?try=true#trial">Try it on the last ${TRIAL_DAYS} days</a>
    </p>`
  return panel(
    {
      title: `It would have fired ${firedTimes(trial)} in the last ${TRIAL_DAYS} days`,
      id: 'trial',
    },
    firingTable(event, trial.firings, nowMs),
  )
}

function firedTimes({ times }: RuleTrial): string {
  return formatQuantity(times, 'time')
}

function showActions({ name, state }: Rule, trial: RuleTrial | null, user: User): Html {
  const action = `/rules/${name}/switch`
  const remove = actionForm({
    user,
    action: `/rules/${name}/remove`,
    label: 'Remove',
    tone: 'danger',
    confirm: { question: `Remove the rule ${name}?` },
  })
  if (state === 'on')
    return html`${actionForm({ user, action, label: 'Switch off', values: { state: 'off' } })}
    ${remove}`
  return html`${actionForm({
    user,
    action,
    label: 'Switch on',
    values: { state: 'on' },
    tone: 'main',
    confirm: {
      question:
        trial === null
          ? `Switch the rule ${name} on?`
          : `It would have fired ${firedTimes(trial)} in the last ${TRIAL_DAYS} days.`,
      detail: html`<p>It fires for changes that are published from now on.</p>`,
    },
  })}
  ${remove}`
}
