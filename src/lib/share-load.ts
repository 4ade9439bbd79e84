// Loads a value once for several callers.

/**
 * Returns a function that calls `load` the first time and returns its value every time. Callers at
 * the same time share one attempt. A failed attempt is not kept: the next call tries again.
 */
export function shareLoad<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loading: Promise<Value> | null = null
  return () => {
    if (loading !== null) return loading
    const attempt = load()
    loading = attempt
    attempt.catch(() => (loading = null))
    return attempt
  }
}
