// A few seconds of the property test. The rest is in sequences.full.ts.

import { openTestDatabase } from '../support/database.ts'
import { testSequences } from './sequences.ts'

testSequences(await openTestDatabase(), 5, 20261122)
