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

/** Products that are refreshed more often than the others, or no longer. */
export interface HotChange {
  readonly source: string
  readonly by: string
  readonly hot: readonly string[]
  readonly notHot: readonly string[]
}

/**
 * Marks the products and records it. Returns those that the source refreshes by their age; the
 * others stay as they are.
 *
 * @throws SyncError `source/unknown`
 */
export function changeHot(
  db: Catalog,
  { source, by, hot, notHot }: HotChange,
): Promise<readonly string[]> {
  return db.call<string>('change_hot', { source, by, hot, not_hot: notHot })
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
