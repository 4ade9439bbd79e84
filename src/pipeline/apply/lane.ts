// Applies archived parts: splits a part into lines, counts those whose hash is known as unchanged,
// and reads and writes the others in batches.

import { setImmediate } from 'node:timers/promises'
import type { LongLine, Lines } from '../../artifacts/line-batches.ts'
import { addCounts } from '../../core/ledger.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import type {
  BatchOutcome,
  BatchRules,
  BatchStep,
  BatchWriter,
  QuarantinedRecord,
  WriterOptions,
} from '../../db/write/batch-writer.ts'
import type { StoredCheckpoint } from '../../db/write/checkpoints.ts'
import type { MemberFinder } from '../../lib/member-finder.ts'
import { isBlank } from '../../lib/ndjson.ts'
import { hashRecord } from '../../node/hash.ts'
import type { RunContext } from '../context.ts'
import type { Bitmap } from './bitmap.ts'
import { readPartLines, type HashedPart, type KnownLines, type LineBatch } from './hashed-part.ts'
import type { HashedParts } from './hashed-parts.ts'
import type { KnownRecords } from './known-records.ts'
import { toLineId } from './line-id.ts'
import { PartPosition, type LineWindow } from './part-position.ts'
import { PendingBatch, type PendingLine } from './pending-batch.ts'
import { checkQuarantineBudget, quarantineLine } from './quarantine.ts'
import { readLine } from './record-reader.ts'
import type { TaxonomyWriter } from './taxonomy-writer.ts'

/** Memory for hashing a line; a larger record is hashed in pieces. */
const SCRATCH_BYTES = 1 << 20

/** Bytes of lines that are read before the event loop runs other work: about 10 ms. */
const TURN_BYTES = 512 * 1024

/** State shared by all lanes of a run. */
export interface ApplyState {
  /** Returns the known records, which the first call loads. */
  readonly known: () => Promise<KnownRecords>
  /** Parts whose lines the fetch has looked up in `known`. */
  readonly hashed: HashedParts
  /** Products that went through staging in any part, as far as this process knows. */
  readonly seenStaged: Bitmap
  readonly rules: BatchRules
  /** Null in a plan, which writes nothing. */
  readonly taxonomy: TaxonomyWriter | null
}

/** An archived part with what the fetch has left of it in memory. */
export interface ArchivedLines {
  readonly part: StoredPart
  readonly hashed: HashedPart | null
  readonly window?: LineWindow | undefined
}

/** Applies one part at a time. */
export class Lane {
  readonly #context: RunContext
  readonly #state: ApplyState
  readonly #writer: BatchWriter
  readonly #batch: PendingBatch
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

  constructor(context: RunContext, state: ApplyState, writer: BatchWriter) {
    this.#context = context
    this.#state = state
    this.#writer = writer
    this.#batch = new PendingBatch(context.options.batchRecordsMax, context.options.batchBytesMax)
  }

