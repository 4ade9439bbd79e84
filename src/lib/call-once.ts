// Shares one successful call between all callers, such as the opening of a client.

/**
 * Returns a function that calls `work` for the first caller, and gives all later ones the same result.
 * A failure is not kept: the next caller tries again.
 */
export function callOnce<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let called: Promise<Result> | null = null
  return () =>
    (called ??= work().catch((error: unknown) => {
      called = null
      throw error
    }))
}
