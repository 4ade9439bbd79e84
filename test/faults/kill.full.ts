// Every other place where a worker can be killed.

import { testDatabase } from '../support/database.ts'
import { testKills } from './killing.ts'

testKills(await testDatabase(), [
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
