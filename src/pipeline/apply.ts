// apply: one archived part to rows. A line whose hash is known costs a look-up; only the rest is parsed and merged.

import { readLines, type LongLine, type Lines } from '../artifacts/lines.ts'
import { readPart } from '../artifacts/parts.ts'
import { addCounts, emptyCounts, type Counts } from '../core/ledger.ts'
import type { ArchivedPart } from '../db/artifacts.ts'
import { openStaging, quarantineRecords, saveCheckpoint, type BatchRules, type Checkpoint } from '../db/batches.ts'
import { transaction, type DbClient } from '../db/pool.ts'
import { hashRecord } from '../node/hash.ts'
import { Batch, type PendingLine } from './batch.ts'
import { Bitmap } from './bitmap.ts'
import type { RunContext } from './context.ts'
import type { KnownRecords } from './known-records.ts'
import { SeqBlock } from './seq-block.ts'
import type { Terms } from './terms.ts'
import { quarantined, writeBatch, type BatchTools } from './write-batch.ts'

const SCRATCH_BYTES = 1 << 20

/** What all lanes of a run share. */
export interface ApplyState {
  readonly known: KnownRecords
  /** Products seen by their hash, and products that went through staging, in any part so far. */
  readonly seenKnown: Bitmap
  readonly seenStaged: Bitmap
  readonly terms: Terms
  readonly rules: BatchRules
}

/** One connection, with staging tables as soon as there is something to stage. A lane applies one part at a time. */
export class Lane {
  readonly #context: RunContext
  readonly #state: ApplyState
  readonly #tools: BatchTools
  readonly #batch: Batch
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #staging: Promise<void> | null = null

  private constructor(context: RunContext, state: ApplyState, client: DbClient) {
    this.#context = context
    this.#state = state
    this.#tools = { client, seqs: new SeqBlock(context.db, context.source.id), terms: state.terms, rules: state.rules }
    this.#batch = new Batch(context.options.batchRecordsMax, context.options.batchBytesMax)
  }

  /** Takes a connection for `work` and gives it back without its staging tables. */
  static async use<T>(context: RunContext, state: ApplyState, work: (lane: Lane) => Promise<T>): Promise<T> {
    const client = await context.db.connect()
    try {
      return await work(new Lane(context, state, client))
    } finally {
      client.release(true)
    }
  }

  /**
   * Applies one archived part to the catalogue, from its checkpoint on.
   *
   * Each batch commits its rows, its price points, its changes and the checkpoint in one transaction, so a crash between
   * batches loses nothing and repeats nothing. A cancelled lane commits what it has looked at and stops.
   *
   * @throws SyncError `run/fenced` when another worker has taken the run over; nothing of this batch is written
   */
  async applyPart(part: ArchivedPart, checkpoint: Checkpoint | undefined): Promise<void> {
    const at = new PartPosition(part, checkpoint)
    const { signal, options, store } = this.#context
    for await (const lines of readLines(readPart(store, part), options.recordBytesMax)) {
      if (signal.aborted) break
      if (lines.kind === 'long') await this.#setAside(at, lines)
      else await this.#applyLines(at, lines)
    }
    if (signal.aborted) {
      await this.#flush(at, false)
      signal.throwIfAborted()
    }
    await this.#flush(at, true)
  }

