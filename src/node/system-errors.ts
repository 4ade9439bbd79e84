// What the system says went wrong, by its code: ENOENT, ECONNREFUSED.

/** The code of a system's error, or null when it has none. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}

/** Why `fetch` failed. Only the code: what else a failed request says may quote its headers. */
export function fetchFailureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'timeout'
  return errnoOf(error.cause) ?? 'the connection broke'
}
