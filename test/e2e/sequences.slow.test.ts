// A few seconds of the property test; the rest is in sequences.full.ts.

import { testDatabase } from '../support/database.ts'
import { testSequences } from './sequences.ts'

testSequences(await testDatabase(), 5, 20261122)
