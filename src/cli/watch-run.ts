// Executes one run for a command: shows progress, prints a report, and purges old artifacts after a
// successful one.

import type { Source } from '../db/sources.ts'
import { createProgress, type Progress } from '../pipeline/context.ts'
import { keepArtifacts } from '../pipeline/keep-artifacts.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'
import type { Cli } from './cli.ts'
import type { SyncTools } from '../app/compose.ts'
import { showProgress } from './progress.ts'
import { toExitCode, printReport, toRefusedReport, type Report } from './report.ts'

/** The message after Ctrl-C during a run. */
export const STOPPING = 'stopping after this batch; the next sync resumes'

/** Prints the progress and the report of `work`, and sets the exit code. */
export async function watchRun(
  cli: Cli,
  tools: SyncTools,
  source: Source,
  work: (progress: Progress) => Promise<RunReport>,
): Promise<Report> {
  const progress = createProgress()
  const hide = showProgress(cli.output, source.name, progress)
  let report: Report
  try {
    report = await work(progress)
  } catch (error) {
    report = toRefusedReport(source.name, error)
  } finally {
    hide()
  }
  printReport(cli.output, report, progress)
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
