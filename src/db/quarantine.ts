// Records that could not be applied, until a replay takes them in.

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

/** A record with the version of its row, which changes when the same record is put into quarantine again. */
export interface OpenRecord {
  readonly id: number
  readonly version: string
}

/** What is open, the newest first; `total` counts all of it. */
export async function listQuarantine(db: Db, filter: { source?: string | undefined; limit: number }): Promise<{ total: number; records: QuarantineListing[] }> {
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

/** The runs whose artifacts have open records, the oldest first, with whether their bytes are still there. */
export async function listQuarantinedRuns(db: Db, sourceId: number): Promise<{ run: number; purged: boolean }[]> {
  const { rows } = await db.query<{ run: number; purged: boolean }>(
    `select a.run_id as run, a.state = 'purged' as purged from catalog.artifacts a
     where a.source_id = $1 and a.run_id in (select artifact_run from catalog.quarantine where source_id = $1 and state = 'open') order by run`,
    [sourceId],
  )
  return rows
}

/** The open records of one artifact. A row's `xmin` is the transaction that wrote it last, so it shows whether that was before a replay. */
export async function listOpenRecords(db: Db, sourceId: number, artifactRun: number): Promise<OpenRecord[]> {
  const { rows } = await db.query<OpenRecord>(
    `select id, xmin::text as version from catalog.quarantine where source_id = $1 and artifact_run = $2 and state = 'open'`,
    [sourceId, artifactRun],
  )
  return rows
}

/** Marks those of `before` that have not come back since; returns how many. */
export async function markReplayed(db: Db, sourceId: number, before: readonly OpenRecord[]): Promise<number> {
  const { rowCount } = await db.query(
    `update catalog.quarantine q set state = 'replayed'
     from unnest($2::bigint[], $3::text[]) as b (id, version)
     where q.source_id = $1 and q.id = b.id and q.xmin::text = b.version and q.state = 'open'`,
    [sourceId, before.map(({ id }) => id), before.map(({ version }) => version)],
  )
  return rowCount ?? 0
}
