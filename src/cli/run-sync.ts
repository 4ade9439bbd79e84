// One run as a command does it: with progress while it works, a report at its end, and old artifacts purged after it went well.

import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Source } from '../db/sources.ts'
import { newProgress, type Progress } from '../pipeline/context.ts'
import { purgeSource } from '../pipeline/purge.ts'
import type { RunReport } from '../pipeline/sync.ts'
import type { Cli } from './cli.ts'
import type { Tools } from './open.ts'
import { showProgress } from './progress.ts'
import { exitCodeOf, printReport, refusedReport, type Report } from './report.ts'

/** What Ctrl-C says while a run is under way. */
export const STOPPING = 'stopping after this batch; the next sync resumes'

/** The connector of a source. @throws SyncError `usage/invalid` when this version has none of that name */
export function connectorOf({ connectors }: Tools, { name, connector }: Source): Connector {
  const found = connectors.get(connector)
  if (!found) throw new SyncError('usage/invalid', `${name} is a source of the connector ${connector}, which this version of Shelfsync does not have`)
  return found
}

/** Shows, reports and remembers the end of whatever `work` does. */
export async function watchRun(cli: Cli, tools: Tools, source: Source, work: (progress: Progress) => Promise<RunReport>): Promise<Report> {
  const progress = newProgress()
  const hide = showProgress(cli.output, source.name, progress)
  let report: Report
  try {
    report = await work(progress)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    report = refusedReport(source.name, error)
  } finally {
    hide()
  }
  printReport(cli.output, report, progress)
  cli.end(exitCodeOf(report))
  if (report.state === 'succeeded') await purgeQuietly(tools, source)
  return report
}

/** A run that went well has not failed because something old could not be thrown away. */
async function purgeQuietly({ db, store, log, settings }: Tools, source: Source): Promise<void> {
  try {
    const { runs, storedBytes } = await purgeSource(db, store, source, settings.artifactsKeep)
    if (runs.length > 0) log.info({ source: source.name, runs, storedBytes }, 'old artifacts purged')
  } catch (error) {
    log.warn({ source: source.name, cause: String(error) }, 'old artifacts could not be purged; `shelfsync purge` tries again')
  }
}
