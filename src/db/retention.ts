// Which runs hold bytes in the artifact store, and marking those whose bytes are gone.

import type { Retained } from '../artifacts/retention.ts'
import { transaction, type Db } from './pool.ts'

export interface RetainedRun extends Retained {
  readonly run: number
  readonly startedAt: Date
  /** Of the parts that are recorded. */
  readonly storedBytes: number
}

/** Every artifact of the source that is not purged. A run that is under way or held keeps the artifact that it applies, its own or not. */
export async function listRetained(db: Db, sourceId: number): Promise<RetainedRun[]> {
  const { rows } = await db.query<RetainedRun>(
    `select r.id as run, r.started_at as "startedAt", r.state = 'succeeded' as good, s.latest_run is not distinct from r.id as latest,
       case when u.active then null else coalesce(r.finished_at, r.started_at) end as "finishedAt", coalesce(u.held, false) as held,
       coalesce((select sum(stored_bytes) from catalog.parts p where p.source_id = r.source_id and p.run_id = r.id), 0)::bigint as "storedBytes"
     from catalog.artifacts a
     join catalog.sources s on s.id = a.source_id
     join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
     cross join lateral (
       select bool_or(u.state in ('running', 'interrupted')) as active, bool_or(u.state = 'held') as held
       from catalog.runs u where u.source_id = a.source_id and u.artifact_run = a.run_id
     ) u
     where a.source_id = $1 and a.state <> 'purged' order by r.id`,
    [sourceId],
  )
  return rows
}

/** Notes that the bytes of these runs are gone; how far they had been applied is forgotten with them. Twice is safe. */
export async function markPurged(db: Db, sourceId: number, runs: readonly number[]): Promise<void> {
  await transaction(db, async (client) => {
    await client.query(`update catalog.artifacts set state = 'purged', purged_at = now() where source_id = $1 and run_id = any ($2) and state <> 'purged'`, [sourceId, runs])
    await client.query(
      `delete from catalog.checkpoints where source_id = $1
         and run_id in (select id from catalog.runs where source_id = $1 and artifact_run = any ($2))`,
      [sourceId, runs],
    )
  })
}
