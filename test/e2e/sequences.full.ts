// The long property test. `SEED=… node --test test/e2e/sequences.full.ts` runs other sequences.

import { openTestDatabase } from '../support/database.ts'
import { testSequences } from './sequences.ts'

testSequences(await openTestDatabase(), 200, Number(process.env['SEED'] ?? 1))
