// The runs of sources over time, for charts.

import type { Ledger } from '../../core/ledger.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import type { RunKind } from '../write/runs.ts'
import type { RunState } from './run-summaries.ts'

export interface SourceRun {
  readonly source: string
  readonly id: number
  readonly kind: RunKind
  readonly state: RunState
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** Null before the run settles. */
  readonly ledger: Ledger | null
  /** Bytes that it has archived, before compression. */
  readonly bytes: number
}

interface SourceRunRow extends Omit<SourceRun, 'startedAt' | 'finishedAt'> {
  readonly started_at: string
  readonly finished_at: string | null
}

/** Lists the newest `limit` runs of the whole of each source, the oldest first. */
export async function listSourceRuns(
  db: Catalog,
  sources: readonly string[],
  limit: number,
): Promise<SourceRun[]> {
  const rows = await db.call<SourceRunRow>('list_source_runs', { sources, limit })
  return rows.map(({ started_at, finished_at, ...run }) => ({
    ...run,
    startedAt: toInstant(started_at),
    finishedAt: toInstant(finished_at),
  }))
}
