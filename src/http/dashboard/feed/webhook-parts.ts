// Parts of the pages of webhooks and rules: the state of a webhook, and the table of its messages.

import type { Delivery, Webhook } from '../../../db/read/webhooks.ts'
import { formatCount, formatNext } from '../../../lib/words.ts'
import { EMPTY, html, type Content, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { toProductAddress } from '../pages/product-address.ts'
import { badge } from '../parts/badge.ts'
import { actionForm } from '../parts/forms.ts'
import { table, type Column } from '../parts/table.ts'
import { count, time } from '../parts/values.ts'

export function webhookAddress(name: string): string {
  return `/webhooks/${encodeURIComponent(name)}`
}

/** An active webhook whose last requests failed is failing. */
export function webhookBadge({ state, failingSince }: Webhook): Html {
  return badge(state === 'active' && failingSince !== null ? 'failing' : state)
}

/** Why a webhook gets nothing at present, and the time of its next request. */
export function describeTrouble(webhook: Webhook, nowMs: number): Content {
  const { reason, lastError, pausedUntil } = webhook
  if (reason !== null) return reason
  if (lastError === null) return EMPTY
  const isPaused = pausedUntil !== null && pausedUntil.getTime() > nowMs
  return isPaused
    ? `${lastError}; next request ${formatNext(pausedUntil, new Date(nowMs))}`
    : lastError
}

/** The age of the oldest change that waits. */
export function oldestChange({ oldestSeconds }: Webhook, nowMs: number): Html {
  return time(oldestSeconds < 1 ? null : new Date(nowMs - oldestSeconds * 1000), nowMs)
}

interface DeliveryTable {
  readonly deliveries: readonly Delivery[]
  readonly webhook: string
  readonly user: User
  readonly nowMs: number
  readonly empty: Html
}

export function deliveryTable({ deliveries, webhook, user, nowMs, empty }: DeliveryTable): Html {
  const columns: Column<Delivery>[] = [
    { label: 'Message', isHeader: true, cell: describeMessage },
    { label: 'State', cell: ({ state, error }) => stateBadge(state, error) },
    { label: 'Attempts', kind: 'number', cell: ({ attempts }) => count(attempts) },
    { label: 'Response', cell: describeResponse },
    { label: 'When', cell: (delivery) => describeNext(delivery, nowMs) },
  ]
  const replay: Column<Delivery> = {
    label: 'Replay',
    kind: 'actions',
    cell: ({ id, state }) =>
      state === 'waiting'
        ? EMPTY
        : actionForm({
            user,
            action: `${webhookAddress(webhook)}/replay`,
            label: 'Send again',
            values: { id },
            icon: 'retry',
          }),
  }
  return table({
    caption: `Messages to ${webhook}`,
    isBrief: true,
    columns: user.mayWrite ? [...columns, replay] : columns,
    rows: deliveries,
    rowId: ({ id }) => `delivery-${id}`,
    empty,
  })
}

function stateBadge(state: Delivery['state'], error: string | null): Html {
  return badge(state === 'waiting' && error !== null ? 'retrying' : state)
}

function describeMessage({ position, rule, source, product, changes }: Delivery): Content {
  if (position < 0) return 'Test message'
  const change =
    product === null || source === null
      ? changes > 1
        ? `${formatCount(changes)} changes`
        : `Change ${position}`
      : html`<a href="${toProductAddress(source, product)}">${product}</a>
          <span class="quiet">${source}</span>`
  return rule === null ? change : html`<a href="/rules/${rule}">${rule}</a>: ${change}`
}

function describeResponse({ state, status, error }: Delivery): Content {
  if (error !== null) return error
  if (status !== null) return `HTTP ${status}`
  return state === 'waiting' ? html`<span class="quiet">Not sent yet</span>` : '–'
}

function describeNext({ state, dueAt, finishedAt }: Delivery, nowMs: number): Content {
  if (state !== 'waiting') return html`${state} ${time(finishedAt, nowMs)}`
  if (dueAt === null) return 'After the earlier change of its product'
  return formatNext(dueAt, new Date(nowMs))
}
