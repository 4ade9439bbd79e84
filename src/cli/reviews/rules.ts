// `shelfsync reviews rules`: lists, adds and removes the rules that decide about reviews.

import { type Command, Option } from 'commander'
import { SyncError } from '../../core/errors.ts'
import {
  addReviewRule,
  listReviewRules,
  parseReviewRule,
  removeReviewRule,
  type ReviewRule,
} from '../../db/review-rules.ts'
import { loadSource } from '../../db/sources.ts'
import { describeRule } from '../../format/review-rules.ts'
import { formatCount, formatRelative } from '../../lib/words.ts'
import { parseId, parsePercent } from '../arguments/numbers.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { createByOption, createReasonOption } from '../runs/decisions.ts'
import { printList } from '../terminal/list.ts'

const DECISIONS = { always: 'approve', never: 'reject' } as const

interface Conditions {
  readonly changeMax?: number
  readonly direction?: string
  readonly zero?: true
  readonly field?: string
  readonly fault?: string
}

interface AddFlags extends Conditions {
  readonly source: string
  readonly by: string
  readonly reason?: string
}

export function addRules(reviews: Command, cli: Cli): void {
  const rules = reviews
    .command('rules')
    .description('list, add or remove rules that decide about reviews when they are opened')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync reviews rules',
        'shelfsync reviews rules add never price --source my-shop --zero',
        'shelfsync reviews rules remove 3',
      ),
    )
  rules
    .command('list', { isDefault: true })
    .description('list the rules in force')
    .option('--source <name>', 'only rules of this source')
    .addHelpText('after', formatExamples('shelfsync reviews rules'))
    .action(({ source }: { source?: string }) => printRules(cli, source ?? null))
  addAdd(rules, cli)
  rules
    .command('remove')
    .argument('<rule>', 'the number of the rule', parseId)
    .description('remove a rule; its decisions stay')
    .addOption(createReasonOption())
    .addOption(createByOption())
    .addHelpText('after', formatExamples('shelfsync reviews rules remove 3'))
    .action((rule: number, flags: { by: string; reason?: string }) => remove(cli, rule, flags))
}

function addAdd(rules: Command, cli: Cli): void {
  rules
    .command('add')
    .argument('<decision>', 'always or never')
    .argument('<kind>', 'price, disagreement, proposal or record')
    .description('add a rule to a source; reviews that are open already wait for a person')
    .requiredOption('--source <name>', 'the source')
    .addOption(
      new Option('--change-max <percent>', 'price: a change of at most this').argParser(
        parsePercent,
      ),
    )
    .addOption(new Option('--direction <direction>', 'price').choices(['rise', 'fall']))
    .option('--zero', 'price: a price of zero')
    .option('--field <path>', 'proposal: the field, such as attributes.process')
    .option('--fault <code>', 'record: its fault, such as record/invalid')
    .addOption(createReasonOption())
    .addOption(createByOption())
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync reviews rules add always price --source my-shop --change-max 60',
        'shelfsync reviews rules add never price --source my-shop --zero',
        'shelfsync reviews rules add always proposal --source my-shop --field attributes.process',
      ),
    )
    .action((decision: string, kind: string, flags: AddFlags) =>
      add(cli, readRule(decision, kind, flags), flags),
    )
}

/** @throws SyncError `usage/invalid` */
function readRule(decision: string, kind: string, conditions: Conditions): ReviewRule {
  const { changeMax, direction, zero, field, fault } = conditions
  if (decision !== 'always' && decision !== 'never')
    throw new SyncError('usage/invalid', `The decision is always or never, not "${decision}"`)
  return parseReviewRule({
    kind,
    decision: DECISIONS[decision],
    changeMax,
    direction,
    zero,
    field,
    fault,
  })
}

async function printRules(cli: Cli, source: string | null): Promise<void> {
  await using tools = await cli.openSync()
  if (source !== null) await loadSource(tools.db, source)
  const rules = await listReviewRules(tools.db, source)
  const now = new Date()
  printList(cli.output, rules, {
    headings: ['rule', 'source', 'decision', 'decided', 'last', 'open', 'added by'],
    rows: rules.map(({ id, rule, decided, decidedAt, waiting, createdBy, ...one }) => [
      String(id),
      one.source,
      describeRule(rule),
      formatCount(decided),
      decidedAt === null ? 'never' : formatRelative(decidedAt, now),
      formatCount(waiting),
      createdBy,
    ]),
    empty: 'No rules: every review waits for a person.',
  })
}

async function add(cli: Cli, rule: ReviewRule, { source, by, reason }: AddFlags): Promise<void> {
  await using tools = await cli.openSync()
  const id = await addReviewRule(tools.db, source, rule, { by, reason })
  cli.output.result(
    { rule: id, source },
    `Rule ${id} of ${source}: ${cli.output.inLine(describeRule(rule))}.`,
  )
}

async function remove(
  cli: Cli,
  rule: number,
  change: { readonly by: string; readonly reason?: string },
): Promise<void> {
  await using tools = await cli.openSync()
  await removeReviewRule(tools.db, rule, change)
  cli.output.result({ rule, removed: true }, `Rule ${rule} is removed. Its decisions stay.`)
}
