// Describes a failure of `fetch`, in Node and in Deno.

/** Describes it by its code only: the message may quote request headers. */
export function describeFetchError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'timeout'
  const { cause } = error
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : 'the connection broke'
}
