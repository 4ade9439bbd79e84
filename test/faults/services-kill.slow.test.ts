// The critical places for the death of a worker: rows half written, a committed batch that the
// queue does not know, and a settled run that was not reported.

import { testWorkerKills } from './worker-kills.ts'

testWorkerKills(
  [
    ['in copy', 2],
    ['before ack', 3],
    ['after settle_run', 1],
  ],
  3,
)
