// Leases of runs and tasks. The rules are in the SQL functions of the same names.

import { SyncError } from '../../core/errors.ts'
import { type Catalog, one } from '../catalog.ts'
import { LEASE_MS, type LeasedRun, type Run } from './runs.ts'

/** The task that a lease covers; `run` covers all tasks of a run. */
export type TaskName = 'run' | 'fetch' | `part ${number}` | 'settle'

export interface ClaimedTask extends LeasedRun {
  /** The worker that had the task and did not release it, as `getOwnerName` writes it. */
  readonly previousOwner: string | null
}

export interface Claimant {
  /** As `getOwnerName` writes it. */
  readonly owner: string
  /** True when that owner is known to be dead, so that its lease does not count. */
  readonly isDead: (owner: string) => boolean
}

/**
 * Takes one task of a queued run. Only when another worker has it is that worker looked up.
 *
 * @throws SyncError `run/over` when the run has nothing left to do · `run/active` while another
 * worker has the task
 */
export async function claimTask(
  db: Catalog,
  run: Run,
  task: TaskName,
  { owner, isDead }: Claimant,
): Promise<ClaimedTask> {
  const claim = async (deadOwner: string | null): Promise<ClaimedTask> => {
    const row = one(
      await db.call<{ token: number; previous_owner: string | null }>('claim_task', {
        source: run.sourceId,
        run: run.id,
        task,
        owner,
        dead_owner: deadOwner,
        lease: `${LEASE_MS} ms`,
      }),
    )
    return { ...run, token: row.token, previousOwner: row.previous_owner }
  }
  try {
    return await claim(null)
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'run/active') throw error
    const holder = one(
      await db.call<string | null>('find_lease_owner', { source: run.sourceId, run: run.id, task }),
    )
    if (holder === null || !isDead(holder)) throw error
    return claim(holder)
  }
}

/** Releases a task, finished or not, so that another worker need not wait for the lease to expire. */
export async function releaseTask(db: Catalog, run: LeasedRun): Promise<void> {
  await db.call('release_task', { source: run.sourceId, run: run.id, token: run.token })
}

/**
 * @throws SyncError `run/cancelled` · `run/over` · `run/fenced` · `db/unreachable`, also when the
 * database did not respond within `timeoutMs`
 */
export async function renewLease(db: Catalog, run: LeasedRun, timeoutMs: number): Promise<void> {
  await db.call(
    'renew_lease',
    { source: run.sourceId, run: run.id, token: run.token, lease: `${LEASE_MS} ms` },
    timeoutMs,
  )
}
