// The network stores from the view of a source: synced, verified, printed, replayed, purged, with
// the plain copy beside the parts.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { SECRET_KEY, startStorage } from '../../simulators/storage/server.ts'
import { openStore, type StoreAccess } from '../../src/artifacts/open-store.ts'
import { startS3 } from '../support/s3-server.ts'
import { openShelfsync } from './shelfsync.ts'

interface Place {
  readonly env: Readonly<Record<string, string>>
  readonly access: StoreAccess
}

const NO_S3 = { endpoint: null, region: 'us-east-1', key: null }

const PLACES: Readonly<Record<string, (t: TestContext, folder: string) => Promise<Place>>> = {
  async 'Supabase Storage'(t, folder) {
    const { url, close } = await startStorage({ folder })
    t.after(close)
    return {
      env: { ARTIFACTS: 'supabase:', SUPABASE_URL: url, SUPABASE_SECRET_KEY: SECRET_KEY },
      access: {
        supabase: { url, secretKey: SECRET_KEY, bucket: 'medipim-raw' },
        s3: NO_S3,
        home: folder,
      },
    }
  },
  async S3(t, folder) {
    const { url, close } = await startS3(folder)
    t.after(close)
    return {
      env: {
        ARTIFACTS: 's3://raw/shelf',
        S3_ENDPOINT: url,
        S3_ACCESS_KEY_ID: 'S3RVER',
        S3_SECRET_ACCESS_KEY: 'S3RVER',
      },
      access: {
        supabase: null,
        s3: { endpoint: url, region: 'us-east-1', key: { id: 'S3RVER', secret: 'S3RVER' } },
        home: folder,
      },
    }
  },
}

for (const [what, open] of Object.entries(PLACES)) {
  test(`a source whose artifacts are in ${what}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'shelfsync-store-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const { env, access } = await open(t, folder)
    const simulator = await startMedipim({ products: 200, rateLimit: null })
    t.after(simulator.close)
    const { run } = await openShelfsync(t, {
      ...env,
      ARTIFACTS_LATEST: 'true',
      MEDIPIM_API_URL: simulator.url,
      MEDIPIM_API_KEY: '42:secret',
    })
    await run('add', 'medipim', '--name', 'pharmacy', '--no-sync')
    const synced = await run('sync', '--json')
    assert.equal(synced.code, 0, synced.stderr)
    const id = String(synced.json()['run'])
    assert.equal((await run('artifacts', 'verify', id)).code, 0)
    const printed = (await run('artifacts', 'cat', id)).stdout
    assert.equal(printed.trimEnd().split('\n').length, 200)

    const store = openStore(env['ARTIFACTS'] ?? '', folder, access)
    assert.equal(Buffer.from(await store.get('pharmacy/latest.ndjson')).toString(), printed)
    const replayed = await run('replay', 'pharmacy', '--json')
    assert.deepEqual(
      [replayed.code, (replayed.json()['ledger'] as Record<string, number>)['unchanged']],
      [0, 200],
    )
    assert.equal((await run('purge', 'pharmacy', '--everything')).code, 0)
    assert.deepEqual(
      (await Array.fromAsync(store.list(''))).map(({ key }) => key),
      ['pharmacy/latest.ndjson'],
    )
  })
}
