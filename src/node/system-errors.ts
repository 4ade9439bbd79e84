// Codes of system errors, such as ENOENT and ECONNREFUSED.

/** Returns the code of a system error, or null. */
export function findErrno(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}
