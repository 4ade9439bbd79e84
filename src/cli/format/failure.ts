// Formats an open circuit breaker for `status`.

import type { OpenBreaker } from '../../db/read/limits.ts'
import { formatNext } from '../../lib/words.ts'

/** The line about a supplier that gets no request because it is down. */
export function formatBreaker({ key, failures, state, retryAt }: OpenBreaker, now: Date): string {
  const next =
    state === 'open' ? `the next test is ${formatNext(retryAt, now)}` : 'a request tests it now'
  return `${key} has failed ${failures} times and gets no request: ${next}; see shelfsync limits`
}
