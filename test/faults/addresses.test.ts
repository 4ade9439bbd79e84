// No request reaches a private network through a user's address: directly, by a name, or by a
// redirect in the middle of a run.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { SyncError } from '../../src/core/errors.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import type { TestPipeline } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()

async function syncAt(
  pipeline: TestPipeline,
  apiUrl: string,
  allow: readonly string[],
): Promise<Awaited<ReturnType<TestPipeline['sync']>>> {
  await pipeline.query(
    `update catalog.sources set settings = settings || jsonb_build_object('apiUrl', $2::text) where name = $1`,
    pipeline.name,
    apiUrl,
  )
  const http = createHttp({ guard: createAddressGuard(allow), userAgent: 'test' })
  try {
    return await pipeline.sync({ tools: { http } })
  } finally {
    await http.close()
  }
}

test('a source in a private network is refused before a packet is sent', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const { port } = simulator
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f.1',
    '169.254.169.254',
    '10.0.0.1',
    'db.internal',
    'app.flycast',
    '[fdaa::3]',
  ]) {
    // Before a run starts when the key may not be sent there, else when it connects.
    const error: unknown = await syncAt(pipeline, `http://${host}:${port}`, []).then(
      (report) => report.error,
      (refusal: unknown) => refusal,
    )
    assert.ok(
      error instanceof SyncError && error.code === 'source/address-refused',
      `${host}: ${String(error)}`,
    )
  }
  assert.deepEqual(simulator.stats.snapshot().requests, {})
  assert.deepEqual(pipeline.waits, [], 'a refused request is not retried')
})

test('a redirect into a private network is refused without sending the key', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const outside = createServer((_, response) =>
    response.writeHead(307, { location: `${simulator.url}/v4/products/stream` }).end(),
  )
  outside.listen(0, '127.0.0.1')
  await once(outside, 'listening')
  t.after(() => new Promise<void>((resolve) => outside.close(() => resolve())))
  const { port } = outside.address() as AddressInfo
  const report = await syncAt(pipeline, `http://127.0.0.1:${port}`, [`127.0.0.1:${port}`])
  assert.equal(report.state, 'failed')
  assert.ok(
    report.error instanceof SyncError && report.error.code === 'source/address-refused',
    report.reason ?? '',
  )
  assert.deepEqual(simulator.stats.snapshot().requests, {})
})
