// Executes one run for a command: shows progress, prints a report, and purges old artifacts after a
// successful one.

import type { Source } from '../../db/sources.ts'
import { createProgress, type Progress } from '../../pipeline/context.ts'
import { keepArtifacts } from '../../pipeline/keep-artifacts.ts'
import type { RunReport } from '../../pipeline/run-in-process.ts'
import type { Cli } from '../cli.ts'
import type { SyncTools } from '../../app/compose.ts'
import { showProgress } from '../terminal/progress.ts'
import { toExitCode, printReport, toRefusedReport, type Report } from './report.ts'

/** The message after Ctrl-C during a run. */
export const STOPPING = 'stopping after this batch; the next sync resumes'

type Work = (progress: Progress) => Promise<RunReport>

interface Watch {
  readonly work: Work
  /** Prints the report. Default: all of it. */
  readonly print?: (report: Report, progress: Progress) => void | Promise<void>
  /** False: no bars on a terminal, but lines, because other runs are shown too. */
  readonly bars?: boolean
}

/** Prints the progress and the report of `work`, and sets the exit code. */
export async function watchRun(
  cli: Cli,
  tools: SyncTools,
  source: Source,
  watch: Work | Watch,
): Promise<Report> {
  const { work, bars = true, print }: Watch = typeof watch === 'function' ? { work: watch } : watch
  const progress = createProgress()
  const hide = showProgress(cli.output, source.name, progress, { bars })
  let report: Report
  try {
    report = await work(progress)
  } catch (error) {
    report = toRefusedReport(source.name, error)
  } finally {
    hide()
  }
  if (print) await print(report, progress)
  else printReport(cli.output, report, progress)
  cli.end(toExitCode(report))
  const { run, state } = report
  if (run !== null)
    await keepArtifacts(
      tools,
      source,
      { id: run, succeeded: state === 'succeeded' },
      tools.settings,
    )
  return report
}
