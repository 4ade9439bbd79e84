// Requests and responses of a simulator, for tests. Headers are not recorded, so no secret is.

export interface RequestNote {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Id of the key, if the simulator has keys; never its secret. */
  readonly caller: string | null
  /** The body, parsed if it is JSON. */
  readonly body: unknown
}

export interface StatsSnapshot {
  readonly requests: Readonly<Record<string, number>>
  readonly responses: Readonly<Record<string, number>>
  readonly bytesSent: number
  /** The newest last. */
  readonly last: readonly RequestNote[]
}

export interface Stats {
  recordRequest(path: string, note: RequestNote): void
  recordResponse(status: number, bytes: number): void
  snapshot(): StatsSnapshot
  reset(): void
}

const NOTES_MAX = 50

export function createStats(): Stats {
  let requests: Record<string, number> = {}
  let responses: Record<string, number> = {}
  let bytesSent = 0
  let last: RequestNote[] = []
  return {
    recordRequest(path, note) {
      requests[path] = (requests[path] ?? 0) + 1
      last = [...last, note].slice(-NOTES_MAX)
    },
    recordResponse(status, bytes) {
      responses[status] = (responses[status] ?? 0) + 1
      bytesSent += bytes
    },
    snapshot: () => ({
      requests: { ...requests },
      responses: { ...responses },
      bytesSent,
      last: [...last],
    }),
    reset() {
      requests = {}
      responses = {}
      bytesSent = 0
      last = []
    },
  }
}
