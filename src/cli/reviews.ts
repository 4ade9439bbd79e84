// `shelfsync reviews`: lists held prices and runs, and records decisions on prices. Several reviews
// can be decided at once only if they are prices.

import { type Command, Option } from 'commander'
import type { SyncTools } from '../app/compose.ts'
import { SyncError } from '../core/errors.ts'
import type { Catalog } from '../db/catalog.ts'
import { loadAllPages, type PageRequest } from '../db/read/page.ts'
import {
  countReviews,
  listReviews,
  type ReviewFilter,
  type ReviewSummary,
} from '../db/read/reviews.ts'
import { loadRunSummary } from '../db/read/run-summaries.ts'
import { decideReview } from '../db/write/decisions.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { createLimitOption, parseId, parseIds } from './arguments/numbers.ts'
import type { Output } from './terminal/output.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'
import { printList } from './terminal/list.ts'
import { confirm } from './terminal/prompt.ts'
import { formatBy } from './runs/decisions.ts'
import { formatDiff } from './runs/diff.ts'
import { describeUser } from './user.ts'
import { formatTitle } from './format/changes.ts'
import { formatPrice, formatQuantity, formatRelative } from './format/format.ts'

const REVIEW_HEADINGS = ['review', 'source', 'run', 'subject', 'from', 'to', 'reason', 'opened']
const DONE = { approve: 'approved', reject: 'rejected' } as const
const EFFECT = {
  approve: 'Approving makes the prices in the column `to` current.',
  reject: 'Rejecting discards the prices in the column `to`, and keeps those before.',
} as const
const REFUSALS = new Set<string>(['review/unknown', 'run/not-held', 'usage/invalid'])

type Verb = 'approve' | 'reject'

interface DecideFlags {
  readonly run?: number
  readonly all?: boolean
  readonly yes?: boolean
  readonly by: string
}

export function defineReviews(reviews: Command, cli: Cli): void {
  reviews.addHelpText(
    'after',
    formatExamples(
      'shelfsync reviews',
      'shelfsync reviews approve 3 4 5',
      'shelfsync reviews reject --run 7',
    ),
  )
  addList(reviews, cli)
  addDecision(reviews, cli, 'approve', 'make held prices current')
  addDecision(reviews, cli, 'reject', 'discard held prices and keep the last good ones')
}

function addList(reviews: Command, cli: Cli): void {
  reviews
    .command('list', { isDefault: true })
    .description('list open reviews, the oldest first')
    .option('--source <name>', 'only reviews of this source')
    .addOption(new Option('--run <id>', 'only reviews of this run').argParser(parseId))
    .addOption(createLimitOption(100))
    .addOption(createAfterOption('reviews'))
    .addHelpText('after', formatExamples('shelfsync reviews', 'shelfsync reviews --run 7 --json'))
    .action((filter: ReviewFilter & PageRequest) => printReviews(cli, filter))
}

async function printReviews(cli: Cli, filter: ReviewFilter & PageRequest): Promise<void> {
  await using tools = await cli.openSync()
  if (filter.source !== undefined) await loadSource(tools.db, filter.source)
  if (filter.run !== undefined) await loadRunSummary(tools.db, filter.run)
  const page = await listReviews(tools.db, filter)
  const now = new Date()
  await printPage(cli.output, page, {
    headings: REVIEW_HEADINGS,
    rows: page.items.map((review) => toRow(cli.output, review, now)),
    empty: 'No open reviews.',
    command: formatRepeat(['reviews'], {
      source: filter.source,
      run: filter.run,
      limit: filter.limit,
    }),
    count: () => countReviews(tools.db, filter),
  })
  for (const line of listDecisionCommands(page.items)) cli.output.say(line)
}

function addDecision(reviews: Command, cli: Cli, verb: Verb, description: string): void {
  reviews
    .command(verb)
    .argument('[ids...]', 'the numbers of the reviews', parseIds)
    .description(description)
    .addOption(new Option('--run <id>', 'all held prices of this run').argParser(parseId))
    .option('--all', 'all held prices')
    .option('--yes', 'do not ask about --run and --all; required without a terminal')
    .addOption(new Option('--by <person>', 'the person who decides').default(describeUser()))
    .addHelpText(
      'after',
      formatExamples(
        `shelfsync reviews ${verb} 3 4 5`,
        `shelfsync reviews ${verb} --run 7`,
        `shelfsync reviews ${verb} --all --yes`,
      ),
    )
    .action((ids: number[] = [], flags: DecideFlags) => decide(cli, verb, ids, flags))
}

