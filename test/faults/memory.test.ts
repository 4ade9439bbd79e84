import { testDatabase } from '../support/database.ts'
import { testMemory } from './memory.ts'

testMemory(await testDatabase(), 60_000)
