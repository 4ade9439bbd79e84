// Lets one large image at a time into the memory of a process.

/** The turn of one image. */
export interface Turn {
  /** Waits until no other image has its turn. Safe to call again. */
  enter(): Promise<void>
  /** Ends the turn, if it has begun. */
  leave(): void
}

export class OneAtATime {
  #last: Promise<void> = Promise.resolve()

  open(): Turn {
    let end: (() => void) | null = null
    return {
      enter: async () => {
        if (end !== null) return
        const before = this.#last
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#last = promise
        end = resolve
        await before
      },
      leave: () => end?.(),
    }
  }
}
