// Checks the requests that servers have logged against the limits of their clients.

export interface LoggedRequest {
  /** Number of the shop. */
  readonly shop: number
  readonly startedMs: number
  endedMs: number
}

export interface Rate {
  readonly intervalMs: number
  readonly burst: number
}

/** Returns the largest number of requests at the same time. */
export function countConcurrent(requests: readonly LoggedRequest[]): number {
  const events = requests
    .flatMap(({ startedMs, endedMs }) => [
      { atMs: startedMs, by: 1 },
      { atMs: endedMs, by: -1 },
    ])
    .toSorted((a, b) => a.atMs - b.atMs || a.by - b.by)
  let open = 0
  let most = 0
  for (const { by } of events) {
    open += by
    most = Math.max(most, open)
  }
  return most
}

/**
 * Returns the longest time by which a request came earlier than a rate allows, 0 if none did. A rate
 * allows at most `burst + period / interval` requests in each period.
 */
export function measureExcessMs(
  requests: readonly LoggedRequest[],
  { intervalMs, burst }: Rate,
): number {
  const starts = requests.map(({ startedMs }) => startedMs).toSorted((a, b) => a - b)
  // The algorithm of the limit itself, with the times of the server.
  let arrivalMs = -Infinity
  let excessMs = 0
  for (const startedMs of starts) {
    const earliestMs = arrivalMs - (burst - 1) * intervalMs
    excessMs = Math.max(excessMs, earliestMs - startedMs)
    arrivalMs = Math.max(arrivalMs, startedMs) + intervalMs
  }
  return excessMs
}
