// The receivers of changes: what each gets, whether it keeps up, and a form that adds one.

import { z } from 'zod'
import { CHANGE_KINDS } from '../../../core/change-message.ts'
import { FEED_NAME } from '../../../core/rule.ts'
import { listWebhooks, type Webhook } from '../../../db/read/webhooks.ts'
import { listSources } from '../../../db/sources.ts'
import { addWebhook } from '../../../db/write/webhooks.ts'
import { describeScope } from '../../../format/describe-scope.ts'
import { changeAndRecord } from '../feed/change-and-record.ts'
import {
  describeTrouble,
  oldestChange,
  webhookAddress,
  webhookBadge,
} from '../feed/webhook-parts.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type User } from '../page.ts'
import { emptyState, pageHeading, panel } from '../parts/blocks.ts'
import { field, hiddenFields } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { count, time } from '../parts/values.ts'

const GETS = ['changes', 'rules', 'slack'] as const

const NewWebhookForm = z.object({
  name: z.string().trim().regex(FEED_NAME, 'expected lower-case letters, digits and hyphens'),
  address: z.string().trim().max(2000),
  gets: z.enum(GETS),
  source: z.string().max(63),
  kind: z.union([z.literal(''), z.enum(CHANGE_KINDS)]),
})

export const webhooksPage = definePage({
  path: '/webhooks',
  async render({ services: { db, nowMs }, user }) {
    const [webhooks, sources] = await Promise.all([listWebhooks(db), listSources(db)])
    return {
      title: 'Webhooks',
      main: html`${pageHeading({
        title: 'Webhooks',
        about:
          'Each gets published changes or the messages of rules: signed, at least once, and in order for each product.',
      })}
      ${panel({ title: 'Receivers' }, liveRegion('webhooks', showWebhooks(webhooks, nowMs())))}
      ${user.mayWrite ? panel({ title: 'Add a webhook', id: 'add' }, addForm(sources, user)) : EMPTY}`,
    }
  },
  actions: {
    add: {
      form: NewWebhookForm,
      async run({ services, form, user }) {
        const { name, address, gets, source, kind } = form
        const isSlack = gets === 'slack'
        if (address !== '') await services.checkAddress(address)
        const action = { actor: user.name, action: 'webhook.add', subject: name }
        await changeAndRecord(services.db, action, (db) =>
          addWebhook(db, {
            name,
            format: isSlack ? 'slack' : 'standard',
            url: address === '' || isSlack ? null : address,
            getsChanges: gets === 'changes',
            sources: source === '' ? null : [source],
            kinds: kind === '' ? null : [kind],
            after: null,
            by: user.name,
          }),
        )
        return { notice: `${name} is added.`, to: webhookAddress(name) }
      },
    },
  },
})

function showWebhooks(webhooks: readonly Webhook[], nowMs: number): Html {
  return table({
    caption: 'Webhooks',
    columns: [
      {
        label: 'Name',
        isHeader: true,
        cell: ({ name }) => html`<a href="${webhookAddress(name)}">${name}</a>`,
      },
      { label: 'State', cell: webhookBadge },
      { label: 'Gets', cell: describeScope },
      { label: 'Waiting', kind: 'number', cell: ({ waiting, behind }) => count(waiting + behind) },
      { label: 'Oldest', cell: (webhook) => oldestChange(webhook, nowMs) },
      { label: 'Dead', kind: 'number', cell: showDead },
      { label: 'Delivered', cell: ({ deliveredAt }) => time(deliveredAt, nowMs) },
      { label: 'Note', cell: (webhook) => describeTrouble(webhook, nowMs) },
    ],
    rows: webhooks,
    empty: emptyState({
      title: 'No webhooks yet',
      about:
        'Add one to get changes as they are published. Consumers may also read the feed by cursor.',
      icon: 'deliveries',
    }),
  })
}

function showDead({ name, dead }: Webhook): Html {
  return dead === 0
    ? count(0)
    : html`<a href="${webhookAddress(name)}?state=dead">${count(dead)}</a>`
}

function addForm(sources: readonly { readonly name: string }[], user: User): Html {
  return html`<p class="quiet">
      Leave the address empty if it must not be stored here. The deliverer then reads it from its
      environment.
    </p>
    <form class="filters" method="post" action="/webhooks/add">
      ${hiddenFields({ user })}
      ${field({ kind: 'text', name: 'name', label: 'Name', value: '', placeholder: 'orders' })}
      ${field({
        kind: 'text',
        name: 'address',
        label: 'Address',
        value: '',
        placeholder: 'https://shop.example/hooks/catalogue',
      })}
      ${field({
        kind: 'select',
        name: 'gets',
        label: 'Gets',
        value: 'changes',
        options: [
          { value: 'changes', label: 'changes' },
          { value: 'rules', label: 'only messages of rules' },
          { value: 'slack', label: 'messages of rules, to Slack' },
        ],
      })}
      ${field({
        kind: 'select',
        name: 'source',
        label: 'Of source',
        value: '',
        options: sources.map(({ name }) => name),
        any: 'every source',
      })}
      ${field({
        kind: 'select',
        name: 'kind',
        label: 'Of kind',
        value: '',
        options: CHANGE_KINDS,
        any: 'every kind',
      })}
      <div class="filter-buttons"><button type="submit" class="main-button">Add</button></div>
    </form>`
}
