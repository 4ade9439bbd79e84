// Formats the failures of a host for `status` and `sources show`.

import { FAILURE_CLASSES } from '../../core/failure-class.ts'
import type { OpenBreaker } from '../../db/read/limits.ts'
import type { HostFailure } from '../../db/read/source-summaries.ts'
import { formatNext, formatQuantity, formatRelative } from './format.ts'

/** `closed: the host is closed, or behind a password; 4 runs have failed, the first 3 d ago; …`. */
export function formatFailure(
  { class: name, runs, sinceAt, notBeforeAt }: HostFailure,
  now: Date,
): string {
  const failed =
    runs === 1
      ? `1 run has failed, ${formatRelative(sinceAt, now)}`
      : `${formatQuantity(runs, 'run')} have failed, the first ${formatRelative(sinceAt, now)}`
  const wait =
    notBeforeAt === null || notBeforeAt <= now
      ? ''
      : `; flagged: the next scheduled run starts ${formatRelative(notBeforeAt, now)} or later`
  return `${name}: the host ${FAILURE_CLASSES[name]}; ${failed}${wait}`
}

/** The line about a supplier that gets no request because it is down. */
export function formatBreaker({ key, failures, state, retryAt }: OpenBreaker, now: Date): string {
  const next =
    state === 'open' ? `the next test is ${formatNext(retryAt, now)}` : 'a request tests it now'
  return `${key} has failed ${failures} times and gets no request: ${next}; see shelfsync limits`
}
