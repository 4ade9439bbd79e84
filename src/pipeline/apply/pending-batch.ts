// Lines that wait to be read and written as one batch. They are copied into one arena, because a
// single line would otherwise keep the whole chunk that it came in in memory.

import type { Scan } from '../../core/connector.ts'
import type { ArchivedLine } from '../../db/write/batch-writer.ts'

/** Its bytes are valid until the batch is cleared. */
export interface PendingLine extends ArchivedLine {
  /** The place and the hash of the record; null when the line must be parsed to find them. */
  readonly scan: Scan | null
  readonly hash: Uint8Array | null
}

export class PendingBatch {
  readonly lines: PendingLine[] = []
  readonly #arena: Buffer
  readonly #recordsMax: number
  #used = 0

  constructor(recordsMax: number, bytesMax: number) {
    this.#recordsMax = recordsMax
    this.#arena = Buffer.allocUnsafeSlow(bytesMax)
  }

  /** True when a line of `byteLength` still fits. An empty batch takes any line. */
  fits(byteLength: number): boolean {
    return (
      this.lines.length === 0 ||
      (this.lines.length < this.#recordsMax && this.#used + byteLength <= this.#arena.length)
    )
  }

  add(line: Buffer, rest: Omit<PendingLine, 'line'>): void {
    this.lines.push({ ...rest, line: this.#copy(line) })
  }

  clear(): void {
    this.lines.length = 0
    this.#used = 0
  }

  #copy(line: Buffer): Buffer {
    if (line.length > this.#arena.length) return Buffer.from(line)
    const from = this.#used
    this.#used += line.copy(this.#arena, from)
    return this.#arena.subarray(from, this.#used)
  }
}
