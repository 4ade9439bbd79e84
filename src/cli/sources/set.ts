// `shelfsync sources set`: changes the schedule, the limits or the settings of a source.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { checkValue, formatProblems } from '../../core/check-value.ts'
import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { Policy } from '../../core/policy.ts'
import { loadSource, saveSource, type Source } from '../../db/sources.ts'
import { markHot } from '../../db/write/refreshes.ts'
import { loadConnector } from '../../sources/bound-source.ts'
import { probeAddress, readShopSettings } from '../../sources/inspect-address.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { listTwins } from '../add/create-source.ts'
import type { Tools } from '../../app/compose.ts'
import { formatSchedule, formatSetting } from '../../format/source.ts'
import { formatPolicy, toSourceJson } from './format.ts'
import { parseAddress } from '../add/shop-address.ts'
import { splitSettings } from '../add/source-options.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { parseSourceSettings, readSetting } from '../add/source-settings.ts'
import { changesSchedule, toSchedule, type ScheduleChanges } from '../../sources/change-schedule.ts'
import { addScheduleOptions } from './schedule-options.ts'

interface SetFlags extends ScheduleChanges {
  readonly policy?: Partial<Policy>
  readonly set: Readonly<Record<string, Json>>
  readonly url?: string
  readonly hot?: readonly string[]
  readonly notHot?: readonly string[]
}

interface Context {
  readonly cli: Cli
  readonly tools: Tools
  readonly signal: AbortSignal
}

export function addSet(sources: Command, cli: Cli): void {
  const set = sources
    .command('set')
    .argument('<name>', 'the source')
    .description(
      'change the schedule, the limits or the settings of a source; everything else stays',
    )
  addScheduleOptions(set)
  set
    .addOption(
      new Option(
        '--policy <limits>',
        `limits as name=value,…: ${Object.keys(Policy.shape).join(', ')}`,
      ).argParser(parsePolicy),
    )
    .addOption(
      new Option(
        '--set <name=value>',
        'a setting of the connector, or pack, unitPrice, filters or tags; may be repeated',
      )
        .argParser(readSetting)
        .default({}, 'none'),
    )
    .addOption(
      new Option(
        '--hot <ids>',
        'with due: refresh these products each hour, by their ids, separated by commas',
      ).argParser(parseIdList),
    )
    .addOption(
      new Option(
        '--not-hot <ids>',
        'refresh these products as often as the others again',
      ).argParser(parseIdList),
    )
    .option(
      '--url <url>',
      'the new address of a shop or of an API that has moved; the connector checks it first',
    )
    .addHelpText(
      'after',
      formatExamples(
        "shelfsync sources set my-shop --schedule '17 3 * * *' --zone Australia/Sydney --full-on sunday",
        'shelfsync sources set my-shop --full-on every',
        "shelfsync sources set my-shop --refresh '0 */2 * * *' --refresh-products changing",
        'shelfsync sources set amazon-us --refresh-age 18h --hot B08DQQ8CBP,B09XYZ1234',
        'shelfsync sources set my-shop --policy removalShare=0.2,priceFactor=5',
        'shelfsync sources set my-shop --set currency=NZD',
        'shelfsync sources set my-shop --set pack=coffee --set unitPrice=DE',
        `shelfsync sources set my-shop --set 'filters={"exclude":{"type":["Gift*"]}}'`,
        'shelfsync sources set my-shop --url https://new-address.example',
      ),
    )
    .action((name: string, flags: SetFlags) => setSource(cli, name, flags))
}

async function setSource(cli: Cli, name: string, flags: SetFlags): Promise<void> {
  const { policy, url, hot = [], notHot = [] } = flags
  const { settings: set, options } = splitSettings(flags.set)
  const changesOptions = Object.keys(options).length > 0
  const changesSettings = Object.keys(set).length > 0 || url !== undefined
  const changesSource = changesSettings || changesOptions || changesSchedule(flags)
  if (!changesSource && policy === undefined && hot.length + notHot.length === 0)
    throw new SyncError(
      'usage/invalid',
      'Nothing to set: give --schedule, --zone, --full-on, --refresh, --hot, --policy, --set or --url',
    )
  const signal = cli.createStopSignal('stopping')
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const schedule = changesSchedule(flags) ? toSchedule(tools, source, flags) : undefined
  const settings = changesSettings
    ? await mergeSettings({ cli, tools, signal }, source, flags.url, set)
    : undefined
  const saved = await saveSource(tools.db, source.id, {
    ...(schedule && { schedule }),
    ...(policy && { policy }),
    ...(settings !== undefined && { settings }),
    ...(changesOptions && { options: { ...toMembers(source.options), ...options } }),
  })
  await markProducts(tools, saved, { hot, notHot })
  await recordOwnAction(tools.db, {
    action: 'source.set',
    source: name,
    detail: describeChange(saved, flags),
  })
  cli.output.result(
    toSourceJson(saved),
    `${name}: ${formatSchedule(saved.schedule)}\n  ${formatPolicy(saved)}`,
  )
  if (url !== undefined) for (const note of await listTwins(tools, saved)) cli.output.note(note)
  if (changesSettings || changesOptions)
    cli.output.say(
      saved.schedule.fullOn === 'never'
        ? 'Each product is read again by its next refresh'
        : `The next sync is full and reads every record again: shelfsync sync ${name}`,
    )
}

