// `shelfsync webhooks`: lists, adds, tests, pauses, resumes and removes the receivers of changes, and
// shows and repeats their deliveries.

import type { Command } from 'commander'
import { listWebhooks, type Webhook } from '../../db/read/webhooks.ts'
import { pauseWebhook, removeWebhook, resumeWebhook } from '../../db/write/webhooks.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { describeScope } from '../../format/describe-scope.ts'
import { formatCount, formatNext, formatRelative } from '../../lib/words.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { printList } from '../terminal/list.ts'
import type { Output } from '../terminal/output.ts'
import { describeUser } from '../user.ts'
import { addAdd } from './add.ts'
import { addDeliveries } from './deliveries.ts'

const TEXT_CHARS_MAX = 60

export function defineWebhooks(webhooks: Command, cli: Cli): void {
  webhooks.addHelpText(
    'after',
    formatExamples(
      'shelfsync webhooks',
      'shelfsync webhooks add orders https://shop.example/hooks/catalogue',
      'shelfsync webhooks test orders',
      'shelfsync webhooks deliveries orders --state dead',
      'shelfsync webhooks replay orders --dead',
    ),
  )
  webhooks
    .command('list', { isDefault: true })
    .description('list the webhooks with their state and what waits for each')
    .addHelpText('after', formatExamples('shelfsync webhooks', 'shelfsync webhooks list --json'))
    .action(() => printWebhooks(cli))
  addAdd(webhooks, cli)
  addDeliveries(webhooks, cli)
  addStates(webhooks, cli)
}

function addStates(webhooks: Command, cli: Cli): void {
  webhooks
    .command('pause')
    .argument('<name>', 'the webhook')
    .description('send nothing until it is resumed; changes wait in the feed')
    .addHelpText('after', formatExamples('shelfsync webhooks pause orders'))
    .action((name: string) => pause(cli, name))
  webhooks
    .command('resume')
    .argument('<name>', 'the webhook')
    .description('send again, also after it was disabled; continues where it stopped')
    .option('--skip', 'continue with the next change; leave out those since the pause')
    .addHelpText('after', formatExamples('shelfsync webhooks resume orders'))
    .action((name: string, flags: { readonly skip?: boolean }) => resume(cli, name, flags))
  webhooks
    .command('remove')
    .argument('<name>', 'the webhook')
    .description('remove a webhook with its deliveries and its rules')
    .addHelpText('after', formatExamples('shelfsync webhooks remove orders'))
    .action((name: string) => remove(cli, name))
}

async function printWebhooks(cli: Cli): Promise<void> {
  await using tools = await cli.open()
  const webhooks = await listWebhooks(tools.db)
  const now = new Date()
  printList(cli.output, webhooks, {
    headings: ['name', 'state', 'gets', 'waiting', 'dead', 'delivered', 'note'],
    rows: webhooks.map((webhook) => [
      webhook.name,
      webhook.state,
      describeScope(webhook),
      formatCount(webhook.waiting + webhook.behind),
      formatCount(webhook.dead),
      webhook.deliveredAt === null ? 'never' : formatRelative(webhook.deliveredAt, now),
      formatNote(cli.output, webhook, now),
    ]),
    empty: 'No webhooks. Add one with `shelfsync webhooks add NAME URL`.',
  })
}

function formatNote(output: Output, webhook: Webhook, now: Date): string {
  const { reason, lastError, pausedUntil } = webhook
  if (reason !== null) return output.short(reason, TEXT_CHARS_MAX)
  if (lastError === null) return ''
  const next =
    pausedUntil !== null && pausedUntil > now ? `, next ${formatNext(pausedUntil, now)}` : ''
  return `${output.short(lastError, TEXT_CHARS_MAX)}${next}`
}

async function pause(cli: Cli, name: string): Promise<void> {
  await using tools = await cli.open()
  await pauseWebhook(tools.db, name, `paused by ${describeUser()}`)
  await recordOwnAction(tools.db, { action: 'webhook.pause', subject: name })
  cli.output.result(
    { webhook: name, state: 'paused' },
    `${name} is paused. Send again: shelfsync webhooks resume ${name}`,
  )
}

async function resume(cli: Cli, name: string, { skip = false }: { skip?: boolean }): Promise<void> {
  await using tools = await cli.open()
  await resumeWebhook(tools.db, name, skip)
  await recordOwnAction(tools.db, { action: 'webhook.resume', subject: name, detail: { skip } })
  cli.output.result({ webhook: name, state: 'active', skip }, `${name} is active`)
}

async function remove(cli: Cli, name: string): Promise<void> {
  await using tools = await cli.open()
  await removeWebhook(tools.db, name)
  await recordOwnAction(tools.db, { action: 'webhook.remove', subject: name })
  cli.output.result({ webhook: name, removed: true }, `${name} is removed`)
}
