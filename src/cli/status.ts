// `shelfsync status`: shows the state of every source, late runs and open decisions.

import type { Command } from 'commander'
import {
  countProducts,
  listSourceSummaries,
  type ProductCounts,
  type SourceSummary,
} from '../db/read/source-summaries.ts'
import { countImages, type ImageCounts } from '../db/read/images.ts'
import { listBreakers, type OpenBreaker } from '../db/read/limits.ts'
import { type Due, dueAt } from '../sources/due.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { formatFailure } from './format/failure.ts'
import { formatCount, formatQuantity, formatRelative } from './format/format.ts'

export interface SourceStatus extends SourceSummary {
  readonly products: ProductCounts
  /** Null while the source is paused. */
  readonly due: Due | null
}

const NO_PRODUCTS: ProductCounts = { draft: 0, active: 0, unavailable: 0, filtered: 0, removed: 0 }

export function defineStatus(command: Command, cli: Cli): void {
  command
    .addHelpText(
      'after',
      formatExamples('shelfsync status', "shelfsync status --json | jq 'select(.due.late)'"),
    )
    .action(() => printStatus(cli))
}

async function printStatus(cli: Cli): Promise<void> {
  await using tools = await cli.openSync()
  const now = new Date()
  const products = await countProducts(tools.db)
  const statuses = (await listSourceSummaries(tools.db))
    .map((summary): SourceStatus => ({
      ...summary,
      products: products.get(summary.source) ?? NO_PRODUCTS,
      due: summary.state === 'active' ? dueAt(summary.schedule, summary.dueSinceAt, now) : null,
    }))
    .toSorted((a, b) => Number(b.failure?.flagged ?? false) - Number(a.failure?.flagged ?? false))
  const { headings, rows } = toStatusTable(statuses, now)
  // Not for the help of this command.
  const { printList } = await import('./terminal/list.ts')
  printList(cli.output, statuses, { headings, rows, empty: NO_SOURCES })
  for (const line of statuses.flatMap((status) => listOpenIssues(status, now))) cli.output.say(line)
  for (const breaker of await listBreakers(tools.db)) cli.output.say(formatBreaker(breaker, now))
  const images = formatImages(await countImages(tools.db), tools.settings.images.target !== null)
  if (images !== null) cli.output.say(images)
}

/** Returns null if there is nothing to say: no image waits or has failed, or none is stored. */
function formatImages(counts: ImageCounts, isOn: boolean): string | null {
  const { waiting, failed, flaggedHosts } = counts
  const open = isOn ? counts.new + waiting : waiting
  if (open + failed + flaggedHosts === 0) return null
  const flagged = flaggedHosts === 0 ? '' : `, ${formatQuantity(flaggedHosts, 'host')} flagged`
  return `images: ${formatCount(open)} waiting, ${formatCount(failed)} failed${flagged}; see shelfsync images`
}

/** Most sources have no drafts, so the column appears only if one has. */
export function toStatusTable(
  sources: readonly SourceStatus[],
  now: Date,
): { headings: string[]; rows: (string | number | null)[][] } {
  const extra = (['draft', 'filtered'] as const).filter((status) =>
    sources.some(({ products }) => products[status] > 0),
  )
  const statuses = ['active', ...extra, 'unavailable', 'removed'] as const
  return {
    headings: ['source', 'connector', ...statuses, 'last run', 'when', 'newest data', 'next due'],
    rows: sources.map(({ products, lastRun, watermarkAt, ...source }) => [
      source.source,
      source.connector,
      ...statuses.map((status) => products[status]),
      lastRun && `${lastRun.id} ${lastRun.state}`,
      lastRun && formatRelative(lastRun.startedAt, now),
      watermarkAt && formatRelative(watermarkAt, now),
      source.state === 'paused' ? 'paused' : formatDue(source.due, now),
    ]),
  }
}

function formatDue(due: Due | null, now: Date): string | null {
  return due && `${due.at ? formatRelative(due.at, now) : 'never'}${due.late ? ' (late)' : ''}`
}

function formatBreaker({ key, failures, state, retryAt }: OpenBreaker, now: Date): string {
  const next =
    state === 'open' ? `the next test is ${formatRelative(retryAt, now)}` : 'a request tests it now'
  return `${key} has failed ${failures} times and gets no request: ${next}; see shelfsync limits`
}

/** Lists the issues of a source that need attention, each with the command that shows it. */
function listOpenIssues(
  { source, failure, heldRuns, heldPrices, openQuarantine, latestCopy, removalsOff }: SourceStatus,
  now: Date,
): string[] {
  const issues = failure === null ? [] : [formatFailure(failure, now)]
  for (const run of heldRuns) issues.push(`run ${run} is held; see shelfsync runs show ${run}`)
  if (heldPrices > 0)
    issues.push(
      `${formatQuantity(heldPrices, 'held price')}; see shelfsync reviews --source ${source}`,
    )
  if (openQuarantine > 0)
    issues.push(
      `${formatQuantity(openQuarantine, 'record')} in quarantine; see shelfsync quarantine --source ${source}`,
    )
  if (removalsOff !== null) issues.push(`removals are off: ${removalsOff}`)
  if (latestCopy?.error != null) {
    const copy =
      latestCopy.run === null ? 'it does not exist yet' : `it contains run ${latestCopy.run}`
    issues.push(`latest.ndjson could not be written (${copy}): ${latestCopy.error}`)
  }
  return issues.map((issue) => `${source}: ${issue}`)
}
