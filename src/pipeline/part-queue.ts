// Passes parts from the fetch to the lanes, in order.

import type { StoredPart } from '../db/write/artifacts.ts'

export class PartQueue {
  readonly #waiting: StoredPart[] = []
  readonly #takers: ((part: StoredPart | null) => void)[] = []
  #closed = false

  push(part: StoredPart): void {
    const taker = this.#takers.shift()
    if (taker) taker(part)
    else this.#waiting.push(part)
  }

  /** No more parts follow: `take` returns null once the queue is empty. */
  close(): void {
    this.#closed = true
    for (const taker of this.#takers.splice(0)) taker(null)
  }

  take(): Promise<StoredPart | null> {
    const part = this.#waiting.shift()
    if (part) return Promise.resolve(part)
    if (this.#closed) return Promise.resolve(null)
    return new Promise((resolve) => this.#takers.push(resolve))
  }
}
