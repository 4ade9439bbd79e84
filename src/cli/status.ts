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
import type { Catalog } from '../db/catalog.ts'
import { Calendar, type Due } from '../sources/due.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { formatFailure } from './format/failure.ts'
import { formatCount, formatQuantity, formatRelative } from './format/format.ts'

export interface SourceStatus extends SourceSummary {
  readonly products: ProductCounts
  /** Null while the source is paused. */
  readonly due: Due | null
}

const NO_PRODUCTS: ProductCounts = { draft: 0, active: 0, unavailable: 0, filtered: 0, removed: 0 }

/** More sources are shown only if they need a person, or with --all. */
const SHOWN_MAX = 40

export function defineStatus(command: Command, cli: Cli): void {
  command
    .option('--all', `show all sources when there are more than ${SHOWN_MAX}`)
    .addHelpText(
      'after',
      formatExamples('shelfsync status', "shelfsync status --json | jq 'select(.due.late)'"),
    )
    .action(({ all = false }: { readonly all?: boolean }) => printStatus(cli, all))
}

async function printStatus(cli: Cli, all: boolean): Promise<void> {
  await using tools = await cli.openSync()
  const now = new Date()
  const sources = await listByUrgency(tools.db, now)
  const isWhole = all || cli.output.json || sources.length <= SHOWN_MAX
  const shown = isWhole ? sources : sources.filter(needsPerson).slice(0, SHOWN_MAX)
  const names = isWhole ? null : shown.map(({ source }) => source)
  const products = await countProducts(tools.db, names)
  const statuses = shown.map((source): SourceStatus => ({
    ...source,
    products: products.get(source.source) ?? NO_PRODUCTS,
  }))
  const { headings, rows } = toStatusTable(statuses, now)
  // Not for the help of this command.
  const { printList } = await import('./terminal/list.ts')
  const empty = sources.length === 0 ? NO_SOURCES : 'No source needs a person.'
  printList(cli.output, statuses, { headings, rows, empty })
  for (const line of statuses.flatMap((status) => listOpenIssues(status, now))) cli.output.say(line)
  if (!isWhole) cli.output.say(summarizeOthers(sources.filter((one) => !shown.includes(one))))
  for (const breaker of await listBreakers(tools.db)) cli.output.say(formatBreaker(breaker, now))
  const images = formatImages(await countImages(tools.db), tools.settings.images.target !== null)
  if (images !== null) cli.output.say(images)
}

type DueSource = Omit<SourceStatus, 'products'>

/** Lists the sources: first those that need a person, then the others, each by name. */
async function listByUrgency(db: Catalog, now: Date): Promise<DueSource[]> {
  const calendar = new Calendar()
  return (await listSourceSummaries(db))
    .map((summary): DueSource => {
      const { state, schedule, dueSinceAt } = summary
      const due = state === 'active' ? calendar.dueAt(schedule, dueSinceAt, now) : null
      return { ...summary, due }
    })
    .toSorted((a, b) => rankUrgency(b) - rankUrgency(a))
}

/** Returns 0 for a source that needs no person; a paused one needs a person only for decisions. */
function rankUrgency({ heldRuns, failure, due, state, lastRun, ...source }: DueSource): number {
  if (heldRuns.length > 0) return 5
  if (source.heldPrices > 0) return 1
  if (state === 'paused') return 0
  if (failure?.flagged === true) return 4
  if (due?.late === true) return 3
  if (failure !== null || lastRun?.state === 'failed') return 2
  const isOpen = source.openQuarantine > 0 || source.removalsOff !== null
  return isOpen || source.latestCopy?.error != null ? 1 : 0
}

function needsPerson(source: DueSource): boolean {
  return rankUrgency(source) > 0
}

/** `9,960 other sources: 9,900 succeeded, 60 running; …`, by the state of the last run. */
function summarizeOthers(sources: readonly DueSource[]): string {
  const states = Map.groupBy(sources, ({ lastRun }) => lastRun?.state ?? 'without a run')
  const counts = [...states]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([state, list]) => `${formatCount(list.length)} ${state}`)
  const waiting = sources.filter(needsPerson).length
  const more = waiting === 0 ? '' : `, ${formatCount(waiting)} of which need a person too`
  return `${formatQuantity(sources.length, 'other source')} (${counts.join(', ')})${more}; shelfsync status --all lists them`
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