async function decide(
  cli: Cli,
  verb: Verb,
  ids: readonly number[],
  flags: DecideFlags,
): Promise<void> {
  const { run, all = false, by } = flags
  if ([ids.length > 0, run !== undefined, all].filter(Boolean).length !== 1)
    throw new SyncError('usage/invalid', 'Name the reviews, or give either --run or --all')
  await using tools = await cli.openSync()
  const chosen =
    ids.length > 0 ? [...new Set(ids)] : await chooseHeldPrices(cli, tools, verb, flags)
  if (chosen === null) return
  const decided: number[] = []
  const refused: SyncError[] = []
  try {
    for (const id of chosen) {
      const error = await tryToDecide(tools.db, id, verb === 'approve', by)
      if (error === null) decided.push(id)
      else refused.push(error)
    }
  } finally {
    const done = DONE[verb]
    if (decided.length > 0 || chosen.length === 0)
      cli.output.result({ [done]: decided }, `${formatQuantity(decided.length, 'review')} ${done}.`)
  }
  const [first] = refused
  if (first) throw new SyncError(first.code, refused.map(({ message }) => message).join('; '))
  if (run !== undefined && chosen.length === 0)
    cli.output.say(
      `Run ${run} has no held price. If the run itself is held: shelfsync runs ${verb} ${run}`,
    )
}

/** Returns the error of a review that cannot be decided; the others do not depend on it. */
async function tryToDecide(
  db: Catalog,
  id: number,
  approve: boolean,
  by: string,
): Promise<SyncError | null> {
  try {
    await decideReview(db, id, approve, by)
    return null
  } catch (error) {
    if (error instanceof SyncError && REFUSALS.has(error.code)) return error
    throw error
  }
}

/**
 * Prints the held prices of `--run` or `--all`, and asks. Returns their reviews: a price that is held
 * later is not among them. Returns null when the person does not agree.
 *
 * @throws SyncError `run/unknown` · `usage/invalid` without a terminal
 */
async function chooseHeldPrices(
  cli: Cli,
  { db }: SyncTools,
  verb: Verb,
  { run, yes = false, by }: DecideFlags,
): Promise<number[] | null> {
  if (run !== undefined) await loadRunSummary(db, run)
  const reviews = await loadAllPages((page) => listReviews(db, { run, kind: 'price', ...page }))
  const ids = reviews.map(({ id }) => id)
  if (reviews.length === 0) return ids
  const sources = new Set(reviews.map(({ source }) => source)).size
  const prices = formatQuantity(reviews.length, 'held price')
  const now = new Date()
  if (!cli.output.json)
    printList(cli.output, reviews, {
      headings: REVIEW_HEADINGS,
      rows: reviews.map((review) => toRow(cli.output, review, now)),
      empty: '',
    })
  cli.output.say(`${prices} of ${formatQuantity(sources, 'source')}. ${EFFECT[verb]}`)
  const scope = run === undefined ? '--all' : `--run ${run}`
  const command = `shelfsync reviews ${verb} ${scope} --yes${formatBy(by)}`
  const question = `${verb === 'approve' ? 'Approve' : 'Reject'} ${prices}?`
  if (yes || (await confirm(cli, question, { done: DONE[verb], command }))) return ids
  cli.output.say(`Nothing was ${DONE[verb]}: all of them stay held.`)
  cli.end(EXIT.held)
  return null
}

/** Returns the commands that decide the listed reviews. */
export function listDecisionCommands(open: readonly Pick<ReviewSummary, 'kind'>[]): string[] {
  const has = (kind: ReviewSummary['kind']) => open.some((review) => review.kind === kind)
  return [
    ...(has('price')
      ? ['Decide a price: shelfsync reviews approve REVIEW… · shelfsync reviews reject REVIEW…']
      : []),
    ...(has('run')
      ? [
          'Decide a run: shelfsync runs diff RUN · shelfsync runs approve RUN · shelfsync runs reject RUN',
        ]
      : []),
  ]
}

function toRow(output: Output, review: ReviewSummary, now: Date): string[] {
  const { id, source, run, reason, openedAt } = review
  const subject = describeSubject(output, review)
  return [String(id), source, String(run), ...subject, reason, formatRelative(openedAt, now)]
}

function describeSubject(
  output: Output,
  { kind, product, title, variant, priceType, detail, diff }: ReviewSummary,
): [subject: string, from: string, to: string] {
  if (kind === 'run') return [`the whole run${diff ? `: ${formatDiff(diff)}` : ''}`, '', '']
  const { from = null, to = null, currency = null } = detail
  const name = `${product}${variant !== product ? ` ${variant}` : ''} ${priceType} (${formatTitle(output, title)})`
  return [
    name,
    formatPrice({ amountMinor: from, currency }),
    formatPrice({ amountMinor: to, currency }),
  ]
}
