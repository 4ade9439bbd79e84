// How far a lane is in a part, and what it has found there: the checkpoint in the making.

import { emptyCounts, type Counts } from '../../core/ledger.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import type { Checkpoint, StoredCheckpoint } from '../../db/write/batches.ts'
import { Bitmap } from './bitmap.ts'

/** The lines of a part after `from` and up to `to`, counted from 1. */
export interface LineWindow {
  readonly from: number
  readonly to: number
}

/** The number of a part, and when it was archived. */
export type ArrivedPart = Pick<StoredPart, 'no' | 'createdAt'>

const WHOLE: LineWindow = { from: 0, to: Infinity }

export class PartPosition {
  readonly part: ArrivedPart
  readonly counts: Counts
  readonly known: Bitmap
  readonly staged: Bitmap
  moved = false
  /** Lines looked at since the last commit. */
  linesUnsaved = 0
  /** Where the committed checkpoint is. */
  linesSaved: number
  readonly #from: number
  readonly #to: number
  #line: number
  #byte: number
  #told: Counts

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

  /** What the part comes to with a batch that named the products `seqs`. */
  add(counts: Counts, seqs: readonly number[]): void {
    Object.assign(this.counts, counts)
    for (const seq of seqs) this.staged.set(seq)
  }

  checkpoint(done: boolean): Checkpoint {
    const { part, counts, known, staged } = this
    return {
      partNo: part.no,
      linesDone: this.#line,
      bytesDone: this.#byte,
      done,
      counts: { ...counts },
      known: known.pack(),
      staged: staged.pack(),
    }
  }

  /**
   * Everything looked at is committed. Returns what was counted since the last call, for the
   * progress display.
   */
  saved(): Counts {
    this.linesUnsaved = 0
    this.linesSaved = this.#line
    const news = { ...this.counts }
    for (const outcome of Object.keys(news) as (keyof Counts)[])
      news[outcome] -= this.#told[outcome]
    this.#told = { ...this.counts }
    return news
  }
}

/** All products that went through staging up to this checkpoint. */
export function stagedIn({ staged, fresh }: StoredCheckpoint): Bitmap {
  const bitmap = Bitmap.unpack(staged)
  for (const seq of fresh) bitmap.set(seq)
  return bitmap
}
