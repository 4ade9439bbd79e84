// `shelfsync reviews approve` and `reject`: a person's decisions. Several reviews can be decided at
// once if they are named, or if they are held prices.

import { type Command, Option } from 'commander'
import type { SyncTools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import { loadAllPages } from '../../db/read/page.ts'
import { listReviews } from '../../db/read/reviews.ts'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import { decideReviews } from '../../db/write/decisions.ts'
import { type Cli, EXIT, formatExamples } from '../cli.ts'
import { parseId, parseIds } from '../arguments/numbers.ts'
import { printList } from '../terminal/list.ts'
import { confirm } from '../terminal/prompt.ts'
import { createByOption, formatBy } from '../runs/decisions.ts'
import { formatQuantity } from '../../lib/words.ts'
import { REVIEW_HEADINGS, toReviewCells } from './format.ts'

const DONE = { approve: 'approved', reject: 'rejected' } as const
const EFFECT = {
  approve: 'Approving makes the prices in the column `to` current.',
  reject: 'Rejecting discards the prices in the column `to`, and keeps those before.',
} as const

type Verb = 'approve' | 'reject'

interface DecideFlags {
  readonly run?: number
  readonly all?: boolean
  readonly yes?: boolean
  readonly claim?: number
  readonly by: string
}

export function addDecisions(reviews: Command, cli: Cli): void {
  addDecision(reviews, cli, 'approve', 'make held prices current, or accept what was proposed')
    .addOption(
      new Option(
        '--claim <n>',
        'of a disagreement: the claim that is right (default: 1)',
      ).argParser(parseId),
    )
    .addHelpText(
      'after',
      formatDecisionExamples('approve', 'shelfsync reviews approve 3 --claim 2'),
    )
  addDecision(
    reviews,
    cli,
    'reject',
    'keep the last good prices, and discard what was proposed',
  ).addHelpText('after', formatDecisionExamples('reject'))
}

function addDecision(reviews: Command, cli: Cli, verb: Verb, description: string): Command {
  return reviews
    .command(verb)
    .argument('[ids...]', 'the numbers of the reviews', parseIds)
    .description(description)
    .addOption(new Option('--run <id>', 'all held prices of this run').argParser(parseId))
    .option('--all', 'all held prices')
    .option('--yes', 'do not ask about --run and --all; required without a terminal')
    .addOption(createByOption())
    .action((ids: number[] = [], flags: DecideFlags) => decide(cli, verb, ids, flags))
}

function formatDecisionExamples(verb: Verb, ...more: readonly string[]): string {
  return formatExamples(
    `shelfsync reviews ${verb} 3 4 5`,
    ...more,
    `shelfsync reviews ${verb} --run 7`,
    `shelfsync reviews ${verb} --all --yes`,
  )
}

async function decide(
  cli: Cli,
  verb: Verb,
  ids: readonly number[],
  flags: DecideFlags,
): Promise<void> {
  const { run, all = false, by, claim } = flags
  if ([ids.length > 0, run !== undefined, all].filter(Boolean).length !== 1)
    throw new SyncError('usage/invalid', 'Name the reviews, or give either --run or --all')
  if (claim !== undefined && ids.length !== 1)
    throw new SyncError(
      'usage/invalid',
      'Name one review with --claim: its number is of that review',
    )
  await using tools = await cli.openSync()
  const chosen =
    ids.length > 0 ? [...new Set(ids)] : await chooseHeldPrices(cli, tools, verb, flags)
  if (chosen === null) return
  const decided: number[] = []
  let refused: readonly SyncError[] = []
  try {
    const decision = { approve: verb === 'approve', by, claim }
    const results = await decideReviews(tools.db, chosen, decision, {
      onDecided: (id) => decided.push(id),
    })
    refused = results.refused
  } finally {
    // Also after an error: those before it stay decided.
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
      rows: reviews.map((review) => toReviewCells(cli.output, review, now)),
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
