// Executes the runs of many sources side by side: prints a line when each has ended, and a table at
// the end.

import type { SyncTools } from '../app/compose.ts'
import type { Source } from '../db/sources.ts'
import type { Progress } from '../pipeline/context.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'
import { findAddress } from '../sources/bound-source.ts'
import type { Cli } from './cli.ts'
import { eachByKey } from './each-by-key.ts'
import type { Output } from './output.ts'
import { formatOutcome, printReport, type Report } from './report.ts'
import { watchRun } from './watch-run.ts'
import { printList } from './list.ts'

/** Each run applies parts on two connections. */
export const RUNS_AT_ONCE = 4

interface Runs {
  readonly sources: readonly Source[]
  readonly atOnce: number
  readonly signal: AbortSignal
  readonly work: (source: Source, progress: Progress) => Promise<RunReport>
}

/**
 * Calls `work` for every source until the signal aborts. Sources on the same host come one after the
 * other, because suppliers limit the requests of one key and one address.
 */
export async function watchRuns(
  cli: Cli,
  tools: SyncTools,
  { sources, atOnce, signal, work }: Runs,
): Promise<void> {
  const reports = new Map<string, Report>()
  const keyOf = (source: Source): string =>
    URL.parse(findAddress(tools, source) ?? '')?.host ?? source.name
  await eachByKey(sources, { atOnce, keyOf }, async (source) => {
    if (signal.aborted) return
    await watchRun(cli, tools, source, {
      work: (progress) => work(source, progress),
      bars: false,
      print: (report, progress) => {
        reports.set(source.name, report)
        const place = `${reports.size} of ${sources.length}`
        if (cli.output.json) printReport(cli.output, report, progress)
        else printEnd(cli.output, place, report)
      },
    })
  })
  if (!cli.output.json) printTable(cli.output, sources, reports)
}

function printEnd(output: Output, place: string, report: Report): void {
  output.say(`${place}  ${formatOutcome(report)}`)
  if (report.state === 'failed') output.error(report.error)
}

function printTable(
  output: Output,
  sources: readonly Source[],
  reports: ReadonlyMap<string, Report>,
): void {
  output.say('')
  printList(output, [], {
    headings: ['source', 'state', 'changes', 'seconds', 'reason'],
    rows: sources.map(({ name }) => {
      const report = reports.get(name)
      if (report === undefined) return [name, 'not started', null, null, '']
      const { ledger, state, seconds, reason } = report
      const changes = ledger.created + ledger.updated + ledger.removed
      return [name, state, changes, Math.round(seconds), output.short(reason ?? '', 80)]
    }),
    empty: '',
  })
}
