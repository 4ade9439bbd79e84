// replay: applies an archived artifact again, after a correction of the normaliser or to apply
// quarantined records. It never removes a product.

import type { BoundSource } from '../sources/bound-source.ts'
import { chooseReplay, requireArtifact } from './choose-run.ts'
import type { RunControls } from './context.ts'
import { runInProcess, type RunReport } from './run-in-process.ts'
import type { StartTools } from './take-run.ts'

/** @throws SyncError `run/unknown` · `run/no-artifact` · see `runInProcess` */
export async function replayRun(
  tools: StartTools,
  bound: BoundSource,
  artifactRun: number,
  controls: RunControls,
): Promise<RunReport> {
  await requireArtifact(tools.db, bound.source, artifactRun)
  return runInProcess(tools, bound, chooseReplay(artifactRun), controls)
}
