// All other places where a worker can be killed.

import { testWorkerKills } from './worker-kills.ts'

testWorkerKills(
  [
    ['before claim_task', 1],
    ['before claim_task', 2],
    ['after claim_task', 3],
    ['after put', 2],
    ['before add_part', 2],
    ['after add_part', 2],
    ['after update_artifact', 2],
    ['before ack', 1],
    ['in copy', 5],
    ['before apply_batch', 2],
    ['before commit', 2],
    ['after commit', 2],
    ['before release_task', 2],
    ['after release_task', 2],
    ['before settle_run', 1],
    ['before release_task', 4],
  ],
  5,
)
