// `shelfsync sources`: what is configured, and changing how it behaves.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { SyncError } from '../core/errors.ts'
import { Policy } from '../core/policy.ts'
import {
  listSources,
  loadSource,
  saveSettings,
  saveSource,
  type Schedule,
  type Source,
} from '../db/sources.ts'
import type { Json } from '../core/json.ts'
import { loadConnector } from '../sources/bound-source.ts'
import { faultOf } from '../sources/due.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { checkSettings, readSetting } from './connector-settings.ts'
import type { SyncTools } from '../app/compose.ts'

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

interface SetFlags {
  readonly schedule?: string
  readonly zone?: string
  /** Commander takes null for no value. */
  readonly fullOn?: number | 'every' | 'none'
  readonly policy?: Partial<Policy>
  readonly set: Readonly<Record<string, Json>>
}

export function addSources(program: Command, cli: Cli): void {
  const sources = program
    .command('sources')
    .description('list the sources, or change how they behave')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync sources',
        'shelfsync sources set medipim-au --full-on sunday',
        'shelfsync sources pause my-shop',
      ),
    )
  sources
    .command('list', { isDefault: true })
    .description('list the sources')
    .addHelpText('after', formatExamples('shelfsync sources', 'shelfsync sources --json'))
    .action(async () => {
      await using tools = await cli.openSync()
      const listed = await listSources(tools.db)
      const rows = listed.map(({ name, connector, state, schedule, settings }) => [
        name,
        connector,
        state,
        scheduleText(schedule),
        addressOf(settings),
      ])
      cli.output.list(
        listed.map(toJson),
        ['source', 'connector', 'state', 'schedule', 'address'],
        rows,
        NO_SOURCES,
      )
    })

  sources
    .command('set')
    .argument('<name>', 'the source')
    .description(
      'change the schedule, the policy or the settings of a source; what is not named stays',
    )
    .option('--schedule <cron>', 'when to sync: minute, hour, day, month, weekday')
    .addOption(
      new Option('--zone <zone>', 'whose clock that is, such as Australia/Sydney').argParser(
        parseZone,
      ),
    )
    .addOption(
      new Option(
        '--full-on <day>',
        'on which day the first run is full; every for each day, none for never by schedule',
      ).argParser(parseDay),
    )
    .addOption(new Option('--policy <limits>', policyWords()).argParser(parsePolicy))
    .addOption(
      new Option('--set <name=value>', 'any setting of the connector; may be given several times')
        .argParser(readSetting)
        .default({}, 'none'),
    )
    .addHelpText(
      'after',
      formatExamples(
        "shelfsync sources set medipim-au --schedule '17 3 * * *' --zone Australia/Sydney --full-on sunday",
        'shelfsync sources set medipim-au --full-on every',
        'shelfsync sources set my-shop --policy removalShare=0.2,priceFactor=5',
        'shelfsync sources set my-shop --set currency=NZD',
      ),
    )
    .action(async (name: string, { schedule: cron, zone, fullOn, policy, set }: SetFlags) => {
      const changesSettings = Object.keys(set).length > 0
      if (
        cron === undefined &&
        zone === undefined &&
        fullOn === undefined &&
        policy === undefined &&
        !changesSettings
      ) {
        throw new SyncError(
          'usage/invalid',
          'Nothing to set: give --schedule, --zone, --full-on, --policy or --set',
        )
      }
      await using tools = await cli.open()
      const source = await loadSource(tools.db, name)
      const schedule = {
        cron: cron ?? source.schedule.cron,
        zone: zone ?? source.schedule.zone,
        fullOn: fullOn === 'none' ? null : (fullOn ?? source.schedule.fullOn),
      }
      const fault = faultOf(schedule)
      if (fault !== null) throw new SyncError('usage/invalid', fault)
      if (changesSettings) await saveSettings(tools.db, source.id, settingsWith(tools, source, set))
      const saved = await saveSource(tools.db, source.id, { schedule, ...(policy && { policy }) })
      const limits = Object.entries(saved.policy).map(([limit, value]) => `${limit} ${value}`)
      cli.output.result(
        toJson(saved),
        `${name}: ${scheduleText(saved.schedule)}\n  ${limits.join(' · ')}`,
      )
      if (changesSettings)
        cli.output.say(
          `The next sync is full and looks at every record again: shelfsync sync ${name}`,
        )
    })

  for (const [verb, state, what] of [
    ['pause', 'paused', 'leave a source alone until it is resumed'],
    ['resume', 'active', 'sync a paused source again'],
  ] as const) {
    sources
      .command(verb)
      .argument('<name>', 'the source')
      .description(what)
      .addHelpText('after', formatExamples(`shelfsync sources ${verb} my-shop`))
      .action(async (name: string) => {
        await using tools = await cli.open()
        const saved = await saveSource(tools.db, (await loadSource(tools.db, name)).id, { state })
        cli.output.result(toJson(saved), `${name} is ${state}.`)
      })
  }
}

/**
 * The settings of the source with those in `set` in place of its own. @throws SyncError
 * `usage/invalid` when the connector refuses them
 */
function settingsWith(tools: SyncTools, source: Source, set: Readonly<Record<string, Json>>): Json {
  const own = z.record(z.string(), z.json()).safeParse(source.settings).data
  return checkSettings(tools, loadConnector(tools, source), 'set', { ...own, ...set }) as Json
}

function toJson({
  name,
  connector,
  state,
  schedule,
  policy,
  settings,
  watermarkAt,
  latestRun,
  lastFullAt,
}: Source): Record<string, unknown> {
  return {
    source: name,
    connector,
    state,
    schedule,
    policy,
    settings,
    watermarkAt,
    latestRun,
    lastFullAt,
  }
}

function scheduleText({ cron, zone, fullOn }: Schedule): string {
  return `${cron} ${zone}${fullOn === null ? '' : `, full on ${fullOn === 'every' ? 'every day' : DAYS[fullOn]}`}`
}

/** Where a source is read, when its connector reads at an address. */
export function addressOf(settings: unknown): string | null {
  const { url, apiUrl } =
    z.looseObject({ url: z.string().optional(), apiUrl: z.string().optional() }).safeParse(settings)
      .data ?? {}
  return url ?? apiUrl ?? null
}

function parseZone(text: string): string {
  try {
    new Date().toLocaleString('en', { timeZone: text })
  } catch {
    throw new InvalidArgumentError('Write an IANA zone, such as Europe/Berlin or UTC.')
  }
  return text
}

function parseDay(text: string): number | 'every' | 'none' {
  if (text === 'none' || text === 'every') return text
  const day = DAYS.indexOf(text.toLowerCase())
  if (day === -1) throw new InvalidArgumentError(`One of ${DAYS.join(', ')}, every, none.`)
  return day
}

/** `removalShare=0.2,allowEmpty=true`. */
function parsePolicy(text: string): Partial<Policy> {
  const given = Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = ''] = part.split('=', 2).map((word) => word.trim())
      return [
        name,
        value === 'true' ? true : value === 'false' ? false : value === '' ? value : Number(value),
      ]
    }),
  )
  const { data, error } = Policy.safeParse(given)
  if (error) throw new InvalidArgumentError(z.prettifyError(error))
  return Object.fromEntries(Object.entries(data).filter(([name]) => name in given))
}

function policyWords(): string {
  return `limits as name=value,…: ${Object.keys(Policy.shape).join(', ')}`
}
