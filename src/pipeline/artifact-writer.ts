// Turns the pages of a fetch into archived parts. One part fills while the previous one is stored;
// their rows are written in order.

import { toArtifactKey } from '../artifacts/manifest.ts'
import { PartWriter } from '../artifacts/parts.ts'
import type { Cursor, Page } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { isTime } from '../core/source-time.ts'
import {
  addPart,
  noteArtifact,
  type ArchivedPart,
  type ArtifactNote,
  type PartArrival,
  type StoredPart,
} from '../db/write/artifacts.ts'
import type { WorkDone } from '../db/write/work-done.ts'
import { LINE_FEED } from '../lib/byte-scan.ts'
import type { HashedPart } from './apply/hashed-part.ts'
import type { HashedParts } from './apply/hashed-parts.ts'
import type { RunContext } from './context.ts'
import { limitPartAge } from './end-due-parts.ts'
import { FetchNotes, type Shortfall } from './fetch-notes.ts'
import { sanitizeText } from './sanitize-text.ts'
import { withRetry } from './retry.ts'

/** Raw bytes of the first part. Each next part may be twice as large, up to `partBytesMax`. */
const FIRST_PART_BYTES = 2 * 1024 * 1024
/** Limit of a line's compressed bytes: a part is stored from memory, and a line is in one part. */
const LINE_STORED_BYTES_MAX = 128 * 1024 * 1024

/** An empty state, or as an interrupted fetch left it. */
export type FetchStart = Pick<WorkDone, 'artifact' | 'parts'>

interface PartTimes {
  /** Time of the request for the first bytes of the part. */
  readonly requestedMs: number
  /** Time at which its first page had arrived. */
  readonly arrivedMs: number
}

type PartPlace = PartTimes &
  Pick<ArchivedPart, 'no' | 'cursorAfter'> &
  Pick<PartArrival, 'waitedMs'>

export class ArtifactWriter {
  cursor: Cursor | null
  complete = false
  readonly #context: RunContext
  readonly #onPart: (part: StoredPart) => void
  readonly #hashed: HashedParts | null
  readonly #notes: FetchNotes
  #nextNo: number
  #writer: PartWriter
  /** The lines of the current part; null when it is not hashed. */
  #hashing: HashedPart | null = null
  #storing: Promise<void> = Promise.resolve()
  /** True while the current part ends with a piece of a line. */
  #inLine = false
  #requestedMs = performance.now()
  /** Times of the current part; null while it is empty. */
  #partTimes: PartTimes | null = null
  /** The waits that belong to the parts before the current one. */
  #waitedMs = 0
  /** The latest instant of the server's clock that is known, in epoch milliseconds. */
  #serverMs: number

  /**
   * Calls `onPart` in order for every part whose row is written. Before that, `hashed` receives its
   * lines.
   */
  constructor(
    context: RunContext,
    start: FetchStart,
    onPart: (part: StoredPart) => void,
    hashed: HashedParts | null,
  ) {
    this.#context = context
    this.#onPart = onPart
    this.#hashed = hashed
    this.#serverMs = (start.parts.at(-1)?.createdAt ?? context.run.startedAt).getTime()
    this.#notes = new FetchNotes(start.artifact, context.progress)
    this.#nextNo = start.parts.length + 1
    this.cursor = start.parts.at(-1)?.cursorAfter ?? null
    this.#writer = this.#newWriter()
  }

  /** Records the time of the request for the pages that follow. */
  beginRequest(): void {
    this.#requestedMs = performance.now()
  }

