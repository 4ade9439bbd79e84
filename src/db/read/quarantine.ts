// The read model of quarantined records. A record stays open until a replay or a later run applies
// it.

import { type Catalog, toInstant } from '../catalog.ts'
import type { Db } from '../pool.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export interface QuarantineSummary {
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

interface RecordRow {
  readonly id: number
  readonly source: string
  readonly artifact_run: number
  readonly part: number
  readonly line: number
  readonly byte_offset: number
  readonly byte_length: number
  readonly product: string | null
  readonly rule: string
  readonly message: string
  readonly created_at: string
}

/** Open records, the newest first. */
export function listQuarantine(
  db: Catalog,
  { source, ...page }: PageRequest & { readonly source?: string | undefined },
): Promise<ListPage<QuarantineSummary>> {
  return loadPage('quarantine', page, {
    load: (before, limit) =>
      db.call<RecordRow>('list_quarantine', {
        source: source ?? null,
        before: before === null ? null : Number(before),
        limit,
      }),
    toItem: (row) => ({
      id: row.id,
      source: row.source,
      artifactRun: row.artifact_run,
      part: row.part,
      line: row.line,
      byteOffset: row.byte_offset,
      byteLength: row.byte_length,
      product: row.product,
      rule: row.rule,
      message: row.message,
      createdAt: toInstant(row.created_at),
    }),
    keyOf: ({ id }) => id,
  })
}

/** A run whose artifact has open records. Only a `closed` artifact can be replayed. */
export interface QuarantinedRun {
  readonly run: number
  readonly artifact: 'open' | 'closed' | 'purged'
}

/** The oldest first. */
export async function listQuarantinedRuns(db: Db, sourceId: number): Promise<QuarantinedRun[]> {
  const { rows } = await db.query<QuarantinedRun>(
    `select a.run_id as run, a.state as artifact from catalog.artifacts a
     where a.source_id = $1
       and a.run_id in (
         select artifact_run from catalog.quarantine where source_id = $1 and state = 'open')
     order by run`,
    [sourceId],
  )
  return rows
}

/** The ids of all open records of a source. */
export async function listOpenRecords(db: Db, sourceId: number): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>(
    `select id from catalog.quarantine where source_id = $1 and state = 'open'`,
    [sourceId],
  )
  return rows.map(({ id }) => id)
}

/** Counts the records among `records` that have left quarantine. */
export async function countClosedRecords(
  db: Db,
  sourceId: number,
  records: readonly number[],
): Promise<number> {
  const { rows } = await db.query<{ closed: number }>(
    `select count(*) as closed from catalog.quarantine
     where source_id = $1 and id = any ($2) and state <> 'open'`,
    [sourceId, records],
  )
  return rows[0]?.closed ?? 0
}
