// `shelfsync sync [NAME]`: syncs one source, or all active ones one after the other.

import { type Command, Option } from 'commander'
import { SyncError } from '../core/errors.ts'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import { bindSource, type BoundSource } from '../sources/bound-source.ts'
import { createProgress, type RunControls } from '../pipeline/context.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'
import { syncKeys, syncSource } from '../pipeline/sync.ts'
import type { SyncRequest } from '../pipeline/choose-run.ts'
import { createSinceOption } from './parse-time.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { toIdleReport, printReport, toRefusedReport, toReportJson } from './report.ts'
import { STOPPING, watchRun } from './watch-run.ts'

export interface SyncFlags {
  readonly full?: boolean
  readonly since?: Date
  readonly keys?: readonly string[]
}

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
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync sync',
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
    await using tools = await cli.openSync()
    const sources =
      name === undefined ? await listActive(cli, tools) : [await loadSource(tools.db, name)]
    for (const source of sources) {
      if (signal.aborted) return
      await watchRun(cli, tools, source, async (progress) =>
        syncOne(tools, bindSource(tools, source), flags, { progress, signal }),
      )
    }
  } catch (error) {
    // With --json, the last line is always a report.
    if (cli.output.json)
      printReport(cli.output, toRefusedReport(name ?? null, error), createProgress())
    throw error
  }
}

function syncOne(
  tools: SyncTools,
  bound: BoundSource,
  { keys, ...flags }: SyncFlags,
  controls: RunControls,
): Promise<RunReport> {
  return keys
    ? syncKeys(tools, bound, keys, controls)
    : syncSource(tools, bound, toRequest(flags), controls)
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

export function toRequest({ full = false, since }: SyncFlags): SyncRequest {
  return {
    mode: full ? 'full' : since ? 'incremental' : 'auto',
    sinceAt: since ?? null,
    now: new Date(),
  }
}
