// `shelfsync rules`: lists, adds, tries, switches and removes the rules on the change feed.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { SyncError } from '../../core/errors.ts'
import { minorOf } from '../../core/money.ts'
import {
  describeEvent,
  describeRule,
  hasLeastDifference,
  RULE_EVENTS,
  type RuleDraft,
} from '../../core/rule.ts'
import { listRules, loadRule, tryRule } from '../../db/read/webhooks.ts'
import { addRule, removeRule, switchRule } from '../../db/write/webhooks.ts'
import { parseChoice } from '../arguments/choice.ts'
import { parseFeedName } from '../arguments/feed.ts'
import { createLimitOption, parseCount } from '../arguments/numbers.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatInstant } from '../../format/format.ts'
import { formatCount, formatQuantity, formatRelative } from '../../lib/words.ts'
import { formatTitle } from '../format/changes.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { printList } from '../terminal/list.ts'
import { describeUser } from '../user.ts'

interface AddFlags {
  readonly to: string
  readonly percent?: number
  readonly amount?: { readonly decimal: string; readonly currency: string }
  readonly source?: string
  readonly product?: string
  readonly text?: string
  readonly firstLoad?: boolean
}

interface TryFlags {
  readonly days: number
  readonly limit: number
}

export function defineRules(rules: Command, cli: Cli): void {
  rules.addHelpText(
    'after',
    formatExamples(
      'shelfsync rules',
      'shelfsync rules add cheaper price-down --percent 10 --to orders',
      'shelfsync rules try cheaper',
      'shelfsync rules on cheaper',
    ),
  )
  rules
    .command('list', { isDefault: true })
    .description('list the rules')
    .addHelpText('after', formatExamples('shelfsync rules', 'shelfsync rules list --json'))
    .action(() => printRules(cli))
  addAdd(rules, cli)
  rules
    .command('try')
    .argument('<name>', 'the rule')
    .description('list the changes of the last days that would have fired it')
    .addOption(new Option('--days <n>', 'the number of days').argParser(parseCount).default(30))
    .addOption(createLimitOption(20))
    .addHelpText('after', formatExamples('shelfsync rules try cheaper'))
    .action((name: string, flags: TryFlags) => printTrial(cli, name, flags))
  addSwitches(rules, cli)
}

function addAdd(rules: Command, cli: Cli): void {
  rules
    .command('add')
    .argument('<name>', 'a short name, such as cheaper', parseFeedName)
    .argument('<event>', RULE_EVENTS.join(', '), (text: string) => parseChoice(text, RULE_EVENTS))
    .description('add a rule; it is off until it is switched on')
    .requiredOption('--to <webhook>', 'the webhook that gets its messages')
    .addOption(
      new Option(
        '--percent <n>',
        'price-down and price-up: the least difference in percent',
      ).argParser(parseLeastPercent),
    )
    .addOption(
      new Option(
        '--amount <money>',
        'price-down and price-up: the least difference, such as "EUR 5.00"',
      ).argParser(parseAmount),
    )
    .option('--source <name>', 'only this source')
    .option('--product <id>', "only the product with this supplier's id")
    .option('--text <words>', 'only products with these words in the title or the brand')
    .option('--first-load', 'new: a first load fires it too, once for all its products')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync rules add cheaper price-down --percent 10 --to orders',
        'shelfsync rules add back back-in-stock --text espresso --to team',
      ),
    )
    .action((name: string, event: RuleDraft['event'], flags: AddFlags) =>
      add(cli, toDraft(name, event, flags)),
    )
}

function addSwitches(rules: Command, cli: Cli): void {
  for (const [verb, on] of [
    ['on', true],
    ['off', false],
  ] as const)
    rules
      .command(verb)
      .argument('<name>', 'the rule')
      .description(on ? 'switch a rule on: it fires for changes from now on' : 'switch a rule off')
      .addHelpText('after', formatExamples(`shelfsync rules ${verb} cheaper`))
      .action((name: string) => setState(cli, name, on))
  rules
    .command('remove')
    .argument('<name>', 'the rule')
    .description('remove a rule')
    .addHelpText('after', formatExamples('shelfsync rules remove cheaper'))
    .action((name: string) => remove(cli, name))
}

