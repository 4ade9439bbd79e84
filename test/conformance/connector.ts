// The conformance suite of connectors, on the real pipeline. A connector's conformance test
// calls `testConnector` with the connector and its supplier; connector.test.ts in this folder
// proves that each check catches a connector that breaks it.

import { after, before, describe, test } from 'node:test'
import type { Db } from '../../src/db/pool.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { given, type Check } from './checks/check.ts'
import { credentialChecks } from './checks/credentials.ts'
import { failureChecks } from './checks/failures.ts'
import { feedChecks } from './checks/feeds.ts'
import { hostileChecks } from './checks/hostile.ts'
import { recordChecks } from './checks/records.ts'
import { runChecks } from './checks/runs.ts'
import { scopeChecks } from './checks/scopes.ts'
import { settingsChecks } from './checks/settings.ts'
import { FUZZ, fuzzConnector } from './fuzz.ts'
import { measureWhenAsked } from './measure.ts'
import { Rig, type Subject } from './rig.ts'

export const CHECKS: readonly Check[] = [
  ...settingsChecks,
  ...credentialChecks,
  ...scopeChecks,
  ...recordChecks,
  ...hostileChecks,
  ...feedChecks,
  ...failureChecks,
  ...runChecks,
]

/**
 * Number of concurrent checks. Half of a check's time is waiting for the disk and the database, and
 * each needs three of the pool's ten connections.
 */
export const CONCURRENCY = 3

/**
 * Declares the tests of the suite. Every check has a separate supplier, source and artifact store;
 * all share one database.
 */
export function testConnector(subject: Subject): void {
  if (measureWhenAsked(subject)) return
  if (process.env[FUZZ] !== undefined) return fuzzConnector(subject, suiteDatabase)
  describe(
    `${subject.connector.name} fulfils the contract of a connector`,
    { concurrency: CONCURRENCY },
    () => {
      const db = suiteDatabase()
      for (const { name, prove } of CHECKS) test(name, () => Rig.use(subject, db(), prove))
    },
  )
}

/** Declares a database for the tests of the surrounding `describe`. */
export function suiteDatabase(): () => Db {
  let database: TestDatabase | null = null
  before(async () => {
    database = await openTestDatabase({ after: () => {} })
  })
  after(() => database?.drop())
  return () => given(database, 'database yet').pool
}
