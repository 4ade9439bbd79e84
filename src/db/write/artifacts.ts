// The rows of artifacts: their parts in order, their completeness, and the products that later runs
// saw.

import type { Part } from '../../artifacts/parts.ts'
import type { Cursor } from '../../core/connector.ts'
import type { ErrorCode } from '../../core/error-table.ts'
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
  /** The error that ended the fetch early: the run settles what had arrived. */
  readonly errorCode: ErrorCode | null
  /** Requests to the supplier, and those without a response of the status 2xx or 3xx. */
  readonly requests: number
  readonly failedRequests: number
}

/** An artifact as far as it is recorded. */
export interface Artifact extends ArtifactNote {
  /** True when its bytes have been removed. */
  readonly purged: boolean
}

export interface PartRow {
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

export interface PartArrival {
  /** Time since the request to the supplier. */
  readonly ageMs: number
  /** Time since its first page had arrived. */
  readonly arrivedAgeMs: number
  /** Time in which the fetch waited to send a request while the part filled. */
  readonly waitedMs: number
  /** For the last part, if it is known to be the last: the artifact is closed with it. */
  readonly note: ArtifactNote | null
}

/**
 * Records a part whose bytes are durable. A second call changes nothing.
 *
 * @throws SyncError `run/fenced`
 */
export async function addPart(
  db: Catalog,
  run: LeasedRun,
  part: ArchivedPart,
  { ageMs, arrivedAgeMs, waitedMs, note }: PartArrival,
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
    arrived_age: `${Math.ceil(arrivedAgeMs)} ms`,
    waited: `${Math.ceil(waitedMs)} ms`,
    note: note && jsonb({ ...note, watermark: toWatermark(note), facts: toFacts(note) }),
  })
  return { ...part, createdAt: toInstant(one(rows)) }
}

/** Returns the seconds since the first page of a part had arrived, or null without the part. */
export async function measurePart(
  db: Catalog,
  { sourceId, artifactRun }: LeasedRun,
  no: number,
): Promise<number | null> {
  return one(
    await db.call<number | null>('measure_part', { source: sourceId, run: artifactRun, no }),
  )
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
    watermark: toWatermark(note),
    warnings: jsonb(note.warnings),
    facts: jsonb(toFacts(note)),
  })
}

function toFacts({ errorCode, requests, failedRequests }: ArtifactNote): object {
  return { error_code: errorCode, requests, failed_requests: failedRequests }
}

function toWatermark({ watermarkMs }: ArtifactNote): Date | null {
  return watermarkMs === null ? null : new Date(watermarkMs)
}

export interface ArtifactRow {
  readonly state: 'open' | 'closed' | 'purged'
  readonly complete: boolean
  readonly expected: number | null
  readonly watermark: string | null
  readonly warnings: string[]
  readonly error_code: ErrorCode | null
  readonly requests: number
  readonly failed_requests: number
}

export async function findArtifact(
  db: Catalog,
  sourceId: number,
  run: number,
): Promise<Artifact | null> {
  const [row] = await db.call<ArtifactRow>('find_artifact', { source: sourceId, run })
  return row ? toArtifact(row) : null
}

export function toArtifact({ state, watermark, ...row }: ArtifactRow): Artifact {
  return {
    closed: state !== 'open',
    purged: state === 'purged',
    complete: row.complete,
    expected: row.expected,
    watermarkMs: toInstant(watermark)?.getTime() ?? null,
    warnings: row.warnings,
    errorCode: row.error_code,
    requests: row.requests,
    failedRequests: row.failed_requests,
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
  return (await db.call<PartRow>('list_parts', { source: sourceId, run })).map(toPart)
}

export function toPart(row: PartRow): StoredPart {
  return {
    no: row.no,
    key: row.key,
    codec: row.codec,
    sha256: row.sha256.slice(2),
    lineCount: row.line_count,
    rawBytes: row.raw_bytes,
    storedBytes: row.stored_bytes,
    cursorAfter: row.cursor_after,
    createdAt: toInstant(row.created_at),
  }
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
