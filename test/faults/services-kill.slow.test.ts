// The places where the death of a worker hurts most: rows half on their way, a batch that is in
// while the queue does not know, a run that is over while nobody was told.

import { testWorkerKills } from './worker-kills.ts'

testWorkerKills(
  [
    ['in copy', 2],
    ['before ack', 3],
    ['after settle_run', 1],
  ],
  3,
)
