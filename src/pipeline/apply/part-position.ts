// The position of a lane in a part, with the outcome of the lines before it: the next checkpoint.

import { addCounts, emptyCounts, type Counts } from '../../core/ledger.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import type { BatchOutcome, BatchStep } from '../../db/write/batch-writer.ts'
import type { Checkpoint, StoredCheckpoint } from '../../db/write/checkpoints.ts'
import { Bitmap } from './bitmap.ts'

/** The lines of a part after `from` and up to `to`, counted from 1. */
export interface LineWindow {
  readonly from: number
  readonly to: number
}

/** A part by its number, and the instant at which it was archived. */
export type ArrivedPart = Pick<StoredPart, 'no' | 'createdAt'>

const WHOLE: LineWindow = { from: 0, to: Infinity }

export class PartPosition {
  readonly part: ArrivedPart
  readonly counts: Counts
  /** Products whose hash was known. */
  readonly known: Bitmap
  /** Products that went through staging. */
  readonly staged: Bitmap
  /** True when a line was passed since the position was created. */
  moved = false
  /** Lines passed since the last commit. */
  linesUnsaved = 0
  /** Lines that the committed checkpoint covers. */
  linesSaved: number
  #from: number
  readonly #to: number
  #line: number
  #byte: number
  #reported: Counts
  readonly #beganMs = performance.now()

  constructor(part: ArrivedPart, checkpoint: StoredCheckpoint | null, window: LineWindow = WHOLE) {
    this.part = part
    this.counts = { ...emptyCounts(), ...checkpoint?.counts }
    this.known = checkpoint ? Bitmap.unpack(checkpoint.known) : new Bitmap()
    this.staged = checkpoint ? stagedIn(checkpoint) : new Bitmap()
    this.#line = checkpoint?.linesDone ?? 0
    this.linesSaved = this.#line
    this.#from = Math.max(this.#line, window.from)
    this.#to = window.to
    this.#byte = checkpoint?.bytesDone ?? 0
    this.#reported = { ...this.counts }
  }

  /** True when the line is in the window, not passed yet, and no earlier attempt has committed it. */
  wants(line: number): boolean {
    return line > this.#from && line <= this.#to
  }

  /** Counts a line whose hash is known. */
  addKnown(seq: number): void {
    // The same record in two parts counts as a duplicate too. Settle counts those.
    this.counts[this.known.has(seq) ? 'duplicate' : 'unchanged'] += 1
    this.known.set(seq)
  }

  pass(line: number, byteAfter: number): void {
    this.#line = line
    this.#from = line
    this.#byte = byteAfter
    this.moved = true
    this.linesUnsaved += 1
  }

  /** Returns the step of a batch that ends at this position. `done`: the part ends with it. */
  step(done: boolean): BatchStep {
    return {
      linesBefore: this.linesSaved,
      checkpoint: (outcome) => this.#checkpoint(done, outcome),
    }
  }

  /** Adds the outcome of a committed batch. */
  add({ counts, seqs }: BatchOutcome): void {
    addCounts(this.counts, counts)
    for (const seq of seqs) this.staged.set(seq)
  }

  /** Records that every line so far is committed. Returns the counts since the last call. */
  markSaved(): Counts {
    this.linesUnsaved = 0
    this.linesSaved = this.#line
    const news = { ...this.counts }
    for (const outcome of Object.keys(news) as (keyof Counts)[])
      news[outcome] -= this.#reported[outcome]
    this.#reported = { ...this.counts }
    return news
  }

  #checkpoint(done: boolean, outcome?: BatchOutcome): Checkpoint {
    const counts = { ...this.counts }
    if (outcome) addCounts(counts, outcome.counts)
    return {
      partNo: this.part.no,
      linesDone: this.#line,
      bytesDone: this.#byte,
      done,
      counts,
      known: this.known.pack(),
      staged: (outcome ? this.staged.with(outcome.seqs) : this.staged).pack(),
      ageMs: performance.now() - this.#beganMs,
    }
  }
}

/** Returns all products that went through staging up to this checkpoint. */
export function stagedIn({ staged, fresh }: StoredCheckpoint): Bitmap {
  const bitmap = Bitmap.unpack(staged)
  for (const seq of fresh) bitmap.set(seq)
  return bitmap
}
