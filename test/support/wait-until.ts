// Waiting for a condition, never for a time. A condition that never comes is ended by the test
// runner's own limit.

import { setTimeout as sleep } from 'node:timers/promises'

type Nothing = false | null | undefined

const LOOK_AGAIN_MS = 20

/** Looks again and again until there is something, and returns it. */
export async function waitUntil<Found>(
  look: () => Found | Nothing | Promise<Found | Nothing>,
): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found) return found
    await sleep(LOOK_AGAIN_MS)
  }
}
