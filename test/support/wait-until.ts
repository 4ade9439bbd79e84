// Waits for a condition, never for a time. The test runner's limit ends a wait for a condition that
// never holds.

import { setTimeout as sleep } from 'node:timers/promises'

type Nothing = false | null | undefined

const LOOK_AGAIN_MS = 20

/** Checks repeatedly until `look` returns a value, and returns it. */
export async function waitUntil<Found>(
  look: () => Found | Nothing | Promise<Found | Nothing>,
): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found) return found
    await sleep(LOOK_AGAIN_MS)
  }
}
