// What a simulator was asked and what it sent, for tests to look at. Headers are not kept, so no
// secret can be.

export interface RequestNote {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Who asked, if the simulator knows: a key's id, never its secret. */
  readonly caller: string | null
  /** The request's body, parsed if it is JSON. */
  readonly body: unknown
}

export interface StatsSnapshot {
  readonly requests: Readonly<Record<string, number>>
  readonly answers: Readonly<Record<string, number>>
  readonly bytesSent: number
  /** The newest last. */
  readonly last: readonly RequestNote[]
}

export interface Stats {
  asked(path: string, note: RequestNote): void
  answered(status: number, bytes: number): void
  snapshot(): StatsSnapshot
  reset(): void
}

const NOTES_MAX = 50

export function createStats(): Stats {
  let requests: Record<string, number> = {}
  let answers: Record<string, number> = {}
  let bytesSent = 0
  let last: RequestNote[] = []
  return {
    asked(path, note) {
      requests[path] = (requests[path] ?? 0) + 1
      last = [...last, note].slice(-NOTES_MAX)
    },
    answered(status, bytes) {
      answers[status] = (answers[status] ?? 0) + 1
      bytesSent += bytes
    },
    snapshot: () => ({
      requests: { ...requests },
      answers: { ...answers },
      bytesSent,
      last: [...last],
    }),
    reset() {
      requests = {}
      answers = {}
      bytesSent = 0
      last = []
    },
  }
}
