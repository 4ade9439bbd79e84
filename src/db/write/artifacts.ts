// The rows of artifacts: their parts in order, their completeness, and the products that later runs
// saw.

import type { Part } from '../../artifacts/parts.ts'
import type { Cursor } from '../../core/connector.ts'
import { type Catalog, jsonb, one, toBytes, toInstant } from '../catalog.ts'
import type { LeasedRun } from './runs.ts'

/** A part with the cursor that continues the fetch after it. */
export interface ArchivedPart extends Part {
  readonly cursorAfter: Cursor | null
}

/** A part whose row is written. */
export interface StoredPart extends ArchivedPart {
  /** When its row was written, by the server's clock: every record in it is older. */
  readonly createdAt: Date
}

export interface ArtifactNote {
  /** True when nothing more is fetched. */
  readonly closed: boolean
  /** The supplier's own count or end marker proves that nothing is missing. */
  readonly complete: boolean
  readonly expected: number | null
  readonly watermarkMs: number | null
  readonly warnings: readonly string[]
}

interface PartRow {
  readonly no: number
  readonly key: string
  readonly codec: Part['codec']
  readonly sha256: string
  readonly line_count: number
  readonly raw_bytes: number
  readonly stored_bytes: number
  readonly cursor_after: Cursor | null
  readonly created_at: string
}

/**
 * Records a part whose bytes are durable. A second call changes nothing. `ageMs`: time since the
 * request to the supplier.
 *
 * @throws SyncError `run/fenced`
 */
export async function addPart(
  db: Catalog,
  run: LeasedRun,
  part: ArchivedPart,
  ageMs: number,
): Promise<StoredPart> {
  const rows = await db.call<string>('add_part', {
    source: run.sourceId,
    run: run.artifactRun,
    token: run.token,
    no: part.no,
    key: part.key,
    codec: part.codec,
    sha256: Buffer.from(part.sha256, 'hex'),
    line_count: part.lineCount,
    raw_bytes: part.rawBytes,
    stored_bytes: part.storedBytes,
    cursor_after: jsonb(part.cursorAfter),
    age: `${Math.ceil(ageMs)} ms`,
  })
  return { ...part, createdAt: toInstant(one(rows)) }
}

/** @throws SyncError `run/fenced` */
export async function noteArtifact(db: Catalog, run: LeasedRun, note: ArtifactNote): Promise<void> {
  await db.call('update_artifact', {
    source: run.sourceId,
    run: run.artifactRun,
    token: run.token,
    closed: note.closed,
    complete: note.complete,
    expected: note.expected,
    watermark: note.watermarkMs === null ? null : new Date(note.watermarkMs),
    warnings: jsonb(note.warnings),
  })
}

export async function findArtifact(
  db: Catalog,
  sourceId: number,
  run: number,
): Promise<(ArtifactNote & { readonly purged: boolean }) | null> {
  const [row] = await db.call<{
    state: 'open' | 'closed' | 'purged'
    complete: boolean
    expected: number | null
    watermark: string | null
    warnings: string[]
  }>('find_artifact', { source: sourceId, run })
  if (!row) return null
  const { state, complete, expected, watermark, warnings } = row
  return {
    closed: state !== 'open',
    purged: state === 'purged',
    complete,
    expected,
    watermarkMs: toInstant(watermark)?.getTime() ?? null,
    warnings,
  }
}

/** Returns the newest run of the source whose artifact is closed and not purged, or null. */
export async function findNewestArtifact(db: Catalog, sourceId: number): Promise<number | null> {
  return one(await db.call<number | null>('find_newest_artifact', { source: sourceId }))
}

/** Returns the newest run, in any state, that has fetched the whole source, or null. */
export async function findNewestWholeArtifact(
  db: Catalog,
  sourceId: number,
): Promise<number | null> {
  return one(await db.call<number | null>('find_newest_full_artifact', { source: sourceId }))
}

export async function listParts(db: Catalog, sourceId: number, run: number): Promise<StoredPart[]> {
  const rows = await db.call<PartRow>('list_parts', { source: sourceId, run })
  return rows.map((row) => ({
    no: row.no,
    key: row.key,
    codec: row.codec,
    sha256: row.sha256.slice(2),
    lineCount: row.line_count,
    rawBytes: row.raw_bytes,
    storedBytes: row.stored_bytes,
    cursorAfter: row.cursor_after,
    createdAt: toInstant(row.created_at),
  }))
}

/** Returns bitmaps over product numbers: the products that settled runs with a newer artifact saw. */
export async function listSeenAfter(
  db: Catalog,
  sourceId: number,
  artifactRun: number,
): Promise<Buffer[]> {
  return (
    await db.call<string>('list_newer_seen', { source: sourceId, artifact_run: artifactRun })
  ).map(toBytes)
}

/**
 * Lists the numbers of products whose rows a refresh or an import wrote beside this run, although it
 * had requested them before this run did.
 */
export function listOverwrittenProducts(
  db: Catalog,
  sourceId: number,
  run: number,
): Promise<number[]> {
  return db.call<number>('list_overwritten_products', { source: sourceId, run })
}
