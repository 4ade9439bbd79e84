// A growing bitmap over product numbers (`seq`), in the bit order of Postgres' get_bit.

import { deflateRawSync, inflateRawSync } from 'node:zlib'

export class Bitmap {
  #bytes: Uint8Array

  constructor(bits = 0) {
    this.#bytes = new Uint8Array((bits + 7) >> 3)
  }

  /** Wraps plain bytes, which the bitmap may change. */
  static of(bytes: Uint8Array): Bitmap {
    const bitmap = new Bitmap()
    bitmap.#bytes = bytes
    return bitmap
  }

  /** The inverse of `pack`. */
  static unpack(packed: Uint8Array): Bitmap {
    return Bitmap.of(inflateRawSync(packed))
  }

  has(bit: number): boolean {
    return ((this.#bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }

  set(bit: number): void {
    const index = bit >> 3
    if (index >= this.#bytes.length) this.#grow(index + 1)
    this.#bytes[index] = (this.#bytes[index] ?? 0) | (1 << (bit & 7))
  }

  /** A copy in which `bits` are set too. */
  with(bits: readonly number[]): Bitmap {
    const copy = Bitmap.of(this.#bytes.slice())
    for (const bit of bits) copy.set(bit)
    return copy
  }

  /** Sets every bit that is set in `other`. */
  union(other: Bitmap): void {
    if (other.#bytes.length > this.#bytes.length) this.#grow(other.#bytes.length)
    other.#bytes.forEach((byte, index) => {
      this.#bytes[index] = (this.#bytes[index] ?? 0) | byte
    })
  }

  /** The bits that are set in both, ascending. */
  *common(other: Bitmap): Generator<number> {
    const length = Math.min(this.#bytes.length, other.#bytes.length)
    for (let index = 0; index < length; index++) {
      const both = (this.#bytes[index] ?? 0) & (other.#bytes[index] ?? 0)
      for (let bit = 0; both >> bit !== 0; bit++) if ((both >> bit) & 1) yield index * 8 + bit
    }
  }

  /** The number of bits that are set in both. */
  overlap(other: Bitmap): number {
    let count = 0
    for (const _ of this.common(other)) count += 1
    return count
  }

  /** The plain bytes, for SQL. */
  toBytes(): Buffer {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
  }

  /** Returns the deflated bytes: few, because a part names few products of the catalogue. */
  pack(): Buffer {
    return deflateRawSync(this.#bytes, { level: 1 })
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(length, this.#bytes.length * 2))
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}
