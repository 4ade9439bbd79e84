// `shelfsync sync [NAME]`: brings one source up to date, or all active ones, one after the other.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { newProgress } from '../pipeline/context.ts'
import { syncSource, type SyncRequest } from '../pipeline/sync.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { toIdleReport, printReport, toRefusedReport, reportJson } from './report.ts'
import { STOPPING, watchRun } from './run-sync.ts'

export interface SyncFlags {
  readonly full?: boolean
  readonly since?: Date
}

export function addSync(program: Command, cli: Cli): void {
  program
    .command('sync')
    .argument('[name]', 'the source; without it every active one')
    .description('fetch what changed and apply it; resumes a run that was interrupted')
    .addOption(
      new Option('--full', 'fetch everything; only a full run can find out what is gone').conflicts(
        'since',
      ),
    )
    .addOption(createSinceOption())
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync sync',
        'shelfsync sync medipim-au --full',
        'shelfsync sync medipim-au --since 2026-01-31',
        'shelfsync sync --json | tail -1',
      ),
    )
    .action(async (name: string | undefined, flags: SyncFlags) => {
      const signal = cli.createStopSignal(STOPPING)
      try {
        await using tools = await cli.openSync()
        const sources =
          name === undefined ? await listActive(cli, tools) : [await loadSource(tools.db, name)]
        for (const source of sources) {
          if (signal.aborted) return
          await watchRun(cli, tools, source, async (progress) =>
            syncSource(tools, bindSource(tools, source), toRequest(flags), { progress, signal }),
          )
        }
      } catch (error) {
        // Whoever reads the last line finds a report there, whatever went wrong.
        if (cli.output.json)
          printReport(cli.output, toRefusedReport(name ?? null, error), newProgress())
        throw error
      }
    })
}

async function listActive({ output }: Cli, { db }: SyncTools): Promise<Source[]> {
  const sources = await listSources(db)
  const active = sources.filter(({ state }) => state === 'active')
  if (active.length === 0) {
    const reason =
      sources.length === 0
        ? NO_SOURCES
        : `Nothing to sync: ${sources.map(({ name }) => name).join(', ')} ${sources.length === 1 ? 'is' : 'are'} paused.`
    output.result(reportJson(toIdleReport(reason), newProgress()), reason)
  }
  return active
}

const TIMES =
  'a day in UTC such as 2026-01-31, or a time with its zone such as 2026-01-31T12:00:00Z or 2026-01-31T22:00+10:00'
/** Seconds may be left out: precision -1 is zod's word for minutes. */
const Since = z.union([
  z.iso.date(),
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
])

export function createSinceOption(): Option {
  return new Option('--since <time>', `everything that changed from then on: ${TIMES}`).argParser(
    (text) => parseSince(text, new Date()),
  )
}

/**
 * `Date` alone would make 2 March of 2026-02-30, and read a time without a zone by the clock of
 * this machine.
 */
export function parseSince(text: string, now: Date): Date {
  const time = new Date(text)
  if (!Since.safeParse(text).success || time > now)
    throw new InvalidArgumentError(`Write ${TIMES}; it must exist, and not lie in the future.`)
  return time
}

export function toRequest({ full = false, since }: SyncFlags): SyncRequest {
  return {
    mode: full ? 'full' : since ? 'incremental' : 'auto',
    sinceAt: since ?? null,
    now: new Date(),
  }
}
