// Wakes the readers of the change feed when changes have been published. All readers of a process share
// one connection, which is open only while one of them waits.

import type { Db } from '../pool.ts'

/** A reader: it subscribes, reads the feed, and waits if nothing has followed. */
export interface FeedSubscription {
  /**
   * Resolves at once if a change has been published since the subscription or the last call, else
   * at the next one. It also resolves when `signal` aborts or the connection is lost: read again.
   */
  next(signal: AbortSignal): Promise<void>
  /** Safe to call twice. */
  close(): void
}

/** A connection that listens. */
interface Listening {
  /** Closes the connection: its session would listen for its next user. Safe to call twice. */
  close(): void
}

export class FeedListener {
  readonly #db: Db
  readonly #readers = new Set<Reader>()
  #listening: Promise<Listening> | null = null

  constructor(db: Db) {
    this.#db = db
  }

  /** @throws SyncError `db/unreachable` */
  async subscribe(): Promise<FeedSubscription> {
    const reader = new Reader()
    this.#readers.add(reader)
    const close = (): void => {
      if (this.#readers.delete(reader) && this.#readers.size === 0) this.#stop()
    }
    try {
      let heard = await this.#listen()
      const next = async (signal: AbortSignal): Promise<void> => {
        const present = await this.#listen()
        // A lost connection may have missed changes: the reader reads before it waits at the new one.
        if (present === heard) await reader.next(signal)
        heard = present
      }
      return { next, close }
    } catch (error) {
      close()
      throw error
    }
  }

  async #listen(): Promise<Listening> {
    const listening = (this.#listening ??= this.#open())
    try {
      return await listening
    } catch (error) {
      if (this.#listening === listening) this.#listening = null
      throw error
    }
  }

  async #open(): Promise<Listening> {
    const client = await this.#db.connect()
    let isOpen = true
    const close = (): void => {
      if (isOpen) client.release(true)
      isOpen = false
    }
    const wakeAll = (): void => {
      for (const reader of this.#readers) reader.wake()
    }
    client.on('notification', wakeAll)
    client.once('end', () => {
      if (!isOpen) return
      this.#listening = null
      close()
      wakeAll()
    })
    try {
      await client.query('listen shelfsync_changes')
      return { close }
    } catch (error) {
      close()
      throw error
    }
  }

  #stop(): void {
    const listening = this.#listening
    this.#listening = null
    listening?.then(({ close }) => close()).catch(() => undefined)
  }
}

/** Remembers that it was woken while it did not wait. */
class Reader {
  #isWoken = false
  #wake: () => void = () => undefined

  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  async next(signal: AbortSignal): Promise<void> {
    if (!this.#isWoken && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
    }
    this.#isWoken = false
  }
}
