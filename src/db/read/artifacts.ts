// The read model of artifacts.

import { SyncError } from '../../core/errors.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { countListed, loadPage, type ListPage, type PageRequest } from './page.ts'

export interface ArtifactSummary {
  /** The run that fetched it. */
  readonly run: number
  readonly source: string
  readonly state: 'open' | 'closed' | 'purged'
  /** The connector proved that nothing is missing. */
  readonly complete: boolean
  readonly expected: number | null
  readonly warnings: readonly string[]
  /** `3 unreadable, 1 invalid, see quarantine`; null if every record could be applied. */
  readonly parsingWarnings: string | null
  readonly startedAt: Date
  readonly parts: number
  readonly lines: number
  readonly rawBytes: number
  readonly storedBytes: number
  /** `replay` applies this artifact by default. */
  readonly latest: boolean
}

/** The columns of `catalog.list_artifacts`. */
export interface ArtifactRow {
  readonly run: number
  readonly source: string
  readonly state: ArtifactSummary['state']
  readonly complete: boolean
  readonly expected: number | null
  readonly warnings: readonly string[]
  readonly parsing_warnings: string | null
  readonly started_at: string
  readonly parts: number
  readonly lines: number
  readonly raw_bytes: number
  readonly stored_bytes: number
  readonly latest: boolean
}

/** The newest first. */
export function listArtifacts(
  db: Catalog,
  { source, ...page }: PageRequest & { readonly source?: string | undefined },
): Promise<ListPage<ArtifactSummary>> {
  return loadPage('artifacts', page, {
    load: (before, limit) =>
      db.call<ArtifactRow>('list_artifacts', {
        source: source ?? null,
        run: null,
        before: before === null ? null : Number(before),
        limit,
      }),
    toItem: toArtifactSummary,
    keyOf: ({ run }) => run,
  })
}

export function countArtifacts(db: Catalog, source: string | undefined): Promise<number> {
  return countListed(db, 'artifacts', { source })
}

/** @throws SyncError `run/no-artifact` */
export async function loadArtifact(db: Catalog, run: number): Promise<ArtifactSummary> {
  const filter = { source: null, run, before: null, limit: 1 }
  const [row] = await db.call<ArtifactRow>('list_artifacts', filter)
  if (!row) throw new SyncError('run/no-artifact', `Run ${run} does not have an artifact`)
  return toArtifactSummary(row)
}

export function toArtifactSummary(row: ArtifactRow): ArtifactSummary {
  return {
    run: row.run,
    source: row.source,
    state: row.state,
    complete: row.complete,
    expected: row.expected,
    warnings: row.warnings,
    parsingWarnings: row.parsing_warnings,
    startedAt: toInstant(row.started_at),
    parts: row.parts,
    lines: row.lines,
    rawBytes: row.raw_bytes,
    storedBytes: row.stored_bytes,
    latest: row.latest,
  }
}
