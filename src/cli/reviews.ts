// `shelfsync reviews`: what is held until a person decides. Whole runs stand in the list too;
// several at once are prices only.

import { type Command, Option } from 'commander'
import { SyncError } from '../core/errors.ts'
import { formatMoney } from '../core/money.ts'
import { loadRun } from '../db/read/listings.ts'
import { decideReview, listReviews, type Review } from '../db/reviews.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { createLimitOption, parseId, parseIds } from './ids.ts'
import type { Output } from './output.ts'
import { describeUser } from './user.ts'
import { formatQuantity, formatRelative } from './format.ts'

interface DecideFlags {
  readonly run?: number
  readonly all?: boolean
  readonly by: string
}

export function addReviews(program: Command, cli: Cli): void {
  const reviews = program
    .command('reviews')
    .description('list, approve or reject what is held for a person')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync reviews',
        'shelfsync reviews approve 3 4 5',
        'shelfsync reviews reject --run 7',
      ),
    )
  reviews
    .command('list', { isDefault: true })
    .description('list what waits for a decision, the oldest first')
    .option('--source <name>', 'of this source only')
    .addOption(new Option('--run <id>', 'of this run only').argParser(parseId))
    .addOption(createLimitOption(100))
    .addHelpText('after', formatExamples('shelfsync reviews', 'shelfsync reviews --run 7 --json'))
    .action(async (filter: { source?: string; run?: number; limit: number }) => {
      await using tools = await cli.open()
      if (filter.source !== undefined) await loadSource(tools.db, filter.source)
      if (filter.run !== undefined) await loadRun(tools.db, filter.run)
      const open = await listReviews(tools.db, filter)
      const now = new Date()
      const rows = open.map((review) => [
        String(review.id),
        review.source,
        String(review.run),
        ...subjectOf(cli.output, review),
        review.reason,
        formatRelative(review.openedAt, now),
      ])
      cli.output.list(
        open,
        ['review', 'source', 'run', 'what', 'from', 'to', 'reason', 'opened'],
        rows,
        'Nothing waits for a decision.',
      )
      for (const line of decisionsOn(open)) cli.output.say(line)
    })

  for (const [verb, what] of [
    ['approve', 'make held prices current'],
    ['reject', 'drop held prices: the last good ones stay'],
  ] as const) {
    reviews
      .command(verb)
      .argument('[ids...]', 'reviews', parseIds)
      .description(what)
      .addOption(new Option('--run <id>', 'all held prices of this run').argParser(parseId))
      .option('--all', 'all held prices')
      .addOption(new Option('--by <person>', 'who decides').default(describeUser()))
      .addHelpText(
        'after',
        formatExamples(
          `shelfsync reviews ${verb} 3 4 5`,
          `shelfsync reviews ${verb} --run 7`,
          `shelfsync reviews ${verb} --all`,
        ),
      )
      .action(async (ids: number[] | undefined, { run, all = false, by }: DecideFlags) => {
        if ([(ids ?? []).length > 0, run !== undefined, all].filter(Boolean).length !== 1) {
          throw new SyncError('usage/invalid', 'Name the reviews, or give either --run or --all')
        }
        await using tools = await cli.open()
        if (run !== undefined) await loadRun(tools.db, run)
        const chosen = ids?.length
          ? ids
          : (await listReviews(tools.db, { run, kind: 'price' })).map(({ id }) => id)
        for (const id of chosen) await decideReview(tools.db, id, verb === 'approve', by)
        const done = verb === 'approve' ? 'approved' : 'rejected'
        cli.output.result({ [done]: chosen }, `${formatQuantity(chosen.length, 'review')} ${done}.`)
        if (run !== undefined && chosen.length === 0)
          cli.output.say(
            `Run ${run} holds no price. If the run itself is held: shelfsync runs ${verb} ${run}`,
          )
      })
  }
}

/** The commands that decide what is in the list. */
export function decisionsOn(open: readonly Pick<Review, 'kind'>[]): string[] {
  const has = (kind: Review['kind']) => open.some((review) => review.kind === kind)
  return [
    ...(has('price')
      ? ['Decide a price: shelfsync reviews approve REVIEW… · shelfsync reviews reject REVIEW…']
      : []),
    ...(has('run') ? ['Decide a run: shelfsync runs approve RUN · shelfsync runs reject RUN'] : []),
  ]
}

function subjectOf(
  output: Output,
  { kind, product, title, variant, priceType, detail }: Review,
): [what: string, from: string, to: string] {
  if (kind === 'run') return ['the whole run', '', '']
  const { from = null, to = null, currency = 'XXX' } = detail
  const name = `${product}${variant !== product ? ` ${variant}` : ''} ${priceType} (${output.short(title ?? 'untitled', 40)})`
  return [
    name,
    from === null ? '-' : formatMoney(from, currency),
    to === null ? '-' : formatMoney(to, currency),
  ]
}
