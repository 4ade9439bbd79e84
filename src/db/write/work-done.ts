// The work that a run has recorded: the artifact that it applies, its parts, and its checkpoints.

import type { Catalog } from '../catalog.ts'
import {
  toArtifact,
  toPart,
  type Artifact,
  type ArtifactRow,
  type PartRow,
  type StoredPart,
} from './artifacts.ts'
import { toCheckpoint, type CheckpointRow, type StoredCheckpoint } from './checkpoints.ts'
import type { Run } from './runs.ts'

export interface WorkDone {
  /** Null when the run has no artifact. */
  readonly artifact: Artifact | null
  /** In order. */
  readonly parts: readonly StoredPart[]
  /** In the order of their parts. */
  readonly checkpoints: readonly StoredCheckpoint[]
}

/** The work of a run that has just started. It fetches its artifact. */
export const NO_WORK: WorkDone = { artifact: null, parts: [], checkpoints: [] }

type StateRow =
  | { readonly kind: 'artifact'; readonly item: ArtifactRow }
  | { readonly kind: 'part'; readonly item: PartRow }
  | { readonly kind: 'checkpoint'; readonly item: CheckpointRow }

/** Reads everything in one call. */
export async function loadWorkDone(
  db: Catalog,
  { sourceId, id }: Pick<Run, 'sourceId' | 'id'>,
): Promise<WorkDone> {
  let artifact: Artifact | null = null
  const parts: StoredPart[] = []
  const checkpoints: StoredCheckpoint[] = []
  for (const row of await db.call<StateRow>('load_work_done', { source: sourceId, run: id })) {
    if (row.kind === 'artifact') artifact = toArtifact(row.item)
    else if (row.kind === 'part') parts.push(toPart(row.item))
    else checkpoints.push(toCheckpoint(row.item))
  }
  return { artifact, parts, checkpoints }
}
