// `shelfsync webhooks deliveries`, `replay` and `test`: the messages of one webhook.

import { type Command, Option } from 'commander'
import { SyncError } from '../../core/errors.ts'
import {
  DELIVERY_STATES,
  listDeliveries,
  type Delivery,
  type DeliveryState,
} from '../../db/read/webhooks.ts'
import type { PageRequest } from '../../db/read/page.ts'
import { queueTest, replayDeliveries, type ReplayRequest } from '../../db/write/webhooks.ts'
import { createLimitOption, parseId } from '../arguments/numbers.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatNext, formatQuantity, formatRelative } from '../../lib/words.ts'
import { recordOwnAction } from '../record-own-action.ts'
import type { Output } from '../terminal/output.ts'
import { createAfterOption, formatRepeat, printPage } from '../terminal/paging.ts'

const TEXT_CHARS_MAX = 60

type ListFlags = PageRequest & { readonly state?: DeliveryState }
interface ReplayFlags {
  readonly delivery?: number
  readonly from?: number
  readonly to?: number
  readonly dead?: boolean
}

export function addDeliveries(webhooks: Command, cli: Cli): void {
  webhooks
    .command('deliveries')
    .argument('<name>', 'the webhook')
    .description('list the messages of a webhook, the newest first')
    .addOption(new Option('--state <state>', 'only these').choices(DELIVERY_STATES))
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('deliveries'))
    .addHelpText('after', formatExamples('shelfsync webhooks deliveries orders --state dead'))
    .action((name: string, flags: ListFlags) => printDeliveries(cli, name, flags))
  webhooks
    .command('replay')
    .argument('<name>', 'the webhook')
    .description('send messages again, with the ids that they had')
    .addOption(
      new Option('--delivery <id>', 'this one')
        .argParser(parseId)
        .conflicts(['from', 'to', 'dead']),
    )
    .addOption(
      new Option('--from <position>', 'the changes from this position of the feed').argParser(
        parseId,
      ),
    )
    .addOption(new Option('--to <position>', 'up to this one').argParser(parseId))
    .addOption(new Option('--dead', 'all dead letters').conflicts(['from', 'to']))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync webhooks replay orders --dead',
        'shelfsync webhooks replay orders --from 1200 --to 1400',
      ),
    )
    .action((name: string, flags: ReplayFlags) => replay(cli, name, flags))
  webhooks
    .command('test')
    .argument('<name>', 'the webhook')
    .description('queue a test message, which the deliverer sends at once')
    .addHelpText('after', formatExamples('shelfsync webhooks test orders'))
    .action((name: string) => test(cli, name))
}

async function printDeliveries(
  cli: Cli,
  name: string,
  { state, ...page }: ListFlags,
): Promise<void> {
  await using tools = await cli.open()
  const now = new Date()
  const listed = await listDeliveries(tools.db, { name, state: state ?? null }, page)
  await printPage(cli.output, listed, {
    headings: ['delivery', 'position', 'message', 'state', 'attempts', 'note'],
    rows: listed.items.map((delivery) => [
      delivery.id,
      delivery.position < 0 ? 'test' : delivery.position,
      describeDelivery(cli.output, delivery),
      delivery.state,
      delivery.attempts,
      formatNote(cli.output, delivery, now),
    ]),
    empty: 'No deliveries.',
    command: formatRepeat(['webhooks', 'deliveries', name], { state, limit: page.limit }),
  })
}

/** `my-shop 4711`, `rule cheap: 12 changes`. */
function describeDelivery(output: Output, { rule, source, product, changes }: Delivery): string {
  const of =
    product === null ? (source ?? '') : `${source} ${output.short(product, TEXT_CHARS_MAX)}`
  if (rule === null) return of
  return changes > 1 ? `rule ${rule}: ${changes} changes` : `rule ${rule}: ${of}`
}

function formatNote(output: Output, { error, dueAt, finishedAt }: Delivery, now: Date): string {
  const when =
    finishedAt !== null
      ? formatRelative(finishedAt, now)
      : dueAt === null
        ? 'waits for an earlier change of its product'
        : formatNext(dueAt, now)
  return error === null ? when : `${when}: ${output.short(error, TEXT_CHARS_MAX)}`
}

async function replay(cli: Cli, name: string, flags: ReplayFlags): Promise<void> {
  await using tools = await cli.open()
  const request = toRequest(flags)
  const count = await replayDeliveries(tools.db, name, request)
  await recordOwnAction(tools.db, {
    action: 'webhook.replay',
    subject: name,
    detail: { ...request },
  })
  cli.output.result(
    { webhook: name, messages: count },
    count === 0
      ? 'Nothing to send again'
      : `${formatQuantity(count, 'message')} will be sent again`,
  )
}

/** @throws SyncError `usage/invalid` */
function toRequest({ delivery, from, to, dead = false }: ReplayFlags): ReplayRequest {
  if (delivery !== undefined) return { id: delivery }
  if (dead) return { dead: true }
  if (from === undefined)
    throw new SyncError('usage/invalid', 'Name what to send again: --delivery, --from or --dead')
  return { from, to: to ?? from }
}

async function test(cli: Cli, name: string): Promise<void> {
  await using tools = await cli.open()
  const delivery = await queueTest(tools.db, name)
  await recordOwnAction(tools.db, { action: 'webhook.test', subject: name })
  cli.output.result(
    { webhook: name, delivery },
    `A test message is queued. See its result: shelfsync webhooks deliveries ${name}`,
  )
}