async function printRules(cli: Cli): Promise<void> {
  await using tools = await cli.open()
  const rules = await listRules(tools.db)
  const now = new Date()
  printList(cli.output, rules, {
    headings: ['name', 'state', 'rule', 'to', 'fired', 'last'],
    rows: rules.map((rule) => [
      rule.name,
      rule.state,
      cli.output.inLine(describeRule(rule)),
      rule.webhook,
      formatCount(rule.fired),
      rule.firedAt === null ? 'never' : formatRelative(rule.firedAt, now),
    ]),
    empty: 'No rules. Add one with `shelfsync rules add NAME EVENT --to WEBHOOK`.',
  })
}

async function add(cli: Cli, rule: RuleDraft): Promise<void> {
  await using tools = await cli.open()
  await addRule(tools.db, rule, describeUser())
  await recordOwnAction(tools.db, { action: 'rule.add', subject: rule.name })
  const { times } = await tryRule(tools.db, rule.name, { days: 30, limit: 1 })
  cli.output.result(
    { ...rule, state: 'off', timesInLast30Days: times },
    [
      `${rule.name} is added: ${describeRule(rule)}`,
      `It is off. In the last 30 days it would have fired ${formatQuantity(times, 'time')}.`,
      `See them: shelfsync rules try ${rule.name} · switch it on: shelfsync rules on ${rule.name}`,
    ].join('\n'),
  )
}

async function printTrial(cli: Cli, name: string, request: TryFlags): Promise<void> {
  await using tools = await cli.open()
  const rule = await loadRule(tools.db, name)
  const trial = await tryRule(tools.db, name, request)
  printList(cli.output, trial, {
    headings: ['time', 'source', 'product', 'title', 'why'],
    rows: trial.firings.map(({ change, event }) => [
      formatInstant(new Date(change.at)),
      change.source,
      change.product ?? 'all products',
      formatTitle(cli.output, change.title),
      describeEvent(rule.event, event),
    ]),
    empty: `It would not have fired in the last ${request.days} days.`,
  })
  if (trial.times > 0 && !cli.output.json)
    cli.output.say(
      `Would have fired ${formatQuantity(trial.times, 'time')} in the last ${request.days} days. Switch it on: shelfsync rules on ${name}`,
    )
}

async function setState(cli: Cli, name: string, on: boolean): Promise<void> {
  await using tools = await cli.open()
  await switchRule(tools.db, name, on)
  const state = on ? 'on' : 'off'
  await recordOwnAction(tools.db, { action: `rule.${state}`, subject: name })
  cli.output.result({ rule: name, state }, `${name} is ${state}`)
}

async function remove(cli: Cli, name: string): Promise<void> {
  await using tools = await cli.open()
  await removeRule(tools.db, name)
  await recordOwnAction(tools.db, { action: 'rule.remove', subject: name })
  cli.output.result({ rule: name, removed: true }, `${name} is removed`)
}

/** @throws SyncError `usage/invalid` */
function toDraft(name: string, event: RuleDraft['event'], flags: AddFlags): RuleDraft {
  if (!hasLeastDifference(event) && (flags.percent !== undefined || flags.amount !== undefined))
    throw new SyncError('usage/invalid', '--percent and --amount belong to price-down and price-up')
  if (event !== 'new' && flags.firstLoad === true)
    throw new SyncError('usage/invalid', '--first-load belongs to the event new')
  const { amount } = flags
  return {
    name,
    event,
    percent: flags.percent ?? null,
    amountMinor: amount === undefined ? null : minorOf(amount.decimal, amount.currency),
    currency: amount?.currency ?? null,
    source: flags.source ?? null,
    product: flags.product ?? null,
    words: flags.text ?? null,
    firstLoad: flags.firstLoad === true,
    webhook: flags.to,
  }
}

/** Narrower than `parsePercent` of the other commands: a rule states a difference, and zero is none. */
function parseLeastPercent(text: string): number {
  const percent = Number(text)
  if (!/^\d{1,4}(\.\d{1,2})?$/.test(text) || percent <= 0)
    throw new InvalidArgumentError('It must be a number above 0, such as 10.')
  return percent
}

function parseAmount(text: string): { decimal: string; currency: string } {
  const [, currency = '', decimal = ''] = /^([A-Z]{3}) (\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (!((minorOf(decimal, currency) ?? 0) > 0))
    throw new InvalidArgumentError('It must be a currency and an amount, such as "EUR 5.00".')
  return { decimal, currency }
}
