// The ids of the products that a fetch has listed, in a form that fits into a cursor: a few bytes
// for each, so that an interrupted fetch continues with all of them.

/** Limits a cursor to about 2 MB. A larger shop is read without a proof of completeness. */
const SEEN_MAX = 250_000
const ID = /^"?([1-9]\d{0,15})"?$/

export class SeenIds {
  readonly #ids = new Set<number>()
  #log = ''
  #last = 0

  /** `log` is that of an earlier instance. */
  constructor(log = '') {
    for (const step of log.split(' '))
      if (step !== '') this.#add(this.#last + Number.parseInt(step, 36))
  }

  get size(): number {
    return this.#ids.size
  }

  /** True when further ids are not kept, so that `size` is too small. */
  get isFull(): boolean {
    return this.#ids.size >= SEEN_MAX
  }

  /** The ids in their order, each as the difference to the one before it. */
  get log(): string {
    return this.#log
  }

  /** `id` is JSON: a number, or its digits as a string. Any other id is neither known nor new. */
  has(id: string): boolean {
    const number = toNumber(id)
    return number !== null && this.#ids.has(number)
  }

  isNew(id: string): boolean {
    const number = toNumber(id)
    return number !== null && !this.#ids.has(number)
  }

  add(id: string): void {
    const number = toNumber(id)
    if (number !== null && !this.isFull) this.#add(number)
  }

  #add(id: number): void {
    if (!Number.isSafeInteger(id) || this.#ids.has(id)) return
    this.#ids.add(id)
    this.#log += `${this.#log === '' ? '' : ' '}${(id - this.#last).toString(36)}`
    this.#last = id
  }
}

function toNumber(id: string): number | null {
  const number = Number(ID.exec(id)?.[1])
  return Number.isSafeInteger(number) ? number : null
}
