// `shelfsync sources set`: changes the schedule, the limits or the settings of a source.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { Policy } from '../core/policy.ts'
import { loadSource, saveSettings, saveSource, type Schedule, type Source } from '../db/sources.ts'
import { loadConnector } from '../sources/bound-source.ts'
import { faultOf } from '../sources/due.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { DAYS, formatPolicy, formatSchedule, toSourceJson } from './source-format.ts'
import { parseSourceSettings, readSetting } from './source-settings.ts'

interface SetFlags {
  readonly schedule?: string
  readonly zone?: string
  /** `none`, because commander treats null as an absent value. */
  readonly fullOn?: number | 'every' | 'none'
  readonly policy?: Partial<Policy>
  readonly set: Readonly<Record<string, Json>>
}

export function addSet(sources: Command, cli: Cli): void {
  sources
    .command('set')
    .argument('<name>', 'the source')
    .description(
      'change the schedule, the limits or the settings of a source; everything else stays',
    )
    .option('--schedule <cron>', 'when to sync: minute, hour, day, month, weekday')
    .addOption(
      new Option(
        '--zone <zone>',
        'the time zone of the schedule, such as Australia/Sydney',
      ).argParser(parseZone),
    )
    .addOption(
      new Option(
        '--full-on <day>',
        'the weekday whose first run is full; every for each day, none for no scheduled full run',
      ).argParser(parseDay),
    )
    .addOption(
      new Option(
        '--policy <limits>',
        `limits as name=value,…: ${Object.keys(Policy.shape).join(', ')}`,
      ).argParser(parsePolicy),
    )
    .addOption(
      new Option('--set <name=value>', 'a setting of the connector; may be repeated')
        .argParser(readSetting)
        .default({}, 'none'),
    )
    .addHelpText(
      'after',
      formatExamples(
        "shelfsync sources set my-shop --schedule '17 3 * * *' --zone Australia/Sydney --full-on sunday",
        'shelfsync sources set my-shop --full-on every',
        'shelfsync sources set my-shop --policy removalShare=0.2,priceFactor=5',
        'shelfsync sources set my-shop --set currency=NZD',
      ),
    )
    .action((name: string, flags: SetFlags) => setSource(cli, name, flags))
}

async function setSource(cli: Cli, name: string, flags: SetFlags): Promise<void> {
  const { policy, set } = flags
  const changesSettings = Object.keys(set).length > 0
  const changes = [flags.schedule, flags.zone, flags.fullOn, policy]
  if (!changesSettings && changes.every((change) => change === undefined))
    throw new SyncError(
      'usage/invalid',
      'Nothing to set: give --schedule, --zone, --full-on, --policy or --set',
    )
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const schedule = toSchedule(source.schedule, flags)
  if (changesSettings) await saveSettings(tools.db, source.id, mergeSettings(tools, source, set))
  const saved = await saveSource(tools.db, source.id, { schedule, ...(policy && { policy }) })
  cli.output.result(
    toSourceJson(saved),
    `${name}: ${formatSchedule(saved.schedule)}\n  ${formatPolicy(saved)}`,
  )
  if (changesSettings)
    cli.output.say(`The next sync is full and reads every record again: shelfsync sync ${name}`)
}

/** @throws SyncError `usage/invalid` */
function toSchedule(
  before: Schedule,
  { schedule: cron = before.cron, zone = before.zone, fullOn = before.fullOn ?? 'none' }: SetFlags,
): Schedule {
  const schedule = { cron, zone, fullOn: fullOn === 'none' ? null : fullOn }
  const fault = faultOf(schedule)
  if (fault !== null) throw new SyncError('usage/invalid', fault)
  return schedule
}

/**
 * Returns the settings of the source with those of `set` in their place.
 *
 * @throws SyncError `usage/invalid` when the connector refuses them
 */
function mergeSettings(
  tools: SyncTools,
  source: Source,
  set: Readonly<Record<string, Json>>,
): Json {
  const before = z.record(z.string(), z.json()).safeParse(source.settings).data
  const { name } = source
  return parseSourceSettings(
    tools,
    loadConnector(tools, source),
    { name, verb: 'set' },
    { ...before, ...set },
  ) as Json
}

function parseZone(text: string): string {
  try {
    new Date().toLocaleString('en', { timeZone: text })
  } catch {
    throw new InvalidArgumentError('It must be an IANA time zone, such as Europe/Berlin or UTC.')
  }
  return text
}

function parseDay(text: string): number | 'every' | 'none' {
  if (text === 'none' || text === 'every') return text
  const day = DAYS.indexOf(text.toLowerCase())
  if (day === -1)
    throw new InvalidArgumentError(`It must be one of ${DAYS.join(', ')}, every, none.`)
  return day
}

/** Parses `removalShare=0.2,allowEmpty=true`. */
function parsePolicy(text: string): Partial<Policy> {
  const given = Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split('=', 2).map((word) => word.trim())
      return [name, parseLimit(value)]
    }),
  )
  const { data, error } = Policy.safeParse(given)
  if (error) throw new InvalidArgumentError(z.prettifyError(error))
  return Object.fromEntries(Object.entries(data).filter(([name]) => name in given))
}

/** An empty value stays text, so that the schema refuses it. */
function parseLimit(value: string): boolean | number | string {
  if (value === 'true') return true
  if (value === 'false') return false
  return value === '' ? value : Number(value)
}
