// The lines of one batch that are not known yet. They are copied into one arena, because a single
// line would otherwise keep the whole chunk that it came in alive.

import type { Scan } from '../../core/connector.ts'

export interface PendingLine {
  readonly lineNo: number
  /** Raw offset of the line in its part. */
  readonly byteOffset: number
  /** Valid until the batch is cleared. */
  readonly line: Buffer
  /** Where the record lies, with its hash; null when it must be parsed to find out. */
  readonly scan: Scan | null
  readonly hash: Uint8Array | null
}

export class Batch {
  readonly lines: PendingLine[] = []
  readonly #arena: Buffer
  readonly #recordsMax: number
  #used = 0

  constructor(recordsMax: number, bytesMax: number) {
    this.#recordsMax = recordsMax
    this.#arena = Buffer.allocUnsafeSlow(bytesMax)
  }

  /** Whether a line of `byteLength` still belongs here. An empty batch takes any line. */
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
