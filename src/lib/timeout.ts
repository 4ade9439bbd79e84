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

/** Returns true if `work` has succeeded or failed within the time. */
export async function isSettledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  const settled = work.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, timeout])
  } finally {
    clearTimeout(timer)
  }
}
