// The failures of a host in one sentence.

import { FAILURE_CLASSES } from '../core/failure-class.ts'
import type { HostFailure } from '../db/read/source-summaries.ts'
import { formatQuantity, formatRelative } from '../lib/words.ts'

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
