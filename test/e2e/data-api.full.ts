import { openTestDatabase } from '../support/database.ts'
import { testDataApiKills } from './data-api.ts'

testDataApiKills(await openTestDatabase(), 20_000)
