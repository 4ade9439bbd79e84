// Codes of system errors, such as ENOENT and ECONNREFUSED.

/** Returns the code of a system error, or null. */
export function findErrno(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}

/** Describes a failure of `fetch` by its code only: the message may quote request headers. */
export function describeFetchError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'timeout'
  return findErrno(error.cause) ?? 'the connection broke'
}
