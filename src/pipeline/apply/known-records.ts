// The hashes of all records in the catalogue, in 25 bytes each. A line whose hash is known needs no
// parsing.

const LOAD_FACTOR = 0.8
const HASH_WORDS = 4

/**
 * A hash table over typed arrays: 128-bit record hash → product number. Open addressing with linear
 * probing; the hashes are uniform, so their first word chooses the slot. It has room for `capacity`
 * records. Records that do not fit are compared in the database, which is slower.
 */
export class KnownRecords {
  readonly #capacity: number
  readonly #slotCount: number
  readonly #slots: Uint32Array
  readonly #words: Uint32Array
  readonly #seqs: Int32Array
  readonly #probe = new Uint32Array(HASH_WORDS)
  readonly #probeBytes = new Uint8Array(this.#probe.buffer)
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#slotCount = Math.ceil(capacity / LOAD_FACTOR) + 1
    this.#slots = new Uint32Array(this.#slotCount)
    this.#words = new Uint32Array(capacity * HASH_WORDS)
    this.#seqs = new Int32Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** Adds a 16-byte hash. A full table ignores it. */
  add(hash: Uint8Array, seq: number): void {
    if (this.#size === this.#capacity) return
    this.#probeBytes.set(hash)
    let slot = this.#slotOf(this.#probe[0] ?? 0)
    while (this.#slots[slot] !== 0) slot = slot + 1 === this.#slotCount ? 0 : slot + 1
    this.#words.set(this.#probe, this.#size * HASH_WORDS)
    this.#seqs[this.#size] = seq
    this.#slots[slot] = ++this.#size
  }

  /** Returns the product number of the record with this 16-byte hash, or -1. */
  find(hash: Uint8Array): number {
    this.#probeBytes.set(hash)
    const [first = 0, second = 0, third = 0, fourth = 0] = this.#probe
    for (let slot = this.#slotOf(first); ; slot = slot + 1 === this.#slotCount ? 0 : slot + 1) {
      const entry = this.#slots[slot] ?? 0
      if (entry === 0) return -1
      const word = (entry - 1) * HASH_WORDS
      const words = this.#words
      if (
        words[word] === first &&
        words[word + 1] === second &&
        words[word + 2] === third &&
        words[word + 3] === fourth
      ) {
        return this.#seqs[entry - 1] ?? -1
      }
    }
  }

  #slotOf(word: number): number {
    return Math.floor((word / 0x1_0000_0000) * this.#slotCount)
  }
}
