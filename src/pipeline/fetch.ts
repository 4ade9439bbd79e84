// fetch: the supplier's bytes to archived parts. Nothing is parsed for meaning here; a part exists
// once its bytes are durable and its row is written, and only then is it handed on.

import { artifactKey } from '../artifacts/manifest.ts'
import { PartWriter } from '../artifacts/parts.ts'
import { LINE_FEED } from '../lib/ndjson.ts'
import type { Cursor, Page, Scope } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { isTime } from '../core/source-time.ts'
import { addPart, noteArtifact, type StoredPart } from '../db/write/artifacts.ts'
import type { LeasedRun } from '../db/write/runs.ts'
import type { RunContext } from './context.ts'
import { outsideText } from './outside-text.ts'
import { withRetry, waitBeforeRetry } from './retry.ts'

/** Of raw lines. Each next part may be twice as large, up to the limit of all. */
const FIRST_PART_BYTES = 2 * 1024 * 1024
/** A part is in memory as it is stored, and a line is never divided between parts. */
const LINE_STORED_BYTES_MAX = 128 * 1024 * 1024
/**
 * At least so long before asking again: what is cut after every page makes progress each time, and
 * would be asked twice a second for hours.
 */
const PAUSE_MS_MIN = 1_500

/** What is known when a fetch begins: nothing, or what an interrupted one has archived. */
export interface FetchStart {
  readonly parts: readonly StoredPart[]
  readonly expected: number | null
  readonly watermarkMs: number | null
  readonly warnings: readonly string[]
}

/**
 * Archives everything the supplier has to say, resuming after the last archived part, and calls
 * `onPart` for each new part in order. The only layer that retries: an attempt that got further
 * than all before starts the count anew. One that begins again and is cut again does not, or a
 * supplier that always breaks at the same place would be asked for ever; nor does one that only
 * trickled on.
 *
 * When it ends, also by cancellation, every page that arrived is in a part. When the supplier kept
 * cutting it short, the artifact is closed as not complete, and its last warning is the reason.
 * Every failure says where in the artifact the next line was to stand.
 *
 * @throws SyncError `source/…` when the supplier refuses, or stays away for all attempts ·
 * `run/fenced` · `artifact/unwritable`
 */
export async function fetchArtifact(
  context: RunContext,
  start: FetchStart,
  onPart: (part: StoredPart) => void,
): Promise<void> {
  const archive = new Archive(context, start, onPart)
  try {
    await archive.close(await fetchWithRetries(context, archive))
  } catch (error) {
    await archive.flush()
    throw error
  }
}

/** Null when all has come, else why nothing proves that it has. */
async function fetchWithRetries(context: RunContext, archive: Archive): Promise<string | null> {
  const { options, signal } = context
  const reached = new Set([JSON.stringify(archive.cursor)])
  for (let attempt = 0; ;) {
    try {
      for await (const page of fetchPages(context, archive)) await archive.add(page)
      if (archive.complete) return null
      throw new SyncError(
        'source/cut-short',
        'The answer ended without proof that nothing is missing',
      )
    } catch (thrown) {
      archive.dropPieces()
      signal.throwIfAborted()
      // What the store or the database refuses would be lost by asking the supplier for what comes
      // after it.
      if (!(thrown instanceof SyncError) || !thrown.code.startsWith('source/')) throw thrown
      const error = archive.locate(thrown)
      if (error.action !== 'retry') throw error
      const place = JSON.stringify(archive.cursor)
      const gotFurther =
        archive.cursor !== null && !reached.has(place) && error.code !== 'source/too-slow'
      attempt = gotFurther ? 1 : attempt + 1
      reached.add(place)
      if (attempt >= options.attemptsMax) {
        if (error.code === 'source/cut-short') return error.message
        throw error
      }
      await waitBeforeRetry(context, error, { attempt: attempt - 1, leastMs: PAUSE_MS_MIN })
    }
  }
}

function fetchPages(context: RunContext, archive: Archive): AsyncIterable<Page> {
  const { connector, settings, run, http, signal } = context
  return connector.fetch(
    {
      settings,
      credentials: context.credentials(context),
      scope: scopeOf(run),
      cursor: archive.cursor,
      http,
      warn: (message) => archive.warn(message),
    },
    signal,
  )
}

/** The part of the source that a run covers. */
export function scopeOf({ kind, sinceAt }: Pick<LeasedRun, 'kind' | 'sinceAt'>): Scope {
  return kind === 'incremental'
    ? { kind: 'since', sinceMs: sinceAt?.getTime() ?? 0 }
    : { kind: 'all' }
}

/** What a supplier says of its own size is any number: only a count can be stored. */
function countOf(expected: number | null): number | null {
  return expected !== null && Number.isSafeInteger(expected) && expected >= 0 ? expected : null
}

/**
 * Turns pages into parts. One part is being filled while the one before it is stored; they are
 * recorded in order.
 */
class Archive {
  cursor: Cursor | null
  complete = false
  readonly #context: RunContext
  readonly #onPart: (part: StoredPart) => void
  readonly #warnings: string[]
  #expected: number | null
  #watermarkMs: number | null
  #nextNo: number
  #writer: PartWriter
  #storing: Promise<void> = Promise.resolve()
  /** Whether what is being filled ends with a piece of a line. */
  #inLine = false