/** Settings are listed by their names: an address may contain more than the log should have. */
function describeChange(
  { schedule }: Source,
  { policy, url, set, hot = [], notHot = [], ...flags }: SetFlags,
): Readonly<Record<string, Json>> {
  const settings = [...Object.keys(set), ...(url === undefined ? [] : ['url'])]
  return {
    ...(policy && { policy: toJson(policy) }),
    ...(changesSchedule(flags) && { schedule: formatSchedule(schedule) }),
    ...(settings.length > 0 && { settings: settings.join(', ') }),
    ...(hot.length > 0 && { hot: hot.length }),
    ...(notHot.length > 0 && { notHot: notHot.length }),
  }
}

function toJson(value: object): Json {
  return z.json().parse(JSON.parse(JSON.stringify(value)))
}

/**
 * @throws SyncError `usage/invalid` when the source does not refresh some of the products by their
 * age
 */
async function markProducts(
  { db }: Tools,
  { id, name }: Source,
  { hot, notHot }: { readonly hot: readonly string[]; readonly notHot: readonly string[] },
): Promise<void> {
  const unknown: string[] = []
  for (const [ids, isHot] of [
    [hot, true],
    [notHot, false],
  ] as const) {
    if (ids.length === 0) continue
    const marked = new Set(await markHot(db, id, ids, isHot))
    unknown.push(...ids.filter((one) => !marked.has(one)))
  }
  if (unknown.length > 0)
    throw new SyncError(
      'usage/invalid',
      `${name} does not refresh ${unknown.slice(0, 5).join(', ')} by age: import a product first, and use --refresh-products due. Everything else was set`,
    )
}

function parseIdList(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim())
  if (ids.includes('')) throw new InvalidArgumentError('It must be ids, separated by commas.')
  return ids
}

/**
 * Returns the settings of the source with those of `set` and the new address in their place.
 *
 * @throws SyncError `usage/invalid` when the connector refuses them · `source/…` when it refuses
 * the address
 */
async function mergeSettings(
  { cli, tools, signal }: Context,
  source: Source,
  url: string | undefined,
  set: SetFlags['set'],
): Promise<Json> {
  const before = toMembers(source.settings)
  const connector = loadConnector(tools, source)
  const { addressSetting } = connector
  const stated =
    url === undefined || !connector.recognise
      ? null
      : await readShopSettings(connector, parseAddress(url, tools), tools, signal)
  const address = url === undefined ? {} : { [addressSetting]: stated?.[addressSetting] ?? url }
  const settings = parseSourceSettings(
    tools,
    connector,
    { name: source.name, verb: 'set' },
    { ...before, ...set, ...address },
  )
  if (url !== undefined) await probeAddress({ source, connector, settings }, tools, signal)
  for (const difference of listDifferences(settings, stated)) cli.output.note(difference)
  return settings as Json
}

function toMembers(stored: Json): Readonly<Record<string, Json>> {
  return z.record(z.string(), z.json()).safeParse(stored).data ?? {}
}

/** Lists the settings that the shop at the new address states differently. */
function listDifferences(
  settings: unknown,
  stated: Readonly<Record<string, Json>> | null,
): string[] {
  const ours = Object(settings) as Readonly<Record<string, Json>>
  return Object.entries(stated ?? {})
    .filter(([name, value]) => JSON.stringify(ours[name]) !== JSON.stringify(value))
    .map(
      ([name, value]) =>
        `${name} stays ${JSON.stringify(ours[name])}, but the shop states ${JSON.stringify(value)}: add --set ${formatSetting(name, value)} if the shop is right`,
    )
}

/** Parses `removalShare=0.2,allowEmpty=true`. */
function parsePolicy(text: string): Partial<Policy> {
  const given = Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split('=', 2).map((word) => word.trim())
      return [name, parseLimit(value)]
    }),
  )
  const { data, problems } = checkValue(Policy, given)
  if (problems !== null) throw new InvalidArgumentError(`${formatProblems(problems)}.`)
  return Object.fromEntries(Object.entries(data).filter(([name]) => name in given))
}

/** An empty value stays text, so that the schema refuses it. */
function parseLimit(value: string): boolean | number | string | null {
  if (value === 'null') return null
  if (value === 'true') return true
  if (value === 'false') return false
  return value === '' ? value : Number(value)
}
