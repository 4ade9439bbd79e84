// Divides the workers of a process among webhooks, so that slow receivers leave workers to the others.

import type { ClaimedDelivery } from '../../db/write/deliveries.ts'

type Claimed = readonly Pick<ClaimedDelivery, 'webhook'>[]

export class WorkerShares {
  readonly #most: number
  /** Workers by the webhook to which they send. */
  readonly #held = new Map<string, number>()
  #lastClaim: Promise<unknown> = Promise.resolve()

  /** `most`: workers that one webhook may hold. */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * Claims the messages of one webhook for a worker, which then calls `leave`. `claim` receives the
   * webhooks that hold all their workers. One claim follows the other, because each counts for the next.
   */
  claim<Found extends Claimed>(
    claim: (except: readonly string[]) => Promise<Found>,
  ): Promise<Found> {
    const claimed = this.#lastClaim.then(async () => {
      const full = [...this.#held].filter(([, workers]) => workers >= this.#most)
      const found = await claim(full.map(([webhook]) => webhook))
      this.#count(found, 1)
      return found
    })
    this.#lastClaim = claimed.catch(() => undefined)
    return claimed
  }

  /** Ends the work on what `claim` returned. */
  leave(claimed: Claimed): void {
    this.#count(claimed, -1)
  }

  #count([first]: Claimed, change: 1 | -1): void {
    if (first === undefined) return
    const workers = (this.#held.get(first.webhook) ?? 0) + change
    if (workers === 0) this.#held.delete(first.webhook)
    else this.#held.set(first.webhook, workers)
  }
}
