// Five million products through the whole pipeline: twice as many as the known hashes may hold in
// memory, so the rest is parsed and compared.

import { openTestDatabase } from '../support/database.ts'
import { testMemory } from './memory.ts'

testMemory(await openTestDatabase(), { products: 5_000_000, peakMegabytes: 256 })
