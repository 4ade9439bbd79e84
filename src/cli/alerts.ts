// `shelfsync alerts`: what is wrong, who knows, and whether messages arrive.

import { type Command, Option } from 'commander'
import { adviseOn, ALERT_KINDS, type StoredAlert } from '../core/alert.ts'
import { SyncError } from '../core/errors.ts'
import type { AlertDecision } from '../db/alerts.ts'
import { parseId } from './arguments/numbers.ts'
import { parseDuration } from './arguments/time.ts'
import { type Cli, formatExamples } from './cli.ts'
import { describeUser } from './user.ts'

const CLOSED_SHOWN = 10
const MUTED_DAYS_MAX = 90
const MUTED_DEFAULT_MS = 86_400_000
const DONE = { acknowledge: 'acknowledged', mute: 'muted', unmute: 'unmuted' } as const

interface DecideFlags {
  readonly by: string
  readonly reason?: string
  /** Milliseconds. */
  readonly for?: number
}

export function defineAlerts(alerts: Command, cli: Cli): void {
  alerts.addHelpText(
    'after',
    formatExamples('shelfsync alerts', 'shelfsync alerts mute 3 --for 2d', 'shelfsync alerts test'),
  )
  alerts
    .command('list', { isDefault: true })
    .description('list open alerts, the newest closed ones, and the results of messages')
    .addHelpText('after', formatExamples('shelfsync alerts', 'shelfsync alerts --json'))
    .action(() => printAlerts(cli))
  addDecision(alerts, cli, 'acknowledge', {
    description: 'send no message about an alert until it recovers',
  })
  addDecision(alerts, cli, 'mute', {
    description: 'send no message about an alert for a time',
  }).addOption(
    new Option('--for <time>', 'minutes, hours or days, such as 30m, 8h or 2d')
      .argParser((text) => parseDuration(text, MUTED_DAYS_MAX))
      .default(MUTED_DEFAULT_MS, '1d'),
  )
  addDecision(alerts, cli, 'unmute', { name: 'sound', description: 'end a mute' })
  alerts
    .command('test')
    .description('send a test message to Slack and Sentry, as the settings name them')
    .addHelpText('after', formatExamples('shelfsync alerts test'))
    .action(() => sendTest(cli))
}

function addDecision(
  alerts: Command,
  cli: Cli,
  decision: AlertDecision['decision'],
  { name = decision, description }: { readonly name?: string; readonly description: string },
): Command {
  return alerts
    .command(name)
    .argument('<id>', 'the number in `alerts list`', parseId)
    .description(description)
    .addOption(new Option('--by <person>', 'the person who decides').default(describeUser()))
    .option('--reason <text>', 'why, for the log of actions')
    .addHelpText('after', formatExamples(`shelfsync alerts ${name} 3`))
    .action((id: number, flags: DecideFlags) => decide(cli, decision, id, flags))
}

async function printAlerts(cli: Cli): Promise<void> {
  await using tools = await cli.open()
  const [{ listAlerts, listAlertChannels }, { printList }] = await Promise.all([
    import('../db/alerts.ts'),
    import('./terminal/list.ts'),
  ])
  const [alerts, channels] = [
    (await listAlerts(tools.db, CLOSED_SHOWN)).filter(({ openedAt }) => openedAt !== null),
    await listAlertChannels(tools.db),
  ]
  const now = new Date()
  printList(cli.output, alerts, {
    headings: ['id', 'state', 'kind', 'subject', 'since', 'reason', 'to do'],
    rows: alerts.map((alert) => [
      alert.id,
      describeState(alert, now),
      ALERT_KINDS[alert.kind],
      alert.subject,
      alert.since.toISOString(),
      alert.reason,
      alert.state === 'closed' ? '' : adviseOn(alert).action,
    ]),
    empty: 'No alert is open.',
  })
  for (const { channel, error, failures, retryAt } of channels)
    if (error !== null)
      cli.output.say(
        `Messages to ${channel} have failed ${failures} times in a row: ${cli.output.inLine(error)}. ` +
          `The next attempt is at ${retryAt?.toISOString() ?? 'once'}.`,
      )
}

function describeState({ state, acknowledgedBy, mutedUntil }: StoredAlert, now: Date): string {
  if (state === 'closed') return 'closed'
  if (mutedUntil !== null && mutedUntil > now) return 'muted'
  return acknowledgedBy === null ? state : 'acknowledged'
}

async function decide(
  cli: Cli,
  decision: AlertDecision['decision'],
  id: number,
  { by, reason, for: timeMs = MUTED_DEFAULT_MS }: DecideFlags,
): Promise<void> {
  await using tools = await cli.open()
  const { decideAlert } = await import('../db/alerts.ts')
  const until = new Date(Date.now() + timeMs)
  const change: AlertDecision =
    decision === 'mute' ? { decision, by, reason, until } : { decision, by, reason }
  const { kind, subject } = await decideAlert(tools.db, id, change)
  const end = decision === 'mute' ? ` until ${until.toISOString()}` : ''
  cli.output.result(
    { alert: id, state: DONE[decision], ...(decision === 'mute' && { until }) },
    `Alert ${id} (${ALERT_KINDS[kind]}: ${cli.output.inLine(subject)}) is ${DONE[decision]}${end}.`,
  )
}

/** @throws SyncError `usage/invalid` without a channel · `alert/not-sent` */
async function sendTest(cli: Cli): Promise<void> {
  await using tools = await cli.open()
  const { openAlertHttp, openChannels } = await import('../app/alerts.ts')
  const http = openAlertHttp(tools.settings)
  const channels = await openChannels(tools.settings, http)
  try {
    if (channels.length === 0)
      throw new SyncError('usage/invalid', 'No channel is set: set SLACK_WEBHOOK_URL or SENTRY_DSN')
    const message = {
      title: 'Shelfsync: this is a test',
      sections: [[{ text: 'Alerts will arrive here.', link: null }]],
    }
    for (const { send } of channels)
      await send(message, null, AbortSignal.timeout(30_000)).catch((cause: unknown) => {
        throw new SyncError('alert/not-sent', String(cause), { cause })
      })
    const sent = channels.map(({ name }) => name)
    cli.output.result({ sent }, `A test message was sent to ${sent.join(' and ')}.`)
  } finally {
    await http.close()
  }
}
