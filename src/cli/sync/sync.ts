// `shelfsync sync [NAME]`: syncs one source, or all active ones side by side.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { SyncError } from '../../core/errors.ts'
import { listSources, loadSource, type Source } from '../../db/sources.ts'
import { bindSource, type BoundSource } from '../../sources/bound-source.ts'
import { createProgress, type Progress, type RunControls } from '../../pipeline/context.ts'
import { DEFAULT_OPTIONS } from '../../pipeline/options.ts'
import type { RunReport } from '../../pipeline/run-in-process.ts'
import { syncKeys, syncSource } from '../../pipeline/sync.ts'
import { createSinceOption } from '../arguments/time.ts'
import { type Cli, formatExamples, NO_SOURCES } from '../cli.ts'
import type { SyncTools } from '../../app/compose.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { printReport, toIdleReport, toRefusedReport, toReportJson } from './report.ts'
import { toRequest } from './sync-request.ts'
import { STOPPING, watchRun } from './watch-run.ts'
import { RUNS_AT_ONCE, watchRuns } from './watch-runs.ts'

export interface SyncFlags {
  readonly full?: boolean
  readonly since?: Date
  readonly keys?: readonly string[] | undefined
  readonly atOnce?: number
}

/** With it, the connections stay below the 60 that the embedded Postgres accepts. */
const AT_ONCE_MAX = 16
/** The lanes of a run keep their connections; all other work shares the rest. */
const CONNECTIONS_OF_RUN = DEFAULT_OPTIONS.lanes
const CONNECTIONS_SHARED = 2

export function defineSync(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'the source; by default every active source')
    .addOption(
      new Option('--full', 'fetch everything; only a full run detects removed products').conflicts(
        'since',
      ),
    )
    .addOption(createSinceOption('fetch the changes since this time'))
    .addOption(
      new Option('--keys <ids>', 'fetch only these products, by their ids, separated by commas')
        .argParser((text) => text.split(',').map((id) => id.trim()))
        .conflicts(['full', 'since']),
    )
    .addOption(
      new Option(
        '--at-once <n>',
        'without a name: number of sources that are synced side by side; sources of the same host always come one after the other',
      )
        .argParser(parseAtOnce)
        .default(RUNS_AT_ONCE),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync sync',
        'shelfsync sync --at-once 8',
        'shelfsync sync my-shop --full',
        'shelfsync sync my-shop --since 2026-01-31',
        'shelfsync sync my-shop --keys 1001,1002',
        'shelfsync sync --json | tail -1',
      ),
    )
    .action((name: string | undefined, flags: SyncFlags) => sync(cli, name, flags))
}

async function sync(cli: Cli, name: string | undefined, flags: SyncFlags): Promise<void> {
  const signal = cli.createStopSignal(STOPPING)
  try {
    if (flags.keys && name === undefined)
      throw new SyncError('usage/invalid', '--keys needs the name of a source')
    const { atOnce = RUNS_AT_ONCE } = flags
    await using tools = await cli.openSync({
      connections: atOnce * CONNECTIONS_OF_RUN + CONNECTIONS_SHARED,
    })
    const named =
      name === undefined ? await listActive(cli, tools) : [await loadSource(tools.db, name)]
    const due = await listDue(tools, named, flags)
    const sources = named.filter(({ name: one }) => due.get(one)?.length !== 0)
    if (sources.length === 0 && named.length > 0) printNothingDue(cli, named)
    const work = async (source: Source, progress: Progress): Promise<RunReport> =>
      syncOne(
        tools,
        bindSource(tools, source),
        { ...flags, keys: flags.keys ?? due.get(source.name) },
        { progress, signal },
      )
    const [source, ...others] = sources
    if (source !== undefined && others.length === 0)
      await watchRun(cli, tools, source, (progress) => work(source, progress))
    else if (source !== undefined) await watchRuns(cli, tools, { sources, atOnce, signal, work })
  } catch (error) {
    // With --json, the last line is always a report.
    const { output } = cli
    if (output.json) printReport(output, toRefusedReport(name ?? null, error), createProgress())
    output.isReported = true
    throw error
  }
}

async function syncOne(
  tools: SyncTools,
  bound: BoundSource,
  { keys, ...flags }: SyncFlags,
  controls: RunControls,
): Promise<RunReport> {
  const { mode } = toRequest(flags)
  await recordOwnAction(tools.db, {
    action: 'source.sync',
    source: bound.source.name,
    detail: keys ? { products: keys.length } : { mode },
  })
  return keys
    ? syncKeys(tools, bound, keys, controls)
    : syncSource(tools, bound, toRequest(flags), controls)
}

/** The products that are due, by source, of the sources that only have refreshes. */
async function listDue(
  { db }: SyncTools,
  sources: readonly Source[],
  flags: SyncFlags,
): Promise<Map<string, readonly string[]>> {
  const due = new Map<string, readonly string[]>()
  const { mode, sinceAt, now } = toRequest(flags)
  const refreshed = sources.filter(({ schedule }) => schedule.fullOn === 'never')
  if (flags.keys || mode !== 'auto' || sinceAt !== null || refreshed.length === 0) return due
  const { listDueKeys } = await import('../../sources/limit-refresh.ts')
  for (const source of refreshed) {
    const keys = await listDueKeys(db, source, now)
    if (keys !== null) due.set(source.name, keys)
  }
  return due
}

function printNothingDue({ output }: Cli, sources: readonly Source[]): void {
  const names = sources.map(({ name }) => name).join(', ')
  const reason = `Nothing to refresh: no product of ${names} is due.`
  output.result(toReportJson(toIdleReport(reason), createProgress()), reason)
}

/** Lists the active sources, and prints the reason if there are none. */
async function listActive({ output }: Cli, { db }: SyncTools): Promise<Source[]> {
  const sources = await listSources(db)
  const active = sources.filter(({ state }) => state === 'active')
  if (active.length === 0) {
    const reason =
      sources.length === 0
        ? NO_SOURCES
        : `Nothing to sync: ${sources.map(({ name }) => name).join(', ')} ${sources.length === 1 ? 'is' : 'are'} paused.`
    output.result(toReportJson(toIdleReport(reason), createProgress()), reason)
  }
  return active
}

function parseAtOnce(text: string): number {
  const atOnce = Number(text)
  if (!/^\d+$/.test(text) || atOnce < 1 || atOnce > AT_ONCE_MAX)
    throw new InvalidArgumentError(`It must be a number from 1 to ${AT_ONCE_MAX}.`)
  return atOnce
}
