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
  /** Products that went through staging in any part so far, as far as this process knows. */
  readonly seenStaged: Bitmap
  readonly terms: Terms
  readonly rules: BatchRules
}

/** The lines of a part after `from` and up to `to`, counted from 1. */
export interface LineWindow {
  readonly from: number
  readonly to: number
}

const WHOLE: LineWindow = { from: 0, to: Infinity }

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

  /** Takes a connection for `work` and gives it back, or ends it with its staging tables. */
  static async use<T>(context: RunContext, state: ApplyState, work: (lane: Lane) => Promise<T>): Promise<T> {
    const client = await context.db.connect()
    const lane = new Lane(context, state, client)
    let broken = true
    try {
      const result = await work(lane)
      broken = false
      return result
    } finally {
      client.release(broken || lane.#staging !== null)
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
  async applyPart(part: ArchivedPart, checkpoint: Checkpoint | null, window: LineWindow = WHOLE): Promise<void> {
    const at = new PartPosition(part, checkpoint, window)
    const { signal, options, store, progress } = this.#context
    try {
      for await (const lines of readLines(readPart(store, part), options.recordBytesMax)) {
        if (signal.aborted) break
        if (lines.kind === 'long') await this.#setAside(at, lines)
        else await this.#applyLines(at, lines)
      }
      await this.#flush(at, !signal.aborted)
    } catch (error) {
      progress.appliedLines -= at.linesUnsaved
      throw error
    }
    signal.throwIfAborted()
  }

  /** Merges lines once more, in one transaction, without counting them: they have their outcome already. */
  async applyAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    const { client } = this.#tools
    await (this.#staging ??= openStaging(client))
    await transaction(client, () => writeBatch(this.#context, this.#tools, partNo, lines))
  }

  async #applyLines(at: PartPosition, { bytes, bounds, firstLine, offset }: Lines): Promise<void> {
    const { connector, progress } = this.#context
    const { known, seenStaged } = this.#state
    for (let i = 0; i < bounds.length; i += 2) {
      const lineNo = firstLine + i / 2
      if (!at.wants(lineNo)) continue
      const from = bounds[i] ?? 0
      const line = bytes.subarray(from, bounds[i + 1])
      const scan = connector.scan(line)
      const hash = scan && hashRecord(line, scan, this.#scratch)
      const seq = hash ? known.find(hash) : -1
      if (seq >= 0 && !seenStaged.has(seq)) {
        // The same record in two parts counts as a duplicate too: settle finds those.
        at.counts[at.known.has(seq) ? 'duplicate' : 'unchanged'] += 1
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
    if (!at.wants(lineNo)) return
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
    at.linesUnsaved = 0
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
    at.linesUnsaved = 0
    this.#batch.clear()
  }
}

/** How far a lane is in a part, and what it has found there. */
class PartPosition {
  readonly part: ArchivedPart
  readonly counts: Counts
  readonly known: Bitmap
  readonly staged: Bitmap
  moved = false
  /** Lines looked at since the last commit. */
  linesUnsaved = 0
  readonly #from: number
  readonly #to: number
  #line: number
  #byte: number
  #told: Counts

  constructor(part: ArchivedPart, checkpoint: Checkpoint | null, window: LineWindow) {
    this.part = part
    this.counts = { ...emptyCounts(), ...checkpoint?.counts }
    this.known = checkpoint ? Bitmap.unpack(checkpoint.known) : new Bitmap()
    this.staged = checkpoint ? Bitmap.unpack(checkpoint.staged) : new Bitmap()
    this.#line = checkpoint?.linesDone ?? 0
    this.#from = Math.max(this.#line, window.from)
    this.#to = window.to
    this.#byte = checkpoint?.bytesDone ?? 0
    this.#told = { ...this.counts }
  }

  /** Whether the line is asked for, and no earlier attempt has committed it. */
  wants(line: number): boolean {
    return line > this.#from && line <= this.#to
  }

  lookedAt(line: number, byteAfter: number): void {
    this.#line = line
    this.#byte = byteAfter
    this.moved = true
    this.linesUnsaved += 1
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
