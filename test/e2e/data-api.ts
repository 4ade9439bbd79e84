// A whole catalogue by calls of the Data API, with the process killed in the middle. The result
// equals that of sessions.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import { startDataApi, type Call } from '../support/data-api.ts'
import type { TestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { openPipeline } from '../support/pipeline.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { openShelfsync } from './shelfsync.ts'

/** The stand-in has no object storage. */
export const HERE = { ARTIFACTS: 'file:artifacts' }

export const isBatch = ({ name, nth }: Call, which = nth): boolean =>
  name === 'write_batch' && nth === which

/** Declares the test that a sync by calls resumes after a kill in the middle. */
export function testDataApiKills(database: TestDatabase, products: number): void {
  const { pool: db } = database
  test(`${products.toLocaleString('en')} products by calls, killed in the middle and resumed, equal the products by sessions`, async (t) => {
    const simulator = await startMedipim({ products, rateLimit: null })
    t.after(simulator.close)
    const api = await startDataApi(t, database)
    const env = {
      DATABASE_URL: '',
      SUPABASE_URL: api.url,
      SUPABASE_SECRET_KEY: api.keys.secret,
      MEDIPIM_API_URL: simulator.url,
      MEDIPIM_API_KEY: '42:secret',
      ...HERE,
    }
    const { run, start } = await openShelfsync(t, env)
    assert.equal((await run('add', 'medipim', '--name', 'called')).code, 0)

    const reached = Promise.withResolvers<void>()
    api.trouble = (call) =>
      isBatch(call, Math.floor(products / 350)) ? (reached.resolve(), 'after') : null
    const killed = start('sync', 'called')
    await reached.promise
    killed.child.kill('SIGKILL')
    await once(killed.child, 'close')
    api.trouble = () => null

    const resumed = await run('sync', 'called', '--json')
    assert.equal(resumed.code, 0, resumed.stderr)
    const report = resumed.json()
    const { pipeline: copied } = await openMedipim(t, {
      db,
      simulator,
      linesPerPage: 500,
      options: DEFAULT_OPTIONS,
    })
    const expected = await copied.sync()
    // A killed fetch resumes from the time of the last archived product, and may receive that
    // product twice.
    const {
      fetched = 0,
      unchanged = 0,
      duplicate = 0,
      ...ledger
    } = report['ledger'] as Record<string, number>
    const again = unchanged + duplicate
    assert.deepEqual([report['resumed'], report['state'], again < 10], [true, 'succeeded', true])
    assert.deepEqual(
      { ...ledger, fetched: fetched - again, unchanged: 0, duplicate: 0 },
      expected.ledger,
    )
    const called = await openPipeline(t, {
      db,
      connector: copied.connector,
      settings: {},
      source: 'called',
    })
    assert.deepEqual(await snapshotCatalogue(called), await snapshotCatalogue(copied))

    const sizes = api.calls
      .filter((call) => isBatch(call))
      .map(({ body }) => (JSON.parse(body) as { p_records: string[] }).p_records.length)
    assert.ok(
      sizes.length > products / 200 && Math.max(...sizes) <= 500,
      `${sizes.length} batches, of ${Math.max(...sizes)} records at most`,
    )
  })
}
