// A deployment for tests: a database, a supplier and a store, and the settings of an operator.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import type { Db } from '../../src/db/pool.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { openFly, type Deployed, type FlySetup, type TestFly } from '../support/fly.ts'
import { dropLogins } from '../support/login.ts'
import { startS3 } from '../support/s3-server.ts'

export interface TestDeployment {
  readonly fly: TestFly
  readonly db: Db
  readonly databaseUrl: string
  /** The beginning of the names of the apps. */
  readonly prefix: string
  /** The values of `.env`. */
  readonly values: Readonly<Record<string, string>>
}

/** The values that no output and no argument may contain, by setting. */
export const PLANTED = {
  ADMIN_KEY: 'planted-admin-key-0123456789abcdef',
  SYNC_KEY: 'planted-sync-key-0123456789abcdef',
  MEDIPIM_API_KEY_SECRET: 'planted-secret-of-medipim',
} as const

/** Opens an empty organisation and an empty database, with a complete `.env`. */
export async function openDeployment(
  t: Lifetime,
  setup: FlySetup & {
    readonly products?: number
    readonly migrated?: boolean
    /** The key that the supplier knows. */
    readonly key?: { readonly id: string; readonly secret: string }
  } = {},
): Promise<TestDeployment> {
  const database = await openTestDatabase(t, setup.migrated === true ? {} : { migrations: [] })
  const prefix = `t${randomUUID().slice(0, 8)}`
  for (const one of [prefix, `${prefix}_staging`]) t.after(() => dropLogins(database.url, one))
  const key = setup.key ?? { id: '42', secret: PLANTED.MEDIPIM_API_KEY_SECRET }
  const simulator = await startMedipim({
    products: setup.products ?? 5,
    rateLimit: null,
    keys: [key],
  })
  t.after(simulator.close)
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-s3-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const s3 = await startS3(folder)
  t.after(s3.close)
  const fly = await openFly(t, setup)
  const values = {
    ...PLANTED,
    MIGRATE_DATABASE_URL: database.url,
    MEDIPIM_API_KEY_ID: key.id,
    MEDIPIM_API_URL: simulator.url,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ARTIFACTS: `s3://raw/${prefix}`,
    S3_ENDPOINT: s3.url,
    S3_ACCESS_KEY_ID: 'S3RVER',
    S3_SECRET_ACCESS_KEY: 'S3RVER',
    // A port of the operator's machine, which belongs to no app.
    ORCHESTRATOR_PORT: '4000',
  }
  await fly.writeEnv('.env', values)
  return { fly, db: database.pool, databaseUrl: database.url, prefix, values }
}

/** No planted value, no password and no address may be in an argument or in the output. */
export async function assertHidden(
  { fly, values }: TestDeployment,
  ...deployed: Deployed[]
): Promise<void> {
  const logins = await readFile(join(fly.folder, '.env.logins'), 'utf8').catch(() => '')
  const passwords = Object.values(parseEnv(logins)).map((url) => new URL(url ?? '').password)
  const texts = [
    ...deployed.map(({ output }) => output),
    ...(await fly.calls()).map(({ words }) => words.join(' ')),
  ]
  const secrets = [...Object.values(PLANTED), values['MIGRATE_DATABASE_URL'] ?? '', ...passwords]
  for (const text of texts)
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} in ${text}`)
}

export function assertEnded({ code, output }: Deployed, expected = 0): void {
  assert.equal(code, expected, output)
}
