// Decisions on held runs, as a person makes them who has just seen the diff.

import type { Db } from '../../src/db/pool.ts'
import { loadRunDiff } from '../../src/db/read/run-diffs.ts'
import { approveRun, type Approval } from '../../src/db/write/decisions.ts'

/** Approves everything that the run's diff contains now. */
export async function approveAll(db: Db, run: number): Promise<Approval> {
  const { version } = await loadRunDiff(db, run)
  return approveRun(db, run, { version, by: 'test' })
}
