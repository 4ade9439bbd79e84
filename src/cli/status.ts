// `shelfsync status`: shows the state of every source, late runs and open decisions.

import { type Command, Option } from 'commander'
import {
  countProducts,
  listSourceSummaries,
  loadSourceSummary,
  type ProductCounts,
  type SourceSummary,
  surveySources,
  type Urgency,
} from '../db/read/source-summaries.ts'
import { countImages, type ImageCounts } from '../db/read/images.ts'
import { listBreakers } from '../db/read/limits.ts'
import type { Catalog } from '../db/catalog.ts'
import type { Freshness } from '../db/write/refreshes.ts'
import { Calendar, type Due } from '../sources/due.ts'
import { parseCount } from './arguments/numbers.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { formatBreaker, formatFailure } from './format/failure.ts'
import { formatCount, formatQuantity, formatRelative } from './format/format.ts'

export interface SourceStatus extends SourceSummary {
  readonly products: ProductCounts
  /** Null unless the source refreshes due products. */
  readonly freshness: Freshness | null
  /** Null while the source is paused. */
  readonly due: Due | null
}

const NO_PRODUCTS: ProductCounts = { draft: 0, active: 0, unavailable: 0, filtered: 0, removed: 0 }

/** Number of sources in the text without --limit. */
const SHOWN_COUNT = 40
/** A source of this urgency or more needs a person. */
const NEEDS_PERSON: Urgency = 2
const LATE: Urgency = 4

interface Options {
  readonly all?: boolean
  readonly limit?: number
}

export function defineStatus(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'one source; by default those that need a person most')
    .addOption(
      new Option('--limit <n>', `number of sources; default ${SHOWN_COUNT}, with --json all`)
        .argParser(parseCount)
        .conflicts('all'),
    )
    .option('--all', 'show all sources')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync status',
        'shelfsync status my-shop',
        'shelfsync status --limit 200',
        "shelfsync status --json | jq 'select(.due.late)'",
      ),
    )
    .action((name: string | undefined, options: Options) => printStatus(cli, name, options))
}

async function printStatus(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  await using tools = await cli.openSync()
  const now = new Date()
  const isAll = options.all ?? (cli.output.json && options.limit === undefined)
  const limit = isAll ? null : (options.limit ?? SHOWN_COUNT)
  const { shown, others } =
    name === undefined
      ? await listByUrgency(tools.db, limit, now)
      : { shown: [await findStatus(tools.db, name, now)], others: NO_OTHERS }
  const names = shown.map(({ source }) => source)
  const isWhole = isAll && name === undefined
  const products = await countProducts(tools.db, isWhole ? null : names)
  // Not for the help of this command.
  const { findFreshness, formatFreshness } = await import('./format/freshness.ts')
  const { printList } = await import('./terminal/list.ts')
  const statuses = await Promise.all(
    shown.map(async ({ urgency: _, ...source }): Promise<SourceStatus> => ({
      ...source,
      products: products.get(source.source) ?? NO_PRODUCTS,
      freshness: await findFreshness(tools.db, source, now),
    })),
  )
  const { headings, rows } = toStatusTable(statuses, now)
  printList(cli.output, statuses, { headings, rows, empty: NO_SOURCES })
  for (const { source, freshness } of statuses)
    if (freshness !== null) cli.output.say(`${source}: ${formatFreshness(freshness)}`)
  for (const line of statuses.flatMap((status) => listOpenIssues(status, now))) cli.output.say(line)
  if (others.total > 0) cli.output.say(formatOthers(others))
  for (const breaker of await listBreakers(tools.db)) cli.output.say(formatBreaker(breaker, now))
  const images = formatImages(await countImages(tools.db), tools.settings.images.target !== null)
  if (images !== null) cli.output.say(images)
}

/** @throws SyncError `source/unknown` */
async function findStatus(db: Catalog, name: string, now: Date): Promise<RankedSource> {
  const summary = await loadSourceSummary(db, name)
  const due = summary.state === 'active' ? new Calendar().dueOf(summary, now) : null
  return { ...summary, due, urgency: 0 }
}

interface RankedSource extends Omit<SourceStatus, 'products' | 'freshness'> {
  readonly urgency: Urgency
}

/** The sources that are not shown. */
interface Others {
  readonly total: number
  readonly needing: number
  /** More of them may be late. */
  readonly isLowerBound: boolean
  /** By the state of the newest run. */
  readonly states: ReadonlyMap<string, number>
}

const NO_OTHERS: Others = { total: 0, needing: 0, isLowerBound: false, states: new Map() }

/** Lists up to `limit` sources, or all with null, the most urgent first, each urgency by name, and counts the others. */
async function listByUrgency(
  db: Catalog,
  limit: number | null,
  now: Date,
): Promise<{ shown: readonly RankedSource[]; others: Others }> {
  const survey = await surveySources(db, limit)
  const urgencies = new Map(survey.sources.map(({ source, urgency }) => [source, urgency]))
  const calendar = new Calendar()
  const ranked = (await listSourceSummaries(db, limit === null ? null : [...urgencies.keys()]))
    .map((summary): RankedSource => {
      const { source, state } = summary
      const due = state === 'active' ? calendar.dueOf(summary, now) : null
      const urgency = Math.max(urgencies.get(source) ?? 0, due?.late === true ? LATE : 0) as Urgency
      return { ...summary, due, urgency }
    })
    .toSorted((a, b) => b.urgency - a.urgency)
  const shown = ranked.slice(0, limit ?? undefined)
  const states = new Map<string, number>(Object.entries(survey.states))
  for (const { lastRun } of shown) {
    const state = lastRun?.state ?? 'without a run'
    states.set(state, (states.get(state) ?? 0) - 1)
  }
  // The stored urgencies, and those of the sources that turned out to be late.
  const isNeeding = (urgency: number) => urgency >= NEEDS_PERSON
  const found = ranked.filter((one) => isNeeding(one.urgency))
  const raised = found.filter(({ source }) => !isNeeding(urgencies.get(source) ?? 0))
  const needing =
    survey.needing + raised.length - shown.filter((one) => isNeeding(one.urgency)).length
  return {
    shown,
    others: {
      total: survey.total - shown.length,
      needing,
      isLowerBound: survey.unexamined > 0,
      states,
    },
  }
}

/** `9,960 other sources (9,900 succeeded, 60 running); …`, by the state of the newest run. */
function formatOthers({ total, needing, isLowerBound, states }: Others): string {
  const counts = [...states]
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${formatCount(count)} ${state}`)
  const more =
    needing > 0
      ? `, ${isLowerBound ? 'at least ' : ''}${formatCount(needing)} of which need a person too`
      : ''
  return `${formatQuantity(total, 'other source')} (${counts.join(', ')})${more}; shelfsync status --all lists them`
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

/** Lists the issues of a source that need attention, each with the command that shows it. */
function listOpenIssues(
  { source, failure, heldRuns, heldPrices, openQuarantine, ...rest }: SourceStatus,
  now: Date,
): string[] {
  const { latestCopy, removalsOff } = rest
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