  /** Merges lines once more, in one transaction, without counting them: they have their outcome already. */
  async applyAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    const { client } = this.#tools
    await (this.#staging ??= openStaging(client))
    await transaction(client, () => writeBatch(this.#context, this.#tools, partNo, lines))
  }

  async #applyLines(at: PartPosition, { bytes, bounds, firstLine, offset }: Lines): Promise<void> {
    const { connector, progress } = this.#context
    const { known, seenKnown, seenStaged } = this.#state
    for (let i = 0; i < bounds.length; i += 2) {
      const lineNo = firstLine + i / 2
      if (lineNo <= at.linesDone) continue
      const from = bounds[i] ?? 0
      const line = bytes.subarray(from, bounds[i + 1])
      const scan = connector.scan(line)
      const hash = scan && hashRecord(line, scan, this.#scratch)
      const seq = hash ? known.find(hash) : -1
      if (seq >= 0 && !seenStaged.has(seq)) {
        at.counts[seenKnown.has(seq) ? 'duplicate' : 'unchanged'] += 1
        seenKnown.set(seq)
        at.known.set(seq)
      } else if (isBlank(line)) {
        at.counts.skipped += 1
      } else {
        if (!this.#batch.fits(line.length)) await this.#flush(at, false)
        this.#batch.add(line, { lineNo, byteOffset: offset + from, scan, hash })
      }
      at.lookedAt(lineNo, offset + (bounds[i + 1] ?? 0) + 1)
      progress.appliedLines += 1
    }
  }

  async #setAside(at: PartPosition, { line: lineNo, offset: byteOffset, length, head }: LongLine): Promise<void> {
    if (lineNo <= at.linesDone) return
    await this.#flush(at, false)
    at.lookedAt(lineNo, byteOffset + length + 1)
    const why = `the line has ${length} bytes, ${this.#context.options.recordBytesMax} are the limit`
    const record = quarantined(this.#context, at.part.no, { lineNo, byteOffset, line: head }, 'record/too-large', why, null, length)
    at.counts.quarantined += 1
    at.counts.unreadable += 1
    await transaction(this.#tools.client, async (client) => {
      await quarantineRecords(client, this.#context.run, at.part.no, [record])
      await saveCheckpoint(client, this.#context.run, at.checkpoint(false))
    })
    this.#context.progress.appliedLines += 1
  }

  /** Commits everything up to the line looked at last. */
  async #flush(at: PartPosition, done: boolean): Promise<void> {
    const { run, progress } = this.#context
    const { client } = this.#tools
    const { lines } = this.#batch
    if (lines.length === 0) {
      if (at.moved || done) await saveCheckpoint(client, run, at.checkpoint(done))
    } else {
      await (this.#staging ??= openStaging(client))
      await transaction(client, async () => {
        const { counts, seqs } = await writeBatch(this.#context, this.#tools, at.part.no, lines)
        addCounts(at.counts, counts)
        for (const seq of seqs) {
          this.#state.seenStaged.set(seq)
          at.staged.set(seq)
        }
        await saveCheckpoint(client, run, at.checkpoint(done))
      })
    }
    addCounts(progress.counts, at.takeNews())
    this.#batch.clear()
  }
}

/** How far a lane is in a part, and what it has found there. */
class PartPosition {
  readonly part: ArchivedPart
  readonly counts: Counts
  readonly known: Bitmap
  readonly staged: Bitmap
  /** Lines that an earlier attempt has committed. */
  readonly linesDone: number
  moved = false
  #line: number
  #byte: number
  #told: Counts

  constructor(part: ArchivedPart, checkpoint: Checkpoint | undefined) {
    this.part = part
    this.counts = { ...emptyCounts(), ...checkpoint?.counts }
    this.known = checkpoint ? Bitmap.unpack(checkpoint.known) : new Bitmap()
    this.staged = checkpoint ? Bitmap.unpack(checkpoint.staged) : new Bitmap()
    this.linesDone = checkpoint?.linesDone ?? 0
    this.#line = this.linesDone
    this.#byte = checkpoint?.bytesDone ?? 0
    this.#told = { ...this.counts }
  }

  lookedAt(line: number, byteAfter: number): void {
    this.#line = line
    this.#byte = byteAfter
    this.moved = true
  }

  checkpoint(done: boolean): Checkpoint {
    const { part, counts, known, staged } = this
    return { partNo: part.no, linesDone: this.#line, bytesDone: this.#byte, done, counts, known: known.pack(), staged: staged.pack() }
  }

  /** What was counted since the last call, for the progress display. */
  takeNews(): Counts {
    const news = { ...this.counts }
    for (const outcome of Object.keys(news) as (keyof Counts)[]) news[outcome] -= this.#told[outcome]
    this.#told = { ...this.counts }
    return news
  }
}

function isBlank(line: Buffer): boolean {
  return line.length < 64 && line.toString('latin1').trim() === ''
}
