// All other places where a worker can be killed.

import { openTestDatabase } from '../support/database.ts'
import { testSyncKills } from './sync-kills.ts'

testSyncKills(await openTestDatabase(), [
  ['after start_run', 1],
  ['before put', 2],
  ['after add_part', 1],
  ['before begin', 2],
  ['before apply_batch', 2],
  ['before save_checkpoint', 3],
  ['before commit', 2],
  ['before update_artifact', 1],
  ['after update_artifact', 1],
])
