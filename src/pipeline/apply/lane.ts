// apply: one archived part to rows. A line whose hash is known costs a look-up; only the rest is
// parsed and merged.

import { readLines, type LongLine, type Lines } from '../../artifacts/lines.ts'
import { readPart } from '../../artifacts/parts.ts'
import { SyncError } from '../../core/errors.ts'
import { addCounts } from '../../core/ledger.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import type { QuarantinedRecord, StoredCheckpoint } from '../../db/write/batches.ts'
import { DataApi } from '../../db/data-api.ts'
import { isBlank } from '../../lib/ndjson.ts'
import type { MemberFinder } from '../../lib/member-finder.ts'
import { hashRecord } from '../../node/hash.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import { Batch, type PendingLine } from './batch.ts'
import type { Bitmap } from './bitmap.ts'
import { CallWriter } from './call-writer.ts'
import type { RunContext } from '../context.ts'
import { CopyWriter } from './copy-writer.ts'
import { idFound, newIdFinder } from './find-id.ts'
import type { KnownRecords } from './known-records.ts'
import { PartPosition, type LineWindow } from './part-position.ts'
import { quarantined } from './read-batch.ts'

/** What hashing a line may use; a larger record is hashed in pieces. */
const SCRATCH_BYTES = 1 << 20

/**
 * A run stops above this number of quarantined records and this many times its budget: each takes
 * up to 64 KiB in the database.
 */
const QUARANTINED_MAX = 10_000
const QUARANTINE_BUDGETS_MAX = 10

/** What all lanes of a run share. */
export interface ApplyState extends WriterState {
  readonly known: KnownRecords
  /** Products that went through staging in any part so far, as far as this process knows. */
  readonly seenStaged: Bitmap
}

/** Applies one part at a time. */
export class Lane {
  readonly #context: RunContext
  readonly #state: ApplyState
  readonly #writer: BatchWriter
  readonly #batch: Batch
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

  constructor(context: RunContext, state: ApplyState, writer: BatchWriter) {
    this.#context = context
    this.#state = state
    this.#writer = writer
    this.#batch = new Batch(context.options.batchRecordsMax, context.options.batchBytesMax)
  }

  /** Opens what `work` writes with, and closes it again. */
  static async use<T>(
    context: RunContext,
    state: ApplyState,
    work: (lane: Lane) => Promise<T>,
  ): Promise<T> {
    const { db } = context
    const writer =
      db instanceof DataApi
        ? new CallWriter(context, state, db)
        : await CopyWriter.open(context, state, db)
    let broken = true
    try {
      const result = await work(new Lane(context, state, writer))
      broken = false
      return result
    } finally {
      writer.close(broken)
    }
  }

  /**
   * Applies one archived part to the catalogue, from its checkpoint on.
   *
   * Each batch commits its rows, its price points, its changes and the checkpoint in one
   * transaction, so a crash between batches loses nothing and repeats nothing. A cancelled lane
   * commits what it has looked at and stops.
   *
   * @throws SyncError `run/fenced` when another worker has taken the run over; nothing of this
   * batch is written
   */
  async applyPart(
    part: StoredPart,
    checkpoint: StoredCheckpoint | null,
    window?: LineWindow,
  ): Promise<void> {
    await this.applyLines(
      new PartPosition(part, checkpoint, window),
      readPart(this.#context.store, part),
    )
  }

  /** The same for a part whose bytes are at hand. */
  async applyLines(at: PartPosition, bytes: AsyncIterable<Buffer>): Promise<void> {
    const { connector, signal, options, progress } = this.#context
    try {
      for await (const lines of readLines(bytes, options.recordBytesMax, () =>
        newIdFinder(connector),
      )) {
        if (signal.aborted) break
        if (lines.kind === 'long') await this.#setAside(at, lines)
        else await this.#lookAt(at, lines)
      }
      await this.#flush(at, !signal.aborted)
    } catch (error) {
      progress.appliedLines -= at.linesUnsaved
      throw error
    }
    signal.throwIfAborted()
  }

  /** Merges lines once more without counting them: they have their outcome already. */
  async applyAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    await this.#writer.writeAgain(partNo, lines)
  }

  async #lookAt(at: PartPosition, { bytes, bounds, firstLine, offset }: Lines): Promise<void> {
    const { connector, progress } = this.#context
    const { known, seenStaged } = this.#state
    const arrivedMs = at.part.createdAt.getTime()
    for (let i = 0; i < bounds.length; i += 2) {
      const lineNo = firstLine + i / 2
      if (!at.wants(lineNo)) continue
      const from = bounds[i] ?? 0
      const line = bytes.subarray(from, bounds[i + 1])
      const scan = connector.scan(line, arrivedMs)
      const hash = scan && hashRecord(line, scan, this.#scratch)
      const seq = hash ? known.find(hash) : -1
      if (seq >= 0 && !seenStaged.has(seq)) {
        // The same record in two parts counts as a duplicate too: settle finds those.
        at.counts[at.known.has(seq) ? 'duplicate' : 'unchanged'] += 1
        at.known.set(seq)
      } else if (isBlank(line)) {
        at.counts.blank += 1
      } else {
        if (!this.#batch.fits(line.length)) await this.#flush(at, false)
        this.#batch.add(line, { lineNo, byteOffset: offset + from, scan, hash })
      }
      at.lookedAt(lineNo, offset + (bounds[i + 1] ?? 0) + 1)
      progress.appliedLines += 1
    }
  }

  async #setAside(
    at: PartPosition,
    { line: lineNo, offset: byteOffset, length, head, reader }: LongLine<MemberFinder>,
  ): Promise<void> {
    if (!at.wants(lineNo)) return
    const { connector, options, progress } = this.#context
    const id = idFound(connector, reader)
    const why = `the line has ${length} bytes, ${options.recordBytesMax} are the limit`
    at.lookedAt(lineNo, byteOffset + length + 1)
    progress.appliedLines += 1
    await this.#flush(at, false, [
      quarantined(
        this.#context,
        at.part.no,
        { lineNo, byteOffset, line: head },
        'record/too-large',
        why,
        id,
        length,
      ),
    ])
  }

  /** Commits everything up to the line looked at last. */
  async #flush(
    at: PartPosition,
    done: boolean,
    aside: readonly QuarantinedRecord[] = [],
  ): Promise<void> {
    const { progress, log } = this.#context
    const writes = at.moved || done
    if (writes)
      for (const seq of await this.#writer.write(at, this.#batch.lines, aside, done))
        this.#state.seenStaged.set(seq)
    const counts = at.saved()
    addCounts(progress.counts, counts)
    if (writes)
      log.debug(
        { part: at.part.no, line: at.linesSaved, staged: this.#batch.lines.length, ...counts },
        'batch committed',
      )
    this.#batch.clear()
    checkQuarantineBudget(this.#context)
  }
}

/**
 * @throws SyncError `run/too-many-quarantined` when the run is so far over its budget that more
 * records in quarantine would help no person
 */
function checkQuarantineBudget({ source, progress }: RunContext): void {
  const { counts, appliedLines, expected } = progress
  const share = source.policy.quarantineShare
  const limit = Math.max(
    QUARANTINED_MAX,
    QUARANTINE_BUDGETS_MAX * share * Math.max(appliedLines, expected ?? 0),
  )
  if (counts.quarantined <= limit) return
  throw new SyncError(
    'run/too-many-quarantined',
    `${counts.quarantined} of the first ${appliedLines} records of ${source.name} are in quarantine, where the limit is ${Math.round(share * 1e6) / 1e4} %`,
  )
}
