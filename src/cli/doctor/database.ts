// The checks of `shelfsync doctor` for the database: connection, migrations, rights and clock.

import { ERRORS } from '../../core/error-table.ts'
import { DataApi } from '../../db/data-api.ts'
import { listMigrationStates, listMissingMigrations } from '../../db/migrate/migration-states.ts'
import type { Catalog } from '../../db/catalog.ts'
import type { Db } from '../../db/pool.ts'
import { listStrayGrants } from '../../db/write/publications.ts'
import { inspectServer, type ServerFacts } from '../../db/server-facts.ts'
import { listSources, type Source } from '../../db/sources.ts'
import type { Settings } from '../../config/settings.ts'
import { type Check, toFailedCheck } from './check.ts'
import { findDataApi, MIGRATE_BY_HAND, openDatabase } from '../../app/open-database.ts'
import { checkQueueTables, checkSchema } from './schema.ts'
import type { Output } from '../terminal/output.ts'
import { formatQuantity } from '../../lib/words.ts'

/**
 * Tolerated clock difference. Leases and removals use the server's clock; a larger difference only
 * distorts the displayed times of runs.
 */
const SKEW_MAX_MS = 30_000

/** Reports each check, and returns the sources for the checks that follow. */
export async function checkDatabase(
  output: Output,
  settings: Settings,
  report: (check: Check) => void,
): Promise<Source[]> {
  const project = findDataApi(settings)
  try {
    if (project !== null) return await checkDataApi(new DataApi(project), report)
    await using opened = await openDatabase(settings, { notify: (text) => output.note(text) })
    const { db } = opened
    const facts = await inspectServer(db)
    const { readOnly, tables, skewMs } = facts
    report(describeServer(facts, settings))
    if (readOnly) report(READ_ONLY)
    const isMigrated = await checkMigrations(db, settings, report)
    report(checkPrivileges(facts, isMigrated))
    if (isMigrated) report(await checkSchema(db))
    if (settings.queue.url === null && settings.databaseUrl !== null && isMigrated)
      report(await checkQueueTables(db))
    if (tables === 'foreign') {
      report({
        name: 'owner',
        state: 'warn',
        message: 'the tables belong to another role',
        hint: 'After large loads, run `analyze` as that role: this login may not.',
      })
    }
    report(checkClock(skewMs))
    if (tables === 'none') return []
    report(await checkGrants(db))
    return await listSources(db)
  } catch (error) {
    report(adviseOnRoles(toFailedCheck('database', error)))
    return []
  }
}

/** The login of a service may not read what these checks read. */
function adviseOnRoles(check: Check): Check {
  if (check.code !== 'db/denied') return check
  const advice = 'To check the login of a service, add its role: `shelfsync doctor fetcher`.'
  return { ...check, hint: [check.hint, advice].join(' ') }
}

export const READ_ONLY: Check = {
  name: 'read-only',
  state: 'fail',
  message: 'the database is read-only: no sync can write',
  hint: ERRORS['db/read-only'].hint,
}

export function describeServer({ version }: ServerFacts, { databaseUrl, home }: Settings): Check {
  const where = databaseUrl === null ? `embedded in ${home}` : 'DATABASE_URL'
  return { name: 'database', state: 'ok', message: `Postgres ${version} (${where}), with sessions` }
}

function checkPrivileges({ writable, mayMigrate }: ServerFacts, isMigrated: boolean): Check {
  const name = 'privileges'
  if (!writable)
    return {
      name,
      state: 'fail',
      message: 'the role may not create temporary tables or use schema catalog',
      hint: 'Connect as the owner of schema catalog, or grant TEMPORARY on the database and USAGE on the schema.',
    }
  if (!isMigrated && !mayMigrate)
    return {
      name,
      state: 'fail',
      message: 'the role may not create the objects of the migrations',
      hint: 'Run `shelfsync migrate` as the owner of the database, or of schema catalog where it exists.',
    }
  return { name, state: 'ok', message: 'temporary tables and the schema can be used' }
}

async function checkDataApi(db: DataApi, report: (check: Check) => void): Promise<Source[]> {
  const missing = await listMissingMigrations(db)
  report({
    name: 'database',
    state: 'ok',
    message: `the Data API of ${db.host}: sync works, more slowly; serve and decisions need DATABASE_URL`,
  })
  const name = 'migrations'
  report(
    missing.length === 0
      ? { name, state: 'ok', message: 'all applied' }
      : {
          name,
          state: 'fail',
          message: `${formatQuantity(missing.length, 'migration')} not applied yet`,
          hint: `${MIGRATE_BY_HAND}.`,
        },
  )
  if (missing.length === 0) report(await checkGrants(db))
  return await listSources(db)
}

/**
 * A stray grant alone gives no access, because functions check their caller and tables have row
 * security.
 */
async function checkGrants(db: Catalog): Promise<Check> {
  const stray = await listStrayGrants(db)
  if (stray.length === 0)
    return {
      name: 'grants',
      state: 'ok',
      message: 'only the pipeline may call its functions and write tables',
    }
  const message = stray.map(({ grantee, allows }) => `${grantee} may ${allows}`).join(', ')
  return {
    name: 'grants',
    state: 'fail',
    message: `grants that Shelfsync did not make: ${message}`,
    hint: `As the owner: ${stray.map(({ undo }) => undo).join(' ')}`,
  }
}

/** `skewMs` is the clock of the database minus the clock of this machine. */
export function checkClock(skewMs: number): Check {
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1)
  const message =
    seconds === '0.0'
      ? "the same as the database's"
      : `${seconds} s ${skewMs < 0 ? 'ahead of' : 'behind'} the database's`
  if (Math.abs(skewMs) < SKEW_MAX_MS) return { name: 'clock', state: 'ok', message }
  return { name: 'clock', state: 'warn', message, hint: 'Synchronise both clocks by NTP.' }
}

/** Returns true when all are applied. */
async function checkMigrations(
  db: Db,
  { databaseUrl }: Settings,
  report: (check: Check) => void,
): Promise<boolean> {
  const states = await listMigrationStates(db)
  const pending = states.filter(({ state }) => state === 'pending').length
  const strange = states.filter(({ state }) => state === 'changed' || state === 'unknown')
  const name = 'migrations'
  if (strange.length > 0) {
    const which = strange.map(({ version, state }) => `${version} (${state})`).join(', ')
    report({
      name,
      state: 'fail',
      message: `not the migrations of this version: ${which}`,
      hint: 'Install the version of Shelfsync that migrated this database, or a newer one.',
    })
  } else if (pending > 0) {
    const hint =
      databaseUrl === null ? 'The next command applies them.' : 'Run `shelfsync migrate`.'
    report({
      name,
      state: databaseUrl === null ? 'warn' : 'fail',
      message: `${formatQuantity(pending, 'migration')} not applied yet`,
      hint,
    })
  } else {
    report({ name, state: 'ok', message: `all ${states.length} applied` })
    return true
  }
  return false
}