  /** Opens a lane with a writer of the run's database for `work`, and closes it afterwards. */
  static async use<T>(
    context: RunContext,
    state: ApplyState,
    work: (lane: Lane) => Promise<T>,
  ): Promise<T> {
    const writer = context.db.openWriter(toWriterOptions(context, state.rules))
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
   * Each batch commits its rows, prices, changes and checkpoint in one transaction, so a crash
   * between batches loses nothing and repeats nothing. A cancelled lane commits the lines it has
   * read and stops.
   *
   * @throws SyncError `run/fenced` if another worker has taken over the run; nothing of this batch
   * is written
   */
  async applyPart(
    { part, hashed, window }: ArchivedLines,
    checkpoint: StoredCheckpoint | null,
  ): Promise<void> {
    const at = new PartPosition(part, checkpoint, window)
    const isStaged = (seq: number): boolean => this.#state.seenStaged.has(seq)
    await this.applyLines(at, readPartLines(this.#context, part, hashed, isStaged))
  }

  /** Like `applyPart`, for lines that the caller provides. After an error, do not use `at` again. */
  async applyLines(at: PartPosition, batches: AsyncIterable<LineBatch>): Promise<void> {
    const { signal, progress } = this.#context
    try {
      for await (const lines of batches) {
        if (signal.aborted) break
        if (lines.kind === 'known') this.#passKnownLines(at, lines)
        else if (lines.kind === 'long') await this.#passLongLine(at, lines)
        else await this.#passLines(at, lines)
      }
      await this.#flush(at, !signal.aborted)
    } catch (error) {
      progress.appliedLines -= at.linesUnsaved
      throw error
    }
    signal.throwIfAborted()
  }

  /** Merges lines again. Their outcomes are counted already, so the counts do not change. */
  async applyAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    await this.#write(partNo, lines, null)
  }

  #passKnownLines(at: PartPosition, { firstLine, seqs, ends }: KnownLines): void {
    for (const [index, seq] of seqs.entries()) {
      if (!at.wants(firstLine + index)) continue
      at.addKnown(seq)
      at.pass(firstLine + index, ends[index] ?? 0)
      this.#context.progress.appliedLines += 1
    }
  }

  async #passLines(at: PartPosition, { bytes, bounds, firstLine, offset }: Lines): Promise<void> {
    const { connector, progress } = this.#context
    const { seenStaged } = this.#state
    const known = await this.#state.known()
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
        at.addKnown(seq)
      } else if (isBlank(line)) {
        at.counts.blank += 1
      } else {
        if (!this.#batch.fits(line.length)) await this.#flush(at, false)
        this.#batch.add(line, { lineNo, byteOffset: offset + from, scan, hash })
      }
      at.pass(lineNo, offset + (bounds[i + 1] ?? 0) + 1)
      progress.appliedLines += 1
    }
  }

  /** A line that is too long is quarantined with its beginning. */
  async #passLongLine(at: PartPosition, long: LongLine<MemberFinder>): Promise<void> {
    const { line: lineNo, offset: byteOffset, length, head } = long
    if (!at.wants(lineNo)) return
    const { connector, options, progress } = this.#context
    at.pass(lineNo, byteOffset + length + 1)
    progress.appliedLines += 1
    const fault = {
      rule: 'record/too-large',
      reason: `the line has ${length} bytes; the limit is ${options.recordBytesMax}`,
      externalId: toLineId(connector, long.reader),
      byteLength: length,
    } as const
    const line = { lineNo, byteOffset, line: head }
    await this.#flush(at, false, [quarantineLine(this.#context, at.part.no, line, fault)])
  }

  /** Commits every line read so far. */
  async #flush(
    at: PartPosition,
    done: boolean,
    quarantined: readonly QuarantinedRecord[] = [],
  ): Promise<void> {
    const { progress, log, outages } = this.#context
    const { lines } = this.#batch
    const hasNews = at.moved || done
    if (hasNews) {
      const outcome = await this.#write(at.part.no, lines, at.step(done), [...quarantined])
      at.add(outcome)
      for (const seq of outcome.seqs) this.#state.seenStaged.set(seq)
    }
    const counts = at.markSaved()
    addCounts(progress.counts, counts)
    if (hasNews)
      log.debug(
        { part: at.part.no, line: at.linesSaved, staged: lines.length, ...counts },
        'batch committed',
      )
    this.#batch.clear()
    outages.worked('apply')
    checkQuarantineBudget(this.#context)
  }

  /** Reads all lines first, then writes what they contain. */
  async #write(
    partNo: number,
    lines: readonly PendingLine[],
    step: BatchStep | null,
    quarantined: QuarantinedRecord[] = [],
  ): Promise<BatchOutcome> {
    const { taxonomy } = this.#state
    let turnBytes = 0
    for (const line of lines) {
      const result = readLine(this.#context, partNo, line)
      if ('rule' in result) {
        quarantined.push(result)
      } else {
        taxonomy?.collect(result.draft.terms)
        this.#writer.add(result)
      }
      turnBytes += line.line.length
      if (turnBytes < TURN_BYTES) continue
      turnBytes = 0
      await setImmediate()
    }
    await taxonomy?.save(this.#context)
    return this.#writer.write({ partNo, quarantined }, step)
  }
}

export function toWriterOptions(context: RunContext, rules: BatchRules): WriterOptions {
  const { run, signal } = context
  return {
    run,
    rules,
    signal,
    quarantine: (partNo, record, reason) =>
      quarantineLine(context, partNo, record, {
        rule: 'record/invalid',
        reason: `Postgres cannot store it: ${reason}`,
        externalId: record.externalId,
      }),
  }
}
