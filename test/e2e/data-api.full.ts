import { testDatabase } from '../support/database.ts'
import { testKilledByCalls } from './data-api.ts'

testKilledByCalls(await testDatabase(), 20_000)
