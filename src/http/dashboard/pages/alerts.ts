// The page of alerts: what is wrong and since when, who knows, and whether messages arrive.

import { z } from 'zod'
import { adviseOn, ALERT_KINDS, type StoredAlert } from '../../../core/alert.ts'
import {
  decideAlert,
  listAlertChannels,
  listAlerts,
  type AlertChannel,
} from '../../../db/alerts.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type ActionInput, type ActionResult, type User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, pageHeading, panel } from '../parts/blocks.ts'
import { actionForm, field, reasonField } from '../parts/forms.ts'
import { table, type Column } from '../parts/table.ts'
import { time } from '../parts/values.ts'

const CLOSED_SHOWN = 50
const HOUR_MS = 60 * 60_000
const MUTES = [
  { value: '1', label: '1 hour' },
  { value: '8', label: '8 hours' },
  { value: '24', label: '1 day' },
  { value: '168', label: '1 week' },
] as const
const CHANNEL_NAMES: Readonly<Record<string, string>> = { slack: 'Slack', sentry: 'Sentry' }

const Decided = z.object({
  id: z.coerce.number().int().positive(),
  reason: z.string().trim().max(500).optional(),
})
type Decided = z.infer<typeof Decided>

export const alertsPage = definePage({
  path: '/alerts',
  async render({ services: { db, nowMs }, user }) {
    const [alerts, channels] = await Promise.all([
      listAlerts(db, CLOSED_SHOWN),
      listAlertChannels(db),
    ])
    const shown = alerts.filter(({ openedAt }) => openedAt !== null)
    const now = nowMs()
    // Those that no person knows of come first.
    const open = shown
      .filter(({ state }) => state === 'open')
      .toSorted((one, other) => Number(isKnown(one, now)) - Number(isKnown(other, now)))
    const closed = shown.filter(({ state }) => state === 'closed')
    return {
      title: 'Alerts',
      main: html`${pageHeading({
        title: 'Alerts',
        about:
          'Causes that a person should know of. Each is sent once, and once when it has ended.',
      })}
      ${panel({ title: `Open (${open.length})`, id: 'open' }, showOpen(open, user, now))}
      ${liveRegion(
        'channels',
        panel({ title: 'Messages', id: 'messages' }, showChannels(channels, now)),
      )}
      ${liveRegion('closed', panel({ title: 'Ended', id: 'ended' }, showClosed(closed, now)))}`,
    }
  },
  actions: {
    acknowledge: {
      form: Decided,
      run: (input) => decide(input, { decision: 'acknowledge' }),
    },
    mute: {
      form: Decided.extend({ hours: z.coerce.number().int().min(1).max(2160) }),
      run(input) {
        const until = new Date(input.services.nowMs() + input.form.hours * HOUR_MS)
        return decide(input, { decision: 'mute', until })
      },
    },
    unmute: {
      form: Decided,
      run: (input) => decide(input, { decision: 'unmute' }),
    },
  },
})

const DONE = { acknowledge: 'acknowledged', mute: 'muted', unmute: 'no longer muted' } as const

type Change = { decision: 'acknowledge' | 'unmute' } | { decision: 'mute'; until: Date }

async function decide(
  { services, form, user }: ActionInput<unknown, Decided>,
  change: Change,
): Promise<ActionResult> {
  const decision = { ...change, by: user.name, reason: form.reason }
  const { kind, subject } = await decideAlert(services.db, form.id, decision)
  return { notice: `The alert “${ALERT_KINDS[kind]}: ${subject}” is ${DONE[change.decision]}.` }
}

function isMuted({ mutedUntil }: StoredAlert, nowMs: number): boolean {
  return mutedUntil !== null && mutedUntil.getTime() > nowMs
}

function isKnown(alert: StoredAlert, nowMs: number): boolean {
  return alert.acknowledgedBy !== null || isMuted(alert, nowMs)
}

