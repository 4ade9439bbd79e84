// Long polls of the change feed: a request waits until a change matches its filters, its time is over, its
// client leaves, or the process stops.

import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import type { FeedPage } from '../../db/read/feed.ts'
import { FeedListener } from '../../db/read/feed-listener.ts'

/** Waiting requests of a process. Each is an open connection of a client. */
export const WAITS_MAX = 100
const RETRY_AFTER_MS = 5_000

export interface ChangeWait {
  /** The cursor of the request. */
  readonly after: number
  /** Reads the page after a cursor. */
  readonly read: (after: number) => Promise<FeedPage>
  /** Aborts when the response shall be an empty page. */
  readonly signal: AbortSignal
}

export class ChangeWaits {
  readonly #listener: FeedListener
  readonly #most: number
  #count = 0

  constructor(db: Db, most: number) {
    this.#listener = new FeedListener(db)
    this.#most = most
  }

  /**
   * Returns the first page with a change. Once `signal` has aborted, returns the page at the end of the
   * feed, which has none.
   *
   * @throws SyncError `request/too-many-waits` · `db/unreachable` · any error of `read`
   */
  async wait({ after, read, signal }: ChangeWait): Promise<FeedPage> {
    if (this.#count >= this.#most)
      throw new SyncError('request/too-many-waits', `${this.#most} requests wait for changes`, {
        retryAfterMs: RETRY_AFTER_MS,
      })
    this.#count += 1
    try {
      const subscription = await this.#listener.subscribe()
      try {
        let page = await read(after)
        while (page.changes.length === 0 && !signal.aborted) {
          // A read passes at most 100,000 positions that the filters leave out.
          if (page.next >= page.last) await subscription.next(signal)
          page = await read(page.next)
        }
        return page
      } finally {
        subscription.close()
      }
    } finally {
      this.#count -= 1
    }
  }
}
