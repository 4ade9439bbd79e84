// A bound on waiting for what may never answer.

/**
 * What `work` comes to, or after `timeoutMs` a rejection with what `failure` makes. The work itself
 * goes on: nobody listens to it any more.
 */
export async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  failure = () => new Error(`No answer within ${timeoutMs} ms`),
): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(failure()), timeoutMs)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