function showChannels(channels: readonly AlertChannel[], nowMs: number): Html {
  return table({
    caption: 'Channels for messages',
    columns: [
      {
        label: 'Channel',
        isHeader: true,
        cell: ({ channel }) => CHANNEL_NAMES[channel] ?? channel,
      },
      {
        label: 'State',
        cell: ({ error }) => badge(error === null ? 'ok' : 'failing'),
      },
      { label: 'Last message', cell: ({ lastSentAt }) => time(lastSentAt, nowMs) },
      {
        label: 'Failure',
        cell: ({ error, failures, retryAt }) =>
          error === null
            ? '–'
            : html`${error} (${failures} in a row; next attempt ${time(retryAt, nowMs)})`,
      },
    ],
    rows: channels,
    empty: emptyState({
      title: 'Alerts are only shown here',
      about: html`Set <code>SLACK_WEBHOOK_URL</code> or <code>SENTRY_DSN</code> to get messages.`,
    }),
  })
}

function causeColumns(nowMs: number): Column<StoredAlert>[] {
  return [
    {
      label: 'Cause',
      isHeader: true,
      cell: (alert) =>
        html`<a href="${adviseOn(alert).page}">${ALERT_KINDS[alert.kind]}: ${alert.subject}</a>`,
    },
    { label: 'Since', cell: ({ since }) => time(since, nowMs) },
    {
      label: 'What',
      cell: (alert) =>
        alert.state === 'closed'
          ? alert.reason
          : html`${alert.reason}. <span class="quiet">To do: ${adviseOn(alert).action}.</span>`,
    },
  ]
}

function showOpen(alerts: readonly StoredAlert[], user: User, nowMs: number): Html {
  return table({
    caption: 'Open alerts',
    columns: [
      ...causeColumns(nowMs),
      { label: 'State', cell: (alert) => showState(alert, nowMs) },
      ...(user.mayWrite
        ? [
            {
              label: 'Decide',
              kind: 'actions' as const,
              cell: (alert: StoredAlert) => showDecisions(alert, user, nowMs),
            },
          ]
        : []),
    ],
    rows: alerts,
    rowId: ({ id }) => `alert-${id}`,
    empty: emptyState({ title: 'No alert is open', icon: 'check' }),
  })
}

function showState(alert: StoredAlert, nowMs: number): Html {
  if (isMuted(alert, nowMs))
    return html`${badge('paused', { label: 'muted' })} by ${alert.mutedBy}, ends
    ${time(alert.mutedUntil, nowMs)}`
  if (alert.acknowledgedBy !== null)
    return html`${badge('accepted', { label: 'acknowledged' })} by ${alert.acknowledgedBy}
    ${time(alert.acknowledgedAt, nowMs)}`
  const names = alert.sent.map((sent) => CHANNEL_NAMES[sent.split(' ')[0] ?? ''] ?? sent)
  return html`${badge('open')}${names.length === 0 ? EMPTY : html` sent to ${names.join(' and ')}`}`
}

function showDecisions(alert: StoredAlert, user: User, nowMs: number): Html {
  const { id, kind, subject, acknowledgedBy } = alert
  const values = { id }
  const period = {
    kind: 'select',
    name: 'hours',
    label: 'For',
    value: '24',
    options: MUTES,
  } as const
  return html`${
    acknowledgedBy === null
      ? actionForm({
          user,
          action: '/alerts/acknowledge',
          label: 'Acknowledge',
          values,
          confirm: {
            question: `Take over “${ALERT_KINDS[kind]}: ${subject}”?`,
            detail: html`<p>No message about it is sent until it has ended.</p>
              ${reasonField()}`,
          },
        })
      : EMPTY
  }${
    isMuted(alert, nowMs)
      ? actionForm({ user, action: '/alerts/unmute', label: 'Unmute', values })
      : actionForm({
          user,
          action: '/alerts/mute',
          label: 'Mute',
          values,
          confirm: {
            question: `Send no message about “${ALERT_KINDS[kind]}: ${subject}” for a time?`,
            detail: html`${field(period)}${reasonField()}`,
          },
        })
  }`
}

function showClosed(alerts: readonly StoredAlert[], nowMs: number): Html {
  return table({
    caption: 'Alerts that have ended',
    columns: [
      ...causeColumns(nowMs),
      { label: 'Ended', cell: ({ closedAt }) => time(closedAt, nowMs) },
    ],
    rows: alerts,
    empty: emptyState({ title: 'No alert has ended yet' }),
  })
}
