// As many products as a check has time for; memory.full.ts loads five million.

import { testDatabase } from '../support/database.ts'
import { testMemory } from './memory.ts'

testMemory(await testDatabase(), 60_000)
