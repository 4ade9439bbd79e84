// `shelfsync images`: shows what is stored, which hosts cause trouble and which images have failed,
// and fetches images again.

import type { Command } from 'commander'
import {
  countStoredImages,
  listFailedImages,
  listImageHosts,
  type ImageHost,
  type StoredCounts,
} from '../db/read/images.ts'
import type { PageRequest } from '../db/read/page.ts'
import { loadSource } from '../db/sources.ts'
import { retryImages } from '../db/write/images.ts'
import { createLimitOption } from './arguments/numbers.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatBytes } from '../format/format.ts'
import { formatCount, formatNext, formatQuantity, formatRelative } from '../lib/words.ts'
import { recordOwnAction } from './record-own-action.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'

const URL_CHARS_MAX = 80
const REASON_CHARS_MAX = 60

interface RetryFlags {
  readonly source?: string
  readonly host?: string
  readonly all?: boolean
}

export function defineImages(images: Command, cli: Cli): void {
  images.addHelpText(
    'after',
    formatExamples('shelfsync images', 'shelfsync images retry --host cdn.some-shop.example'),
  )
  images
    .command('list', { isDefault: true })
    .description('count the stored images, and list the addresses that have failed')
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('images'))
    .addHelpText('after', formatExamples('shelfsync images', 'shelfsync images --json'))
    .action((request: PageRequest) => printImages(cli, request))
  images
    .command('retry')
    .description('fetch images again that have failed or wait, and ask flagged hosts again')
    .option('--source <name>', 'only images of this source')
    .option('--host <name>', 'only images of this host')
    .option('--all', 'the stored images too, for example after IMAGES was changed')
    .addHelpText(
      'after',
      formatExamples('shelfsync images retry', 'shelfsync images retry --source my-shop --all'),
    )
    .action((flags: RetryFlags) => retry(cli, flags))
}

async function printImages(cli: Cli, request: PageRequest): Promise<void> {
  await using tools = await cli.open()
  const { db, settings } = tools
  const [counts, hosts, page] = [
    await countStoredImages(db),
    await listImageHosts(db),
    await listFailedImages(db, request),
  ]
  const now = new Date()
  cli.output.say(formatCounts(counts, settings.images.target !== null))
  for (const host of hosts) if (needsAttention(host)) cli.output.say(formatHost(host, now))
  const listed = { ...page, counts, hosts }
  await printPage(cli.output, listed, {
    headings: ['product', 'reason', 'attempts', 'failed', 'address'],
    rows: page.items.map(({ products, reason, attempts, failedAt, url }) => [
      products[0] ?? null,
      cli.output.short(reason, REASON_CHARS_MAX),
      attempts,
      formatRelative(failedAt, now),
      cli.output.short(url, URL_CHARS_MAX),
    ]),
    empty: 'No image has failed.',
    command: formatRepeat(['images'], { limit: request.limit }),
  })
}

function formatCounts(counts: StoredCounts, isOn: boolean): string {
  const { stored, storedBytes, waiting, failed } = counts
  const parts = [
    `${formatQuantity(stored, 'stored image')} (${formatBytes(storedBytes)})`,
    `${formatCount(counts.new + waiting)} waiting`,
    `${formatCount(failed)} failed`,
  ]
  const hint = isOn ? '' : '. IMAGES is not set, so no image is fetched'
  return parts.join(', ') + hint
}

function needsAttention({ flaggedAt, pausedUntil }: ImageHost): boolean {
  return flaggedAt !== null || pausedUntil !== null
}

function formatHost({ host, waiting, flagReason, pausedUntil }: ImageHost, now: Date): string {
  const until = pausedUntil === null ? '' : `, next request ${formatNext(pausedUntil, now)}`
  const reason = flagReason === null ? 'is paused' : `is flagged: ${flagReason}`
  return `${host} ${reason}${until}; ${formatCount(waiting)} waiting`
}

async function retry(cli: Cli, { source, host, all = false }: RetryFlags): Promise<void> {
  await using tools = await cli.open()
  const sourceId = source === undefined ? null : (await loadSource(tools.db, source)).id
  const retried = await retryImages(tools.db, { sourceId, host: host ?? null, all })
  await recordOwnAction(tools.db, {
    action: 'image.retry',
    source,
    subject: host,
    detail: { images: retried, all },
  })
  cli.output.result({ retried }, `${formatQuantity(retried, 'image')} will be fetched again.`)
}
