// Executes the runs of many sources side by side: prints a line when each has ended, with the
// reason of a failure, and a table at the end.

import type { SyncTools } from '../../app/compose.ts'
import type { Source } from '../../db/sources.ts'
import type { Progress } from '../../pipeline/context.ts'
import type { RunReport } from '../../pipeline/run-in-process.ts'
import { findAddress } from '../../sources/bound-source.ts'
import type { Cli } from '../cli.ts'
import { eachByKey } from './each-by-key.ts'
import { formatQuantity } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'
import { formatOutcome, printReport, type Report } from './report.ts'
import { watchRun } from './watch-run.ts'
import { type List, printTotals } from '../terminal/list.ts'

/** Each run applies parts on two connections. */
export const RUNS_AT_ONCE = 4

/** Names of one state in the last line. */
const NAMES_MAX = 5

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
  printTotals(cli.output, toTable(cli.output, sources, reports), formatTotals(sources, reports))
}

function printEnd(output: Output, place: string, report: Report): void {
  output.say(`${place}  ${formatOutcome(report)}`)
  if (report.state === 'failed') output.error(report.error)
}

function toTable(
  output: Output,
  sources: readonly Source[],
  reports: ReadonlyMap<string, Report>,
): Pick<List, 'headings' | 'rows'> {
  return {
    headings: ['source', 'run', 'state', 'changes', 'seconds'],
    rows: sources.map(({ name }) => {
      const report = reports.get(name)
      if (report === undefined) return [name, null, 'not started', null, null]
      const { run, ledger, state, seconds } = report
      const changes = ledger.created + ledger.updated + ledger.removed
      const id = run === null ? null : String(run)
      return [name, id, state, changes, Math.round(seconds)]
    }),
  }
}

/** `40 sources: 37 succeeded · 2 held (my-shop, other) · 1 failed (third)`. */
function formatTotals(sources: readonly Source[], reports: ReadonlyMap<string, Report>): string {
  const names = new Map<string, string[]>([['succeeded', []]])
  for (const { name } of sources) {
    const state = reports.get(name)?.state ?? 'not started'
    names.set(state, [...(names.get(state) ?? []), name])
  }
  const totals = [...names].map(
    ([state, of]) => `${of.length} ${state}${state === 'succeeded' ? '' : ` (${formatNames(of)})`}`,
  )
  return `${formatQuantity(sources.length, 'source')}: ${totals.join(' · ')}`
}

function formatNames(names: readonly string[]): string {
  const more = names.length - NAMES_MAX
  return [...names.slice(0, NAMES_MAX), ...(more > 0 ? [`${more} more`] : [])].join(', ')
}
