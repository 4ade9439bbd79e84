// As many products as the check has time for. memory.full.ts loads five million.

import { openTestDatabase } from '../support/database.ts'
import { testMemory } from './memory.ts'

testMemory(await openTestDatabase(), { products: 60_000, peakMegabytes: 235 })
