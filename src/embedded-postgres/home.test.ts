// Homes without a usable database, and environment variables for other servers.

import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mountDisk, NO_DISKS } from '../../test/support/small-disk.ts'
import { openEmbedded } from './embedded.ts'
import { openPool } from '../db/pool.ts'

const SETTINGS = { fsync: 'off', shared_buffers: '16MB' }

async function opened(home: string): Promise<AsyncDisposable & { readonly url: string }> {
  const embedded = await openEmbedded({ home, settings: SETTINGS })
  return { url: embedded.url, [Symbol.asyncDispose]: () => embedded.stop() }
}

test(
  'a home that is too long or read-only is an error of its setting, before and after the first use',
  { skip: NO_DISKS },
  async (t) => {
    await assert.rejects(
      openEmbedded({
        settings: SETTINGS,
        home: join(tmpdir(), ...Array<string>(5).fill('x'.repeat(200))),
      }),
      {
        code: 'settings/invalid',
        message: /^SHELFSYNC_HOME: its path has 10\d\d bytes, and Postgres accepts at most 900/,
      },
    )
    const disk = await mountDisk(t, { megabytes: 200 })
    await chmod(disk.path, 0o755)
    await disk.setReadOnly(true)
    await assert.rejects(openEmbedded({ settings: SETTINGS, home: disk.path }), {
      code: 'settings/invalid',
      message: `SHELFSYNC_HOME: ${disk.path} cannot be written to (EROFS)`,
    })
    await disk.setReadOnly(false)
    await (await openEmbedded({ settings: SETTINGS, home: disk.path })).close()
    await disk.setReadOnly(true)
    await assert.rejects(openEmbedded({ settings: SETTINGS, home: disk.path }), {
      code: 'settings/invalid',
      message: /^SHELFSYNC_HOME: the database in .* cannot be written to$/,
    })
    const full = await mountDisk(t, { megabytes: 1 })
    await chmod(full.path, 0o755)
    await assert.rejects(openEmbedded({ settings: SETTINGS, home: full.path }), {
      code: 'db/unsuitable',
      message: /^The database cannot be created in .*No space left on device/s,
    })
  },
)

test('variables for other servers do not reach the embedded one', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-home-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await chmod(home, 0o755)
  const foreign = {
    PGSSLMODE: 'prefer',
    PGSSLNEGOTIATION: 'direct',
    PGOPTIONS: '-c default_transaction_read_only=on',
    PGCLIENT_ENCODING: 'LATIN1',
    PGREPLICATION: 'database',
    PGHOST: 'nowhere.invalid',
    PGPORT: '1',
    PGUSER: 'nobody',
    PGDATABASE: 'nowhere',
    PGPASSWORD: 'wrong',
  }
  Object.assign(process.env, foreign)
  t.after(() => Object.keys(foreign).forEach((name) => Reflect.deleteProperty(process.env, name)))
  await using embedded = await opened(home)
  const pool = await openPool(embedded.url, { applicationName: 'test' })
  const { rows } = await pool.query(
    `select current_user::text as user, current_setting('default_transaction_read_only') as locked, 'ü' as umlaut`,
  )
  await pool.end()
  assert.deepEqual(rows, [{ user: 'postgres', locked: 'off', umlaut: 'ü' }])
})
