// `shelfsync reviews`: lists what waits for a person, and shows one review with everything that a
// decision needs.

import { type Command, Option } from 'commander'
import { loadRunSummary } from '../../db/read/run-summaries.ts'
import { countQueue, listQueue, type QueueFilter } from '../../db/read/review-queue.ts'
import { loadReview, REVIEW_KINDS, type ReviewSummary } from '../../db/read/reviews.ts'
import type { PageRequest } from '../../db/read/page.ts'
import { loadSource } from '../../db/sources.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { createLimitOption, parseId, parsePercent } from '../arguments/numbers.ts'
import { createSinceOption, parseDuration, toDurationArgument } from '../arguments/time.ts'
import { createAfterOption, formatRepeat, printPage } from '../terminal/paging.ts'
import { addDecisions } from './decisions.ts'
import { addEdit } from './edit.ts'
import { formatReview, REVIEW_HEADINGS, toReviewCells } from './format.ts'
import { addRules } from './rules.ts'

type ListFlags = Omit<QueueFilter, 'openedSince' | 'openedBefore'> &
  PageRequest & {
    readonly since?: Date
    /** Milliseconds. */
    readonly waitingFor?: number
  }

const WAITING_DAYS_MAX = 3650

export function defineReviews(reviews: Command, cli: Cli): void {
  reviews.addHelpText(
    'after',
    formatExamples(
      'shelfsync reviews',
      'shelfsync reviews show 3',
      'shelfsync reviews approve 3 4 5',
      'shelfsync reviews reject --run 7',
      'shelfsync reviews edit 3 12.50',
      'shelfsync reviews rules',
    ),
  )
  addList(reviews, cli)
  addShow(reviews, cli)
  addDecisions(reviews, cli)
  addEdit(reviews, cli)
  addRules(reviews, cli)
}

function addList(reviews: Command, cli: Cli): void {
  reviews
    .command('list', { isDefault: true })
    .description('list open reviews, the oldest first')
    .option('--source <name>', 'only reviews of this source')
    .addOption(new Option('--run <id>', 'only reviews of this run').argParser(parseId))
    .addOption(new Option('--kind <kind>', 'only reviews of this kind').choices(REVIEW_KINDS))
    .option('--text <words>', "only products with this text in the supplier's id or the title")
    .addOption(
      new Option('--direction <direction>', 'only prices that rise or fall').choices([
        'rise',
        'fall',
      ]),
    )
    .addOption(
      new Option('--change-min <percent>', 'only prices that change by this or more').argParser(
        parsePercent,
      ),
    )
    .addOption(
      new Option('--change-max <percent>', 'only prices that change by this or less').argParser(
        parsePercent,
      ),
    )
    .addOption(
      new Option(
        '--waiting-for <time>',
        'only reviews that wait for this time or longer, such as 30m, 8h or 2d',
      ).argParser((text) => parseDuration(text, WAITING_DAYS_MAX)),
    )
    .addOption(createSinceOption('only reviews that were opened since this time'))
    .addOption(createLimitOption(100))
    .addOption(createAfterOption('reviews'))
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync reviews',
        'shelfsync reviews --run 7 --json',
        'shelfsync reviews --kind price --direction rise --change-max 1500',
        'shelfsync reviews --waiting-for 2d',
      ),
    )
    .action((flags: ListFlags) => printReviews(cli, flags))
}

async function printReviews(
  cli: Cli,
  { limit, after, since, waitingFor, ...given }: ListFlags,
): Promise<void> {
  const now = new Date()
  const filter: QueueFilter = {
    ...given,
    openedSince: since,
    openedBefore: waitingFor === undefined ? undefined : new Date(now.getTime() - waitingFor),
  }
  await using tools = await cli.openSync()
  if (filter.source !== undefined) await loadSource(tools.db, filter.source)
  if (filter.run !== undefined) await loadRunSummary(tools.db, filter.run)
  const queue = await listQueue(tools.db, filter, { limit, after })
  const page = { ...queue, items: queue.items.map(({ evidence: _, ...review }) => review) }
  await printPage(cli.output, page, {
    headings: REVIEW_HEADINGS,
    rows: page.items.map((review) => toReviewCells(cli.output, review, now)),
    empty: 'No open reviews.',
    command: formatRepeat(['reviews'], {
      source: filter.source,
      run: filter.run,
      kind: filter.kind,
      text: filter.text,
      direction: filter.direction,
      'change-min': filter.changeMin,
      'change-max': filter.changeMax,
      'waiting-for': waitingFor === undefined ? undefined : toDurationArgument(waitingFor),
      since: since?.toISOString(),
      limit,
    }),
    count: async () =>
      (await countQueue(tools.db, filter)).reduce((sum, { reviews }) => sum + reviews, 0),
  })
  for (const line of listDecisionCommands(page.items)) cli.output.say(line)
}

function addShow(reviews: Command, cli: Cli): void {
  reviews
    .command('show')
    .argument('<id>', 'the number of the review', parseId)
    .description('show one review: the reason, what was stated, and how to decide')
    .addHelpText('after', formatExamples('shelfsync reviews show 3'))
    .action((id: number) => showReview(cli, id))
}

async function showReview(cli: Cli, id: number): Promise<void> {
  await using tools = await cli.openSync()
  const review = await loadReview(tools.db, id)
  cli.output.result(review, formatReview(cli.output, review, new Date()))
}

const DECISIONS: Readonly<Record<ReviewSummary['kind'], string>> = {
  price: 'Decide a price: shelfsync reviews approve REVIEW… · shelfsync reviews reject REVIEW…',
  disagreement:
    'Decide a disagreement: shelfsync reviews show REVIEW · shelfsync reviews approve REVIEW --claim N · shelfsync reviews reject REVIEW',
  proposal:
    'Decide a proposal: shelfsync reviews show REVIEW · shelfsync reviews approve REVIEW… · shelfsync reviews reject REVIEW…',
  record:
    'Decide a record: shelfsync reviews show REVIEW · shelfsync reviews approve REVIEW… (try it again) · shelfsync reviews reject REVIEW… (ignore it)',
  run: 'Decide a run: shelfsync runs diff RUN · shelfsync runs approve RUN · shelfsync runs reject RUN',
}

/** Returns the commands that decide the listed reviews, one line for each kind. */
export function listDecisionCommands(open: readonly Pick<ReviewSummary, 'kind'>[]): string[] {
  return Object.entries(DECISIONS)
    .filter(([kind]) => open.some((review) => review.kind === kind))
    .map(([, commands]) => commands)
}
