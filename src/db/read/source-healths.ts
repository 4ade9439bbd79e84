// The facts by which the health of sources is judged: their summaries, the results of their runs,
// and the failures beside them.

import type { ErrorCode } from '../../core/error-table.ts'
import type { WeekRuns } from '../../core/error-budget.ts'
import type { Json } from '../../core/json.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { toSourceSummary, type SourceSummary, type SummaryRow } from './source-summaries.ts'

export interface SourceFacts extends SourceSummary {
  /** In stored form. */
  readonly settings: Json
  /** The newest run with a result. A run that is in progress or was cancelled has none. */
  readonly result: RunResult | null
  readonly week: WeekRuns
  /**
   * Products that runs which ended today, by UTC, have created, updated or removed, without
   * imports.
   */
  readonly changesToday: number
  /** Images that have failed for good; those of the newest 1,000 failed addresses count. */
  readonly failedImages: number
  /** The hosts of its waiting images that are flagged. */
  readonly flaggedHosts: readonly string[]
  /** Requests of this day in UTC; null if the supplier has no daily quota. */
  readonly quota: { readonly perDay: number; readonly used: number } | null
}

export interface RunResult {
  readonly id: number
  readonly state: 'succeeded' | 'held' | 'failed' | 'rejected'
  readonly errorCode: ErrorCode | null
  readonly reason: string | null
  readonly finishedAt: Date | null
}

interface FactsRow {
  readonly summary: SummaryRow
  readonly settings: Json
  readonly result:
    | (Pick<RunResult, 'id' | 'state' | 'reason'> & {
        readonly error_code: ErrorCode | null
        readonly finished_at: string | null
      })
    | null
  readonly runs: number
  readonly failures: WeekRuns['failures']
  readonly changes_today: number
  readonly failed_images: number
  readonly flagged_hosts: readonly string[]
  readonly quota: number | null
  readonly used: number | null
}

export interface FactsRequest {
  /** Named sources, or null for all. Those that do not exist are left out. */
  readonly sources: readonly string[] | null
  readonly timeoutMs?: number | undefined
}

/**
 * Returns the facts by the names of the sources. @throws SyncError `db/unreachable`, also after
 * `timeoutMs`
 */
export async function listSourceFacts(
  db: Catalog,
  { sources, timeoutMs }: FactsRequest,
): Promise<SourceFacts[]> {
  const rows = await db.call<FactsRow>('source_healths', { sources }, timeoutMs)
  return rows.map(({ summary, settings, result, quota, ...row }) => ({
    ...toSourceSummary(summary),
    settings,
    result: result && {
      id: result.id,
      state: result.state,
      errorCode: result.error_code,
      reason: result.reason,
      finishedAt: toInstant(result.finished_at),
    },
    week: { runs: row.runs, failures: row.failures },
    changesToday: row.changes_today,
    failedImages: row.failed_images,
    flaggedHosts: row.flagged_hosts,
    quota: quota === null ? null : { perDay: quota, used: row.used ?? 0 },
  }))
}
