// `shelfsync runs diff`: lists everything that approving a held run would change.

import type { Command } from 'commander'
import type { PageRequest } from '../../db/read/page.ts'
import { listRunDiff, loadRunDiff, type DiffItem, type RunDiff } from '../../db/read/run-diffs.ts'
import type { PlannedDiff } from '../../db/write/plans.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatTitle } from '../format/changes.ts'
import { formatInstant, formatPrice } from '../../format/format.ts'
import { formatQuantity } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'
import { createAfterOption, formatRepeat, printPage } from '../terminal/paging.ts'
import { createLimitOption, parseId } from '../arguments/numbers.ts'

export function addDiff(runs: Command, cli: Cli): void {
  runs
    .command('diff')
    .argument('<id>', 'the held run', parseId)
    .description('list the removals and prices that approving a held run would make current')
    .addOption(createLimitOption(100))
    .addOption(createAfterOption('diff'))
    .addHelpText(
      'after',
      formatExamples('shelfsync runs diff 7', 'shelfsync runs diff 7 --limit 1000 --json'),
    )
    .action((id: number, request: PageRequest) => printDiff(cli, id, request))
}

async function printDiff(cli: Cli, id: number, request: PageRequest): Promise<void> {
  await using tools = await cli.openSync()
  const page = await listRunDiff(tools.db, id, request)
  await printPage(cli.output, page, {
    headings: ['change', 'product', 'title', 'price', 'now', 'then', 'run', 'review'],
    rows: page.items.map((item) => toRow(cli.output, item)),
    command: formatRepeat(['runs', 'diff', String(id)], { limit: request.limit }),
    count: async () => countItems(await loadRunDiff(tools.db, id)),
    empty: `Approving run ${id} would remove no product and change no price.`,
  })
  cli.output.say(`Approve all pages of this version: ${formatApproval(id, page.version)}`)
}

function countItems({ removals, prices, heldPrices }: RunDiff): number {
  return removals + prices + heldPrices
}

/** Returns the command that approves exactly what this version of the diff contains. */
export function formatApproval(run: number, version: string): string {
  return `shelfsync runs approve ${run} --seen ${version}`
}

function toRow(output: Output, item: DiffItem): (string | null)[] {
  const { kind, product, title, variant, priceType, before, after, run, review } = item
  return [
    kind,
    product,
    title && formatTitle(output, title),
    variant === null || variant === product ? priceType : `${variant} ${priceType}`,
    before && formatPrice(before),
    after && formatPrice(after),
    String(run),
    review === null ? null : String(review),
  ]
}

/**
 * `12 products removed · 9 changed prices of 8 products current · watermark 2026-01-31 03:17:02 UTC`;
 * of a run that exists also its unpublished changes, and the prices that stay held. A shop
 * without a feed of changes has no watermark.
 */
export function formatDiff(diff: RunDiff | PlannedDiff): string {
  const { removals, prices, priceProducts, heldPrices, watermarkAt } = diff
  return [
    `${formatQuantity(removals, 'product')} removed`,
    prices === 0
      ? 'no price changed'
      : `${formatQuantity(prices, 'changed price')} of ${formatQuantity(priceProducts, 'product')} current`,
    ...('changes' in diff && diff.changes > 0
      ? [`${formatQuantity(diff.changes, 'change')} published`]
      : []),
    ...(watermarkAt === null ? [] : [`watermark ${formatInstant(watermarkAt)}`]),
    ...(heldPrices === 0 ? [] : [`${formatQuantity(heldPrices, 'held price')} left to reviews`]),
  ].join(' · ')
}
