// What the database knows of artifacts: their parts in order, whether they are complete, and what later runs saw.

import type { Part } from '../artifacts/parts.ts'
import type { Cursor } from '../core/connector.ts'
import { ask } from './failures.ts'
import type { Db } from './pool.ts'
import type { HeldRun } from './runs.ts'

/** A part with the cursor to fetch on after it. */
export interface ArchivedPart extends Part {
  readonly cursorAfter: Cursor | null
}

export interface ArtifactNote {
  /** Nothing more will be fetched. */
  readonly closed: boolean
  /** The supplier's own count or end marker proves that nothing is missing. */
  readonly complete: boolean
  readonly claimed: number | null
  readonly watermarkMs: number | null
  readonly warnings: readonly string[]
}

interface PartRow {
  no: number
  key: string
  codec: Part['codec']
  sha256: Buffer
  line_count: number
  raw_bytes: number
  stored_bytes: number
  cursor_after: Cursor | null
}

/** Notes that the part's bytes are durable. Twice is one row. @throws SyncError `run/fenced` */
export async function addPart(db: Db, run: HeldRun, part: ArchivedPart): Promise<void> {
  await ask(
    db.query('select catalog.add_part($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', [
      run.sourceId,
      run.artifactRun,
      run.token,
      part.no,
      part.key,
      part.codec,
      Buffer.from(part.sha256, 'hex'),
      part.lineCount,
      part.rawBytes,
      part.storedBytes,
      JSON.stringify(part.cursorAfter),
    ]),
  )
}

/** @throws SyncError `run/fenced` */
export async function noteArtifact(db: Db, run: HeldRun, note: ArtifactNote): Promise<void> {
  await ask(
    db.query('select catalog.note_artifact($1, $2, $3, $4, $5, $6, $7, $8)', [
      run.sourceId,
      run.artifactRun,
      run.token,
      note.closed,
      note.complete,
      note.claimed,
      note.watermarkMs === null ? null : new Date(note.watermarkMs),
      JSON.stringify(note.warnings),
    ]),
  )
}

export async function findArtifact(db: Db, sourceId: number, run: number): Promise<(ArtifactNote & { readonly purged: boolean }) | null> {
  const { rows } = await db.query<{
    state: 'open' | 'closed' | 'purged'
    complete: boolean
    claimed: number | null
    watermark: Date | null
    warnings: string[]
  }>('select * from catalog.find_artifact($1, $2)', [sourceId, run])
  const [row] = rows
  if (!row) return null
  const { state, complete, claimed, watermark, warnings } = row
  return { closed: state !== 'open', purged: state === 'purged', complete, claimed, watermarkMs: watermark?.getTime() ?? null, warnings }
}

/** The youngest run of the source whose artifact is closed and still there. */
export async function findNewestArtifact(db: Db, sourceId: number): Promise<number | null> {
  const { rows } = await ask(db.query<{ run: number | null }>('select catalog.newest_artifact($1) as run', [sourceId]))
  return rows[0]?.run ?? null
}

export async function listParts(db: Db, sourceId: number, run: number): Promise<ArchivedPart[]> {
  const { rows } = await db.query<PartRow>('select * from catalog.list_parts($1, $2)', [sourceId, run])
  return rows.map((row) => ({
    no: row.no,
    key: row.key,
    codec: row.codec,
    sha256: row.sha256.toString('hex'),
    lineCount: row.line_count,
    rawBytes: row.raw_bytes,
    storedBytes: row.stored_bytes,
    cursorAfter: row.cursor_after,
  }))
}

/** What settled runs with a younger artifact saw: bitmaps over product numbers. */
export async function listSeenAfter(db: Db, sourceId: number, artifactRun: number): Promise<Buffer[]> {
  const { rows } = await db.query<{ seen: Buffer }>('select * from catalog.seen_after($1, $2) as seen', [sourceId, artifactRun])
  return rows.map(({ seen }) => seen)
}
