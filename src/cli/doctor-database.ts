// The doctor's look at the database: can it be reached, is it suitable and up to date, may we do
// what a sync does.

import { ERRORS } from '../core/errors.ts'
import { DataApi } from '../db/data-api.ts'
import { listMigrationStates, listMissingMigrations } from '../db/migrate/migrate.ts'
import type { Catalog } from '../db/catalog.ts'
import type { Db } from '../db/pool.ts'
import { listStrayGrants } from '../db/write/publications.ts'
import { inspectServer } from '../db/server-facts.ts'
import { listSources, type Source } from '../db/sources.ts'
import type { Settings } from '../config/settings.ts'
import { type Check, toFailedCheck } from './check.ts'
import { findDataApi, MIGRATE_BY_HAND, openDatabase } from '../app/open-database.ts'
import type { Output } from './output.ts'
import { formatQuantity } from './format.ts'

/**
 * Leases and removals go by the server's clock; seconds do no harm, minutes puzzle whoever reads
 * the runs.
 */
const SKEW_MAX_MS = 30_000

/** Tells one check after the other; returns the sources, which further checks are about. */
export async function checkDatabase(
  output: Output,
  settings: Settings,
  tell: (check: Check) => void,
): Promise<Source[]> {
  const project = findDataApi(settings)
  try {
    if (project !== null) return await checkDataApi(new DataApi(project), tell)
    await using opened = await openDatabase(settings, { notify: (text) => output.note(text) })
    const { db } = opened
    const { version, readOnly, writable, tables, skewMs } = await inspectServer(db)
    const where = settings.databaseUrl === null ? `embedded in ${settings.home}` : 'DATABASE_URL'
    tell({
      name: 'database',
      state: 'ok',
      message: `Postgres ${version} (${where}), sessions last`,
    })
    if (readOnly)
      tell({
        name: 'read-only',
        state: 'fail',
        message: 'the database is read-only: it can be looked at, and no sync can write',
        hint: ERRORS['db/read-only'].hint,
      })
    await checkMigrations(db, settings, tell)
    tell(
      writable
        ? {
            name: 'privileges',
            state: 'ok',
            message: 'temporary tables and the schema can be used',
          }
        : {
            name: 'privileges',
            state: 'fail',
            message: 'the role may not make temporary tables or use schema catalog',
            hint: 'Connect as the owner of schema catalog, or grant TEMPORARY on the database and USAGE on the schema.',
          },
    )
    if (tables === 'foreign') {
      tell({
        name: 'owner',
        state: 'warn',
        message: 'the tables belong to another role',
        hint: 'After big loads that role should run `vacuum (analyze)`; ours may not.',
      })
    }
    tell(checkClock(skewMs))
    if (tables === 'none') return []
    tell(await checkGrants(db))
    return await listSources(db)
  } catch (error) {
    tell(toFailedCheck('database', error))
    return []
  }
}

async function checkDataApi(db: DataApi, tell: (check: Check) => void): Promise<Source[]> {
  const missing = await listMissingMigrations(db)
  tell({
    name: 'database',
    state: 'ok',
    message: `the Data API of ${db.host}: sync works, more slowly; serve and decisions need DATABASE_URL`,
  })
  const name = 'migrations'
  tell(
    missing.length === 0
      ? { name, state: 'ok', message: 'all applied' }
      : {
          name,
          state: 'fail',
          message: `${formatQuantity(missing.length, 'migration')} not applied yet`,
          hint: `${MIGRATE_BY_HAND}.`,
        },
  )
  if (missing.length === 0) tell(await checkGrants(db))
  return await listSources(db)
}

/**
 * Functions that check their caller and tables with row security are safe all the same: it takes
 * two mistakes to lose anything.
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
    message: `given by somebody else: ${message}`,
    hint: `As the owner: ${stray.map(({ undo }) => undo).join(' ')}`,
  }
}

/** `skewMs` is the database's clock minus ours. */
export function checkClock(skewMs: number): Check {
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1)
  const message =
    seconds === '0.0'
      ? "the same as the database's"
      : `${seconds} s ${skewMs < 0 ? 'ahead of' : 'behind'} the database's`
  if (Math.abs(skewMs) < SKEW_MAX_MS) return { name: 'clock', state: 'ok', message }
  return { name: 'clock', state: 'warn', message, hint: 'Let both keep time by NTP.' }
}

async function checkMigrations(
  db: Db,
  { databaseUrl }: Settings,
  tell: (check: Check) => void,
): Promise<void> {
  const states = await listMigrationStates(db)
  const pending = states.filter(({ state }) => state === 'pending').length
  const strange = states.filter(({ state }) => state === 'changed' || state === 'unknown')
  const name = 'migrations'
  if (strange.length > 0) {
    const which = strange.map(({ version, state }) => `${version} (${state})`).join(', ')
    tell({
      name,
      state: 'fail',
      message: `not those of this version: ${which}`,
      hint: 'Install the Shelfsync that migrated this database, or a newer one.',
    })
  } else if (pending > 0) {
    const hint =
      databaseUrl === null
        ? 'Nothing to do: the next command applies them.'
        : 'Run `shelfsync migrate`.'
    tell({
      name,
      state: databaseUrl === null ? 'warn' : 'fail',
      message: `${formatQuantity(pending, 'migration')} not applied yet`,
      hint,
    })
  } else {
    tell({ name, state: 'ok', message: `all ${states.length} applied` })
  }
}