  constructor(context: RunContext, start: FetchStart, onPart: (part: StoredPart) => void) {
    this.#context = context
    this.#onPart = onPart
    this.#warnings = [...start.warnings]
    this.#expected = start.expected
    this.#watermarkMs = start.watermarkMs
    this.#nextNo = start.parts.length + 1
    this.cursor = start.parts.at(-1)?.cursorAfter ?? null
    this.#writer = this.#newWriter()
  }

  async add(page: Page): Promise<void> {
    if (await this.#addPiece(page)) return
    if (!this.#inLine && !this.#writer.fits(page.bytes.length)) await this.#roll()
    this.#inLine = false
    await this.#writer.add(page)
    this.cursor = page.cursor
    this.complete = page.complete
    const expected = countOf(page.expected)
    const expectedNow = this.#expected === null && expected !== null
    this.#expected ??= expected
    // Whether it lies in the future is for the database's clock to say.
    if (page.watermarkMs !== null && isTime(page.watermarkMs)) this.#watermarkMs = page.watermarkMs
    const { progress } = this.#context
    progress.expected = this.#expected
    progress.fetchedLines += page.lineCount
    progress.fetchedBytes += page.bytes.length
    // Whoever watches the run from elsewhere wants to know of how many.
    if (expectedNow) await this.#note(false)
  }

  /**
   * A line that comes in pieces begins a part of its own, so that it can be forgotten when its end
   * does not come. False for a page that is no piece, or the last one.
   */
  async #addPiece({ bytes }: Page): Promise<boolean> {
    if (bytes.length === 0 || bytes.at(-1) === LINE_FEED) return false
    if (!this.#inLine) await this.#roll()
    this.#inLine = true
    await this.#writer.add({ bytes, lineCount: 0 })
    this.#context.progress.fetchedBytes += bytes.length
    if (this.#writer.storedBytes <= LINE_STORED_BYTES_MAX) return true
    throw new SyncError(
      'source/too-large',
      `A line has more than ${this.#writer.rawBytes} bytes: compressed they pass the limit of ${LINE_STORED_BYTES_MAX}`,
    )
  }

  /** Forgets the line whose end has not come. */
  dropPieces(): void {
    if (!this.#inLine) return
    this.#context.progress.fetchedBytes -= this.#writer.rawBytes
    this.#writer.discard()
    this.#writer = this.#newWriter()
    this.#inLine = false
  }

  warn(said: string): void {
    const message = outsideText(this.#context, said)
    if (this.#warnings.length < 100) this.#warnings.push(message)
    this.#context.log.warn({}, message)
  }

  /**
   * The same failure, told with the place of the line that did not come, as quarantine tells the
   * place of one that did.
   */
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
    return new SyncError(cause.code, `${outsideText(this.#context, cause.message)} (${where})`, {
      cause,
      detail: { ...cause.detail, ...place },
    })
  }

  /** Makes everything that arrived durable. */
  async flush(): Promise<void> {
    await this.#roll()
    await this.#storing
    await this.#note(false)
  }

  /**
   * The same, and says that nothing more will come: all is there, or else the reason is kept,
   * however many warnings there are.
   */
  async close(shortfall: string | null): Promise<void> {
    this.complete = shortfall === null
    if (shortfall !== null) {
      this.#warnings.push(shortfall)
      this.#context.log.warn({}, `The fetch is incomplete: ${shortfall}`)
    }
    await this.#roll()
    await this.#storing
    await this.#note(true)
  }

  /** Closes the part that is being filled and stores it behind the ones before. */
  async #roll(): Promise<void> {
    const writer = this.#writer
    const cursorAfter = this.cursor
    this.#writer = this.#newWriter()
    await this.#storing
    if (writer.lineCount === 0) return writer.discard()
    this.#storing = this.#store(writer, this.#nextNo++, cursorAfter)
    // Whoever awaits it next sees the failure; until then it must not count as unhandled.
    this.#storing.catch(() => {})
  }

  async #store(writer: PartWriter, no: number, cursorAfter: Cursor | null): Promise<void> {
    const { db, store, run, source } = this.#context
    const { bytes, ...packed } = await writer.finish()
    const key = artifactKey(
      { source: source.name, run: String(run.id), startedAt: run.startedAt },
      no,
      packed,
    )
    await withRetry(this.#context, () => store.put(key, bytes))
    const part = { ...packed, no, key, cursorAfter }
    this.#onPart(await withRetry(this.#context, () => addPart(db, run, part)))
  }

  #note(closed: boolean): Promise<void> {
    const note = {
      closed,
      complete: closed && this.complete,
      expected: this.#expected,
      watermarkMs: this.#watermarkMs,
      warnings: this.#warnings,
    }
    return withRetry(this.#context, () => noteArtifact(this.#context.db, this.#context.run, note))
  }

  /** The first parts are small, so that applying begins while the supplier has hardly begun. */
  #newWriter(): PartWriter {
    const { partBytesMax } = this.#context.options
    return new PartWriter(
      'zstd',
      Math.min(partBytesMax, FIRST_PART_BYTES * 2 ** (this.#nextNo - 1)),
    )
  }
}
