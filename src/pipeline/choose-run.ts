// The rule that chooses a run: its kind, the time from which it requests changes, and which
// interrupted run it may resume. Commands, plans, requests to the services and schedules all use
// it.

import { isOfCall } from '../artifacts/parts.ts'
import { SyncError } from '../core/errors.ts'
import { KEYS_MAX } from '../core/schedule.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import type { Source } from '../db/sources.ts'
import { findArtifact, listParts, type ArtifactNote } from '../db/write/artifacts.ts'
import { listProductSeqs } from '../db/write/product-numbers.ts'
import type { RunRequest } from '../db/write/runs.ts'
import { listScopes, type BoundSource } from '../sources/bound-source.ts'
import { isFullDue } from '../sources/schedule.ts'

/**
 * An incremental run requests changes from this long before the watermark, because clocks differ
 * and a change may become visible after its time.
 */
export const OVERLAP_MS = 10 * 60_000

export interface SyncRequest {
  /** `auto`: incremental when the supplier supports it and no full run is due. */
  readonly mode: 'auto' | 'full' | 'incremental'
  /** Start of an incremental run that a person requested. Null: the watermark. */
  readonly sinceAt: Date | null
  readonly now: Date
}

export type ChosenRun = Pick<
  RunRequest,
  'kind' | 'sinceAt' | 'keys' | 'artifactRun' | 'resumeAny'
> &
  Partial<Pick<RunRequest, 'options'>>

/** @throws SyncError `usage/invalid` when the connector can only fetch products that are named */
export function chooseRun(
  { source, connector, settings, normaliserVersion }: BoundSource,
  { mode, sinceAt, now }: SyncRequest,
): ChosenRun {
  if (listScopes({ connector, settings }).every((scope) => scope === 'keys'))
    throw new SyncError(
      'usage/invalid',
      `${source.name} cannot list its products. Name them: shelfsync sync ${source.name} --keys …; without an option, sync refreshes those that are due`,
    )
  const full = {
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: mode === 'auto' && sinceAt === null,
  } as const
  if (sinceAt) return { ...full, kind: 'incremental', sinceAt }
  if (
    mode === 'full' ||
    !listScopes({ connector, settings }).includes('since') ||
    !source.watermarkAt
  )
    return full
  const newNormaliser =
    source.normaliserVersion !== null && source.normaliserVersion !== normaliserVersion
  const fullDue = newNormaliser || isFullDue(source.schedule, source.lastFullAt, now)
  if (mode === 'auto' && fullDue) return full
  return {
    ...full,
    kind: 'incremental',
    sinceAt: new Date(source.watermarkAt.getTime() - OVERLAP_MS),
  }
}

/**
 * Chooses a run that covers only these products, beside any other run: a refresh when the source has
 * all of them, else an import. It never marks a product as missing. The same keys in any order are
 * the same run.
 *
 * @throws SyncError `usage/invalid` when the connector cannot fetch by key, or no key or too many
 * keys are named
 */
export async function chooseKeyedRun(
  db: PipelineDb,
  bound: BoundSource,
  requested: readonly string[],
): Promise<KeyedRun> {
  const keys = requireKeys(bound, requested)
  const known = await listProductSeqs(db, bound.source.id, keys)
  const kind = known.length === keys.length ? 'refresh' : 'import'
  return { kind, keys, sinceAt: null, artifactRun: null, resumeAny: false }
}

/**
 * Chooses an import that a person requested. It is separate from a refresh of the same products.
 *
 * @throws SyncError `usage/invalid` as `chooseKeyedRun`
 */
export function chooseImport(bound: BoundSource, requested: readonly string[]): KeyedRun {
  return {
    kind: 'import',
    keys: requireKeys(bound, requested),
    sinceAt: null,
    artifactRun: null,
    resumeAny: false,
    options: { import: true },
  }
}

export type KeyedRun = ChosenRun & { readonly keys: readonly string[] }

/** In order and without repetition. @throws SyncError `usage/invalid` */
function requireKeys(bound: BoundSource, requested: readonly string[]): readonly string[] {
  const { source, connector } = bound
  const keys = [...new Set(requested)].sort()
  if (!listScopes(bound).includes('keys'))
    throw new SyncError(
      'usage/invalid',
      `The connector ${connector.name} cannot fetch single products. Sync ${source.name} without keys`,
    )
  if (keys.length === 0 || keys.length > KEYS_MAX || keys.includes(''))
    throw new SyncError('usage/invalid', `Name 1 to ${KEYS_MAX} products, each by its id`)
  return keys
}

/** Chooses a run that applies an archived artifact again. It never removes a product. */
export function chooseReplay(artifactRun: number): ChosenRun {
  return { kind: 'replay', sinceAt: null, artifactRun, resumeAny: false }
}

function describeExpiry({ policy }: Source): string {
  const { expiresAfterHours: hours } = policy
  return hours === null ? '' : `: content of this source expires ${hours} hours after its request`
}

/**
 * Returns the artifact of that run if it can be applied.
 *
 * @throws SyncError `run/unknown` · `run/no-artifact`
 */
export async function requireArtifact(
  db: PipelineDb,
  source: Source,
  artifactRun: number,
): Promise<ArtifactNote> {
  const artifact = await findArtifact(db, source.id, artifactRun)
  if (!artifact)
    throw new SyncError(
      'run/unknown',
      `${source.name} has no run ${artifactRun} that fetched anything`,
    )
  if (artifact.purged)
    throw new SyncError(
      'run/no-artifact',
      `The artifact of run ${artifactRun} of ${source.name} has been purged${describeExpiry(source)}`,
    )
  if (!artifact.closed)
    throw new SyncError(
      'run/no-artifact',
      `The artifact of run ${artifactRun} is not closed: its fetch did not finish`,
    )
  const [part] = await listParts(db, source.id, artifactRun)
  if (part !== undefined && isOfCall(part))
    throw new SyncError(
      'run/no-artifact',
      `Run ${artifactRun} was written by a call, which no connector can read: repeat the call`,
    )
  return artifact
}