  /** Time until the current part should end although more pages fit in; null while it is empty. */
  get dueMs(): number | null {
    if (this.#partTimes === null || this.#inLine) return null
    const { partAgeMs } = this.#context.options
    return this.#partTimes.arrivedMs + limitPartAge(partAgeMs, this.#nextNo) - performance.now()
  }

  /** Stores the current part, which is due. */
  async endPart(): Promise<void> {
    await this.#startPart()
  }

  async add(page: Page): Promise<void> {
    if (await this.#addPiece(page)) return
    if (!this.#inLine && !this.#writer.fits(page.bytes.length)) await this.#startPart()
    this.#inLine = false
    this.#partTimes ??= this.#readTimes()
    if (this.#writer.rawBytes === 0 && page.lineCount > 0)
      this.#hashing = await this.#beginHashing()
    // The page is compressed in the background while it is hashed here.
    const added = this.#writer.add(page)
    this.#hashing?.add(page.bytes)
    await added
    this.cursor = page.cursor
    this.complete = page.complete
    const expected = toCount(page.expected)
    const isNew = this.#notes.expected === null && expected !== null
    this.#notes.expected = expected ?? this.#notes.expected
    // The database checks the watermark against its clock.
    if (page.watermarkMs !== null && isTime(page.watermarkMs))
      this.#notes.watermarkMs = page.watermarkMs
    const { progress } = this.#context
    progress.expected = this.#notes.expected
    progress.fetchedLines += page.lineCount
    progress.fetchedBytes += page.bytes.length
    // Other processes read the run's progress from this row. When everything has arrived, the
    // artifact is closed in a moment.
    if (isNew && progress.fetchedLines < expected) await this.#saveNote(false)
  }

  async #beginHashing(): Promise<HashedPart | null> {
    const hashed = this.#hashed
    return hashed && withRetry(this.#context, 'load', () => hashed.begin(this.#serverMs))
  }

  /**
   * A line in pieces begins a new part, so that the part can be discarded if the line is cut short.
   * Returns false for a page of whole lines and for the last piece.
   */
  async #addPiece({ bytes }: Page): Promise<boolean> {
    if (bytes.length === 0 || bytes.at(-1) === LINE_FEED) return false
    if (!this.#inLine) await this.#startPart()
    this.#inLine = true
    this.#partTimes ??= this.#readTimes()
    await this.#writer.add({ bytes, lineCount: 0 })
    this.#context.progress.fetchedBytes += bytes.length
    if (this.#writer.storedBytes <= LINE_STORED_BYTES_MAX) return true
    throw new SyncError(
      'source/too-large',
      `A line has more than ${this.#writer.rawBytes} bytes; compressed, it exceeds the limit of ${LINE_STORED_BYTES_MAX}`,
    )
  }

  /** Discards the pieces of a line that was cut short. */
  dropPieces(): void {
    if (!this.#inLine) return
    this.#context.progress.fetchedBytes -= this.#writer.rawBytes
    this.#writer.discard()
    this.#writer = this.#newWriter()
    this.#partTimes = null
    this.#inLine = false
  }

  warn(text: string): void {
    const message = sanitizeText(this.#context, text)
    this.#notes.warn(message)
    this.#context.log.warn({}, message)
  }

  /** Records a warning that is in the log already. */
  note(message: string): void {
    this.#notes.warn(message)
  }

  /** Returns the error with the place of the next line in the artifact. */
  locate(cause: SyncError): SyncError {
    const { source, run } = this.#context
    const place = {
      source: source.name,
      run: run.artifactRun,
      part: this.#nextNo,
      line: this.#writer.lineCount + 1,
      byte: this.#writer.rawBytes,
    }
    const where = `${place.source}, run ${place.run}, part ${place.part}, line ${place.line}, byte ${place.byte}`
    return new SyncError(cause.code, `${sanitizeText(this.#context, cause.message)} (${where})`, {
      cause,
      detail: { ...cause.detail, ...place },
      retryAfterMs: cause.retryAfterMs,
    })
  }

  /** Stores everything that arrived. */
  async flush(): Promise<void> {
    await this.#startPart()
    await this.#storing
    await this.#saveNote(false)
  }

  /**
   * Stores everything that arrived and closes the artifact: as complete, or with the reason why it
   * ended early, which becomes its last warning. A cut response leaves it incomplete. An open circuit
   * breaker ends fetches of named products only, for which nothing has to be proved.
   */
  async close(shortfall: Shortfall | null): Promise<void> {
    this.complete = shortfall?.code !== 'source/cut-short'
    if (shortfall !== null) {
      this.#notes.endEarly(shortfall)
      const end = this.complete ? 'ended early' : 'is incomplete'
      this.#context.log.warn({}, `The fetch ${end}: ${shortfall.message}`)
    }
    const closesWithPart = await this.#startPart(true)
    await this.#storing
    if (!closesWithPart) await this.#saveNote(true)
  }

  /**
   * Stores the current part after the ones before it, and starts the next. Returns false if it was
   * empty. With `closes`, the artifact is closed with the part.
   */
  async #startPart(closes = false): Promise<boolean> {
    const writer = this.#writer
    const cursorAfter = this.cursor
    const hashing = this.#hashing
    const times = this.#partTimes ?? this.#readTimes()
    const waitedMs = this.#context.progress.supplierWaitMs - this.#waitedMs
    this.#writer = this.#newWriter()
    this.#hashing = null
    this.#partTimes = null
    await this.#storing
    if (writer.lineCount === 0) {
      writer.discard()
      return false
    }
    this.#waitedMs += waitedMs
    const place = { no: this.#nextNo++, cursorAfter, waitedMs, ...times }
    const note = closes ? this.#notes.toNote(true, this.complete) : null
    this.#storing = this.#store(writer, place, note).then((part) => {
      this.#serverMs = part.createdAt.getTime()
      if (hashing) this.#hashed?.keep(part.no, hashing)
      this.#onPart(part)
    })
    // The next caller to await it receives the error; this only prevents an unhandled rejection.
    this.#storing.catch(() => {})
    return true
  }

  async #store(
    writer: PartWriter,
    { requestedMs, arrivedMs, waitedMs, ...place }: PartPlace,
    note: ArtifactNote | null,
  ): Promise<StoredPart> {
    const { db, store, run, source } = this.#context
    const { bytes, ...packed } = await writer.finish()
    const name = toArtifactKey(
      { source: source.name, run: String(run.id), startedAt: run.startedAt },
      place.no,
      packed,
    )
    const key = store.toKey?.(name, bytes) ?? name
    await withRetry(this.#context, 'store', () => store.put(key, bytes))
    const part = { ...packed, ...place, key }
    return withRetry(this.#context, 'archive', () =>
      addPart(db, run, part, {
        ageMs: performance.now() - requestedMs,
        arrivedAgeMs: performance.now() - arrivedMs,
        waitedMs,
        note,
      }),
    )
  }

  #saveNote(closed: boolean): Promise<void> {
    const note = this.#notes.toNote(closed, this.complete)
    return withRetry(this.#context, 'archive', () =>
      noteArtifact(this.#context.db, this.#context.run, note),
    )
  }

  /** Returns the times of a part whose first page has arrived now. */
  #readTimes(): PartTimes {
    return { requestedMs: this.#requestedMs, arrivedMs: performance.now() }
  }

  /** The first parts are small, so that applying starts soon after the fetch. */
  #newWriter(): PartWriter {
    const { store, options } = this.#context
    return new PartWriter(
      store.codec ?? 'zstd',
      Math.min(options.partBytesMax, FIRST_PART_BYTES * 2 ** (this.#nextNo - 1)),
    )
  }
}

/** Returns null for a count that cannot be stored: a supplier may send any number. */
function toCount(expected: number | null): number | null {
  return expected !== null && Number.isSafeInteger(expected) && expected >= 0 ? expected : null
}
