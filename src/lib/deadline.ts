// A bound on waiting for what may never answer.

/** What `work` comes to, or a rejection after `timeoutMs`. The work itself goes on: nobody listens to it any more. */
export async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
