// One webhook: whether it keeps up, what its deliverer needs, and its messages with their attempts.

import { z } from 'zod'
import { nameWebhookVariable } from '../../../core/webhook-variables.ts'
import {
  DELIVERY_STATES,
  listDeliveries,
  loadWebhook,
  type Webhook,
} from '../../../db/read/webhooks.ts'
import {
  pauseWebhook,
  queueTest,
  removeWebhook,
  replayDeliveries,
  resumeWebhook,
} from '../../../db/write/webhooks.ts'
import { describeScope } from '../../../format/describe-scope.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { changeAndRecord } from '../feed/change-and-record.ts'
import {
  deliveryTable,
  describeTrouble,
  oldestChange,
  webhookAddress,
  webhookBadge,
} from '../feed/webhook-parts.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type User } from '../page.ts'
import { code, emptyState, facts, figures, notice, pageHeading, panel } from '../parts/blocks.ts'
import { actionForm, filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { count, time } from '../parts/values.ts'

const PAGE_ROWS = 50

export const webhookPage = definePage({
  path: '/webhooks/:name',
  example: '/webhooks/orders',
  params: z.object({ name: z.string().max(63) }),
  query: z.object({
    state: z.enum(DELIVERY_STATES).optional(),
    rule: z.string().max(63).optional(),
    after: z.string().max(200).optional(),
  }),
  async render({ services, params: { name }, query: { state = null, rule = null, after }, user }) {
    const { db } = services
    const webhook = await loadWebhook(db, name)
    const page = await listDeliveries(db, { name, state, rule }, { limit: PAGE_ROWS, after })
    const nowMs = services.nowMs()
    const empty = emptyState({
      title: state === null && rule === null ? 'No message yet' : 'No such message',
      about: 'Delivered messages are kept for 7 days, dead letters for 30.',
    })
    const deliveries = page.items
    return {
      title: name,
      main: html`${pageHeading({
        title: name,
        about: describeScope(webhook),
        state: liveRegion('state', webhookBadge(webhook), { tag: 'span' }),
        trail: [{ href: '/webhooks', label: 'Webhooks' }],
        actions: showActions(webhook, user),
      })}
      ${liveRegion('facts', showFacts(webhook, nowMs))} ${showSetUp(webhook)}
      ${panel(
        { title: 'Messages', id: 'messages', actions: replayAll(webhook, user) },
        html`${filterForm({
          path: webhookAddress(name),
          fields: [
            {
              kind: 'select',
              name: 'state',
              label: 'State',
              value: state,
              options: DELIVERY_STATES,
              any: 'every state',
            },
            ...(rule === null
              ? []
              : [{ kind: 'text' as const, name: 'rule', label: 'Rule', value: rule }]),
          ],
        })}${liveRegion(
          'deliveries',
          html`${deliveryTable({ deliveries, webhook: name, user, nowMs, empty })}
          ${pager({ address: user.address, next: page.next })}`,
        )}`,
      )}`,
    }
  },
  actions: {
    pause: {
      form: z.object({}),
      async run({ services, params: { name }, user }) {
        const action = { actor: user.name, action: 'webhook.pause', subject: name }
        await changeAndRecord(services.db, action, (db) =>
          pauseWebhook(db, name, `paused by ${user.name}`),
        )
        return { notice: `${name} is paused. Changes wait in the feed.` }
      },
    },
    resume: {
      form: z.object({ skip: z.literal('true').optional() }),
      async run({ services, params: { name }, form: { skip }, user }) {
        const action = { actor: user.name, action: 'webhook.resume', subject: name }
        await changeAndRecord(services.db, action, (db) => resumeWebhook(db, name, skip === 'true'))
        return { notice: `${name} is active.` }
      },
    },
    test: {
      form: z.object({}),
      async run({ services, params: { name }, user }) {
        const action = { actor: user.name, action: 'webhook.test', subject: name }
        await changeAndRecord(services.db, action, (db) => queueTest(db, name))
        return { notice: 'A test message is queued.' }
      },
    },
    replay: {
      form: z.object({ id: z.coerce.number().int().positive().optional() }),
      async run({ services, params: { name }, form: { id }, user }) {
        const action = { actor: user.name, action: 'webhook.replay', subject: name }
        const sent = await changeAndRecord(services.db, action, (db) =>
          replayDeliveries(db, name, id === undefined ? { dead: true } : { id }),
        )
        return { notice: `${formatQuantity(sent, 'message')} will be sent again.` }
      },
    },
    remove: {
      form: z.object({}),
      async run({ services, params: { name }, user }) {
        const action = { actor: user.name, action: 'webhook.remove', subject: name }
        await changeAndRecord(services.db, action, (db) => removeWebhook(db, name))
        return { notice: `${name} is removed.`, to: '/webhooks' }
      },
    },
  },
})

function showActions({ name, state }: Webhook, user: User): Html {
  const at = webhookAddress(name)
  const change =
    state === 'active'
      ? actionForm({ user, action: `${at}/pause`, label: 'Pause', icon: 'pause' })
      : html`${actionForm({ user, action: `${at}/resume`, label: 'Resume', tone: 'main' })}
        ${actionForm({
          user,
          action: `${at}/resume`,
          label: 'Resume and skip',
          values: { skip: 'true' },
          confirm: { question: 'Leave out the changes that were published during the pause?' },
        })}`
  return html`${actionForm({ user, action: `${at}/test`, label: 'Send a test message' })} ${change}
  ${actionForm({
    user,
    action: `${at}/remove`,
    label: 'Remove',
    tone: 'danger',
    confirm: {
      question: `Remove ${name}?`,
      detail: html`<p>Its messages and its rules are removed with it.</p>`,
    },
  })}`
}

function showFacts(webhook: Webhook, nowMs: number): Html {
  const { name, format, url, waiting, behind, retrying, dead } = webhook
  const trouble = describeTrouble(webhook, nowMs)
  const address =
    url ?? html`secret, in <code>${nameWebhookVariable('ADDRESS', name)}</code> of the deliverer`
  return html`${trouble === EMPTY ? EMPTY : notice(webhook.state === 'paused' ? 'info' : 'bad', trouble)}
  ${figures([
    { label: 'Waiting', value: count(waiting + behind) },
    { label: 'Retrying', value: count(retrying) },
    {
      label: 'Dead letters',
      value: count(dead),
      ...(dead === 0 ? {} : { href: `${webhookAddress(name)}?state=dead` }),
    },
    { label: 'Oldest', value: oldestChange(webhook, nowMs) },
  ])}
  ${panel(
    { title: 'Receiver' },
    facts([
      ['Address', address],
      ['Format', format === 'slack' ? 'Slack' : 'Standard Webhooks'],
      ['Last delivered', time(webhook.deliveredAt, nowMs)],
      ['Failing since', webhook.failingSince === null ? null : time(webhook.failingSince, nowMs)],
      ['Added', html`${time(webhook.createdAt, nowMs)} by ${webhook.createdBy}`],
    ]),
  )}`
}

/** The variables of the deliverer, until the first message has arrived. */
function showSetUp({ name, format, url, deliveredAt }: Webhook): Html {
  if (deliveredAt !== null) return EMPTY
  const lines = [
    ...(url === null ? [`${nameWebhookVariable('ADDRESS', name)}=https://…`] : []),
    ...(format === 'slack'
      ? []
      : [`${nameWebhookVariable('SECRET', name)}=whsec_$(openssl rand -base64 32)`]),
  ]
  return panel(
    { title: 'Set up' },
    html`<p>
        Set ${lines.length === 1 ? 'this variable' : 'these variables'} where
        <code>shelfsync serve deliver</code> runs.
        ${format === 'slack' ? EMPTY : 'Give the secret to the receiver, which verifies each message with it.'}
        No secret is stored in the database.
      </p>
      ${code(lines.join('\n'), 'Variables of the deliverer')}`,
  )
}

function replayAll({ name, dead }: Webhook, user: User): Html {
  if (dead === 0) return EMPTY
  return actionForm({
    user,
    action: `${webhookAddress(name)}/replay`,
    label: 'Replay all dead letters',
    icon: 'retry',
    confirm: {
      question: `Send ${formatQuantity(dead, 'dead letter')} again?`,
      detail: html`<p>
        Each has the id that it had, so that the receiver recognises a repetition.
      </p>`,
      label: 'Send again',
    },
  })
}
