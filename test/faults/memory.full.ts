// Five million products through the whole line: twice what the known hashes may take in memory, so
// the rest is parsed and compared.

import { testDatabase } from '../support/database.ts'
import { testMemory } from './memory.ts'

testMemory(await testDatabase(), 5_000_000)
