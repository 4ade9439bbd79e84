// Records that could not be applied, until a replay or a later run takes them in: settle closes
// them (see catalog.resolve_quarantine).

import type { Db } from './pool.ts'

export interface QuarantineListing {
  readonly id: number
  readonly source: string
  readonly artifactRun: number
  readonly part: number
  readonly line: number
  readonly byteOffset: number
  readonly byteLength: number
  readonly product: string | null
  readonly rule: string
  readonly message: string
  readonly createdAt: Date
}

/** What is open, the newest first; `total` counts all of it. */
export async function listQuarantine(
  db: Db,
  filter: { source?: string | undefined; limit: number },
): Promise<{ total: number; records: QuarantineListing[] }> {
  const { rows: records } = await db.query<QuarantineListing>(
    `select q.id, s.name as source, q.artifact_run as "artifactRun", q.part_no as part, q.line_no as line, q.byte_offset as "byteOffset",
       q.byte_length as "byteLength", q.external_id as product, q.rule, q.message, q.created_at as "createdAt"
     from catalog.quarantine q join catalog.sources s on s.id = q.source_id
     where q.state = 'open' and ($1::text is null or s.name = $1) order by q.id desc limit $2`,
    [filter.source ?? null, filter.limit],
  )
  const { rows } = await db.query<{ total: number }>(
    `select count(*) as total from catalog.quarantine q join catalog.sources s on s.id = q.source_id
     where q.state = 'open' and ($1::text is null or s.name = $1)`,
    [filter.source ?? null],
  )
  return { total: rows[0]?.total ?? 0, records }
}

/**
 * A run whose artifact has open records. Only a `closed` one can be replayed: of an `open` one the
 * fetch did not end.
 */
export interface QuarantinedRun {
  readonly run: number
  readonly artifact: 'open' | 'closed' | 'purged'
}

/** The oldest first. */
export async function listQuarantinedRuns(db: Db, sourceId: number): Promise<QuarantinedRun[]> {
  const { rows } = await db.query<QuarantinedRun>(
    `select a.run_id as run, a.state as artifact from catalog.artifacts a
     where a.source_id = $1 and a.run_id in (select artifact_run from catalog.quarantine where source_id = $1 and state = 'open') order by run`,
    [sourceId],
  )
  return rows
}

/** The numbers of all open records of a source. */
export async function listOpenRecords(db: Db, sourceId: number): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>(
    `select id from catalog.quarantine where source_id = $1 and state = 'open'`,
    [sourceId],
  )
  return rows.map(({ id }) => id)
}

/** How many of these records have left quarantine. */
export async function countClosed(
  db: Db,
  sourceId: number,
  records: readonly number[],
): Promise<number> {
  const { rows } = await db.query<{ closed: number }>(
    `select count(*) as closed from catalog.quarantine where source_id = $1 and id = any ($2) and state <> 'open'`,
    [sourceId, records],
  )
  return rows[0]?.closed ?? 0
}
