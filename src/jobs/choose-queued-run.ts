// Chooses the run of a request to the services. Modes that fetch from the supplier follow the rule
// of src/pipeline/choose-run.ts; this file adds `maintain-only`, which applies an artifact.

import { SyncError } from '../core/errors.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import type { Source } from '../db/sources.ts'
import {
  findArtifact,
  findNewestArtifact,
  findNewestWholeArtifact,
  listParts,
} from '../db/write/artifacts.ts'
import { loadQueuedRun } from '../db/write/queued-runs.ts'
import type { ActiveRun, RunRequest } from '../db/write/runs.ts'
import { chooseReplay, chooseRun, requireArtifact, type ChosenRun } from '../pipeline/choose-run.ts'
import type { BoundSource } from '../sources/bound-source.ts'
import { isSlice, settles, type RunsRequest } from './requests.ts'

/** @throws SyncError `run/unknown` · `run/no-artifact` · `request/invalid` */
export async function chooseQueuedRun(
  db: PipelineDb,
  bound: BoundSource,
  request: RunsRequest,
  active: ActiveRun | null,
): Promise<ChosenRun & Pick<RunRequest, 'refetch'>> {
  const { source } = bound
  const now = new Date()
  if (request.mode === 'auto') return chooseRun(bound, { mode: 'auto', sinceAt: null, now })
  if (request.mode !== 'maintain-only')
    return { ...chooseRun(bound, { mode: 'full', sinceAt: null, now }), refetch: true }
  // A run that is archived and not applied is resumed: unlike a replay, it may remove products and
  // move the watermark.
  if (active && (await resumes(db, source, request, active)))
    return { kind: active.kind, sinceAt: null, artifactRun: null, resumeAny: true }
  const artifactRun = request.artifact ?? (await findNewestArtifact(db, source.id))
  if (artifactRun === null)
    throw new SyncError(
      'run/no-artifact',
      `${source.name} has no artifact to apply. Fetch it first`,
    )
  await requireArtifact(db, source, artifactRun)
  if (isSlice(request)) await requireSlice(db, source, request, artifactRun)
  return chooseReplay(artifactRun)
}

async function resumes(
  db: PipelineDb,
  source: Source,
  request: RunsRequest,
  active: ActiveRun,
): Promise<boolean> {
  if (!settles(request) || active.kind === 'replay') return false
  if (request.artifact !== null && request.artifact !== active.id) return false
  return (await findArtifact(db, source.id, active.id))?.closed ?? false
}

/**
 * @throws SyncError `request/invalid` when the request does not name the artifact and the newest one
 * is a delta, or when the artifact has no line after the offset
 */
async function requireSlice(
  db: PipelineDb,
  source: Source,
  { artifact, offset }: RunsRequest,
  artifactRun: number,
): Promise<void> {
  const [{ kind }, parts, whole] = await Promise.all([
    loadQueuedRun(db, source.id, artifactRun),
    listParts(db, source.id, artifactRun),
    findNewestWholeArtifact(db, source.id),
  ])
  const lines = parts.reduce((sum, { lineCount }) => sum + lineCount, 0)
  if (kind === 'incremental' && artifact === null) {
    const instead = whole === null ? '' : `${whole} (the newest complete artifact) or `
    throw new SyncError(
      'request/invalid',
      `The newest artifact of ${source.name} is a delta: run ${artifactRun} fetched only the ${lines} records that had changed. ` +
        `To apply some of its lines, set \`artifact\` to ${instead}${artifactRun}`,
    )
  }
  if ((offset ?? 0) >= lines) {
    throw new SyncError(
      'request/invalid',
      `The artifact of run ${artifactRun} (${kind}) has ${lines} lines; offset ${offset ?? 0} skips all of them`,
    )
  }
}
