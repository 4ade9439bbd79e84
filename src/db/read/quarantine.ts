// The read model of quarantined records. A record stays open until a replay or a later run applies
// it.

import { SyncError } from '../../core/errors.ts'
import { type Catalog, toBytes, toInstant } from '../catalog.ts'
import type { Db } from '../pool.ts'
import { countListed, loadPage, type ListPage, type PageRequest } from './page.ts'

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
  /** The place and the reason. */
  readonly message: string
  readonly reason: string
  readonly createdAt: Date
}

export type QuarantineState = 'open' | 'replayed' | 'superseded' | 'resolved' | 'ignored'

/** A record in any state, with its bytes. */
export interface QuarantineDetails extends QuarantineSummary {
  readonly state: QuarantineState
  readonly artifactState: 'open' | 'closed' | 'purged'
  /** At most the first 64 KiB. */
  readonly raw: Buffer
  /** The run that quarantined it last. */
  readonly lastRun: number
  /** The run that closed it; null while it is open. */
  readonly closedRun: number | null
  /** The newest quarantined record of the same product after this one. */
  readonly again: number | null
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
    toItem: toQuarantineSummary,
    keyOf: ({ id }) => id,
  })
}

interface DetailsRow extends RecordRow {
  readonly state: QuarantineDetails['state']
  readonly artifact_state: QuarantineDetails['artifactState']
  readonly raw: string
  readonly last_run: number
  readonly closed_run: number | null
  readonly again: number | null
}

/** @throws SyncError `quarantine/unknown` */
export async function loadQuarantinedRecord(db: Catalog, id: number): Promise<QuarantineDetails> {
  const [row] = await db.call<DetailsRow>('find_quarantined_record', { id })
  if (!row) throw new SyncError('quarantine/unknown', `Quarantined record ${id} does not exist`)
  return {
    ...toQuarantineSummary(row),
    state: row.state,
    artifactState: row.artifact_state,
    raw: toBytes(row.raw),
    lastRun: row.last_run,
    closedRun: row.closed_run,
    again: row.again,
  }
}

function toQuarantineSummary(row: RecordRow): QuarantineSummary {
  const { source, artifact_run: run, part, line, byte_offset: byteOffset, message } = row
  // As `quarantineLine` writes it, after the name that the source had then.
  const place = `, run ${run}, part ${part}, line ${line}, byte ${byteOffset}: `
  const placeAt = message.indexOf(place)
  return {
    id: row.id,
    source,
    artifactRun: run,
    part,
    line,
    byteOffset,
    byteLength: row.byte_length,
    product: row.product,
    rule: row.rule,
    message,
    reason: placeAt === -1 ? message : message.slice(placeAt + place.length),
    createdAt: toInstant(row.created_at),
  }
}

export function countQuarantine(db: Catalog, source: string | undefined): Promise<number> {
  return countListed(db, 'quarantine', { source })
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
