// A time limit for work that may never finish.

/**
 * Returns the result of `work`, or rejects with the error of `createError` after `timeoutMs`. The
 * work itself is not stopped; its later result is ignored.
 */
export async function withTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  createError = () => new Error(`No response within ${timeoutMs} ms`),
): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(createError()), timeoutMs)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
