// The pages of an earlier fetch, which the archive keeps: their validators make the next requests
// conditional, and a page that has not changed is archived again from them. So each archive is whole
// by itself, and no other store of validators can disagree with it.

import { parseLine, type ReadPage } from './line.ts'

/** Finds pages in ascending order of their addresses, in one pass over the archive. */
export class EarlierPages {
  readonly #lines: AsyncIterator<Uint8Array> | null
  #next: ReadPage | null = null
  #isAtEnd = false

  /** `lines` are in the order in which pages are requested; others are not found. */
  constructor(lines: AsyncIterable<Uint8Array> | null) {
    this.#lines = lines?.[Symbol.asyncIterator]() ?? null
  }

  /** Each address must be greater than the one before. */
  async find(address: string): Promise<ReadPage | null> {
    while (!this.#isAtEnd && (this.#next === null || this.#next.address < address))
      await this.#step()
    return this.#next?.address === address ? this.#next : null
  }

  async close(): Promise<void> {
    this.#isAtEnd = true
    await this.#lines?.return?.()
  }

  async #step(): Promise<void> {
    const step = await this.#lines?.next()
    if (step === undefined || step.done === true) {
      this.#isAtEnd = true
      this.#next = null
    } else this.#next = parseLine(step.value)
  }
}
