// Changes of a source by a person on a page, for a login that may change nothing else of it.

import type { Json } from '../../core/json.ts'
import type { Policy } from '../../core/policy.ts'
import type { Schedule } from '../../core/schedule.ts'
import { type Catalog, jsonb } from '../catalog.ts'

export interface SourceChange {
  readonly source: string
  /** The person, as the log names them. */
  readonly by: string
  readonly schedule?: Schedule
  /** Thresholds that change. Limits of a licence are refused. */
  readonly policy?: Partial<Policy>
  /** All options. The next full run then reads every record again. */
  readonly options?: Json
  /** For the log. */
  readonly detail: Readonly<Record<string, Json>>
}

/**
 * Changes the given members and records it, or does nothing.
 *
 * @throws SyncError `source/unknown` · `usage/invalid` · `run/active` for options while a run is active
 */
export async function changeSource(
  db: Catalog,
  { source, by, schedule, policy, options, detail }: SourceChange,
): Promise<void> {
  const document = (value: unknown) => (value === undefined ? null : jsonb(value))
  await db.call('change_source', {
    source,
    by,
    schedule: document(schedule),
    policy: document(policy),
    options: document(options),
    detail: jsonb(detail),
  })
}
