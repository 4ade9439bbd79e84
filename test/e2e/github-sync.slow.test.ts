// The script of the sync workflow against real processes of `shelfsync serve`, with a SYNC_KEY.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import type { Role } from '../../src/core/roles.ts'
import { freePort } from '../support/processes.ts'
import { ADMIN_KEY, openFleet } from './fleet.ts'
import { runSyncJob, startSyncJob, SYNC_KEY, type EndedJob } from './github-sync.ts'

const ALL: readonly Role[] = ['fetcher', 'maintainer', 'orchestrator']

test('the job ends like the run: each outcome, a second run, and a service that is restarted in between', async (t) => {
  const simulator = await startMedipim({ products: 60, rateLimit: null })
  t.after(simulator.close)
  const fleet = await openFleet(t, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: false,
  })
  const { name } = fleet.pipeline
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const serve = (roles: readonly Role[]) =>
    fleet.serve(roles, { SYNC_KEY, ORCHESTRATOR_PORT: String(port) })
  const job = (variables: Record<string, string>): Promise<EndedJob> =>
    runSyncJob(t, url, { SYNC_SOURCE: name, ...variables })
  const assertRow = ({ code, summary, output }: EndedJob, expected: number, row: RegExp): void => {
    assert.equal(code, expected, output)
    assert.match(summary, row)
    assert.ok(!(output + summary).includes(SYNC_KEY))
  }

  const first = await serve(ALL)
  assertRow(
    await runSyncJob(t, url, { SYNC_MODE: 'full' }),
    0,
    /✅ succeeded \| 60 \| 60 \| 0 \| 0 \| 0/,
  )
  const lines = {
    SYNC_MODE: 'maintain-only',
    SYNC_OFFSET: '10',
    SYNC_LIMIT: '5',
    SYNC_CHUNK_SIZE: '2',
  }
  assertRow(await job(lines), 0, /✅ partial \| 60 \| 0 \| 0 \| 5 \|/)
  assertRow(await job({ SYNC_MODE: 'fetch-only', SYNC_DEBUG: 'true' }), 0, /✅ fetched \| 60 \|/)
  assertRow(await job({ SYNC_MODE: 'maintain-only' }), 0, /✅ succeeded \| 60 \| 0 \| 0 \| 60 \|/)
  assertRow(
    await job({ MEDIPIM_ADMIN_KEY: 'not-the-key-of-the-service' }),
    1,
    /refuses the key \(status 401\)\. Set the secret MEDIPIM_ADMIN_KEY/,
  )
  assertRow(await job({ SYNC_SOURCE: 'nobody' }), 1, /status 404.*nobody/)

  // Without workers, a run stays active.
  first.process.kill('SIGTERM')
  await first.process.exited
  const idle = await serve(['orchestrator'])
  const ended = await startSyncJob(t, url, { SYNC_SOURCE: name, SYNC_MODE: 'full' })
  const [, run] = await ended.process.waitForLine(/run (\d+) is running, /)
  const cancelled = await fetch(`${url}/runs/${run}/cancel`, {
    method: 'POST',
    headers: { 'X-ADMIN-KEY': ADMIN_KEY },
  })
  await cancelled.arrayBuffer()
  assertRow(await ended.ended, 1, /❌ cancelled /)
  assertRow(
    await job({ SYNC_MODE: 'full', SYNC_TIMEOUT_MINUTES: '0.001' }),
    1,
    /❌ time-out .*It continues on the service/,
  )
  const active = await startSyncJob(t, url, { SYNC_SOURCE: name, SYNC_MODE: 'full' })
  await active.process.waitForLine(/ is running, /)
  assertRow(await job(lines), 1, /Another run is active \(status 409\)/)
  idle.process.kill('SIGKILL')
  await active.process.waitForLine(/cannot be reached \(ECONNREFUSED\)\. Trying again\./)
  await serve(ALL)
  assertRow(await active.ended, 0, /✅ succeeded \| 60 \|/)

  const other = await fleet.addSource(simulator.url)
  const both = await runSyncJob(t, url, { SYNC_MODE: 'maintain-only' })
  assertRow(both, 1, /✅ succeeded \| 60 \|/)
  assertRow(both, 1, new RegExp(`\\| ${other.name} \\|.*❌ refused .*no artifact`))

  simulator.catalogue.remove({ count: 50 })
  assertRow(await job({ SYNC_MODE: 'full' }), 1, /❌ held .*shelfsync runs diff/)
  simulator.setKey({ id: '42', secret: 'secret', disabled: true })
  assertRow(await job({ SYNC_MODE: 'full' }), 1, /❌ failed .*Check the key/)
})

test('the request of docs/services.md for cron services starts a sync, and its key cannot cancel it', async (t) => {
  const simulator = await startMedipim({ products: 5, rateLimit: null })
  t.after(simulator.close)
  const fleet = await openFleet(t, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: false,
  })
  const { ports } = await fleet.serve(['orchestrator'], { SYNC_KEY })
  const request = async (method: string, path: string, body?: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${ports['orchestrator']}${path}`, {
      method,
      headers: { 'X-ADMIN-KEY': SYNC_KEY, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    })
    await response.arrayBuffer()
    return response.status
  }
  assert.deepEqual(
    [
      await request('POST', '/sync', '{"mode":"auto"}'),
      await request('GET', '/status'),
      await request('GET', '/runs/1'),
      await request('POST', '/runs/1/cancel'),
      await request('GET', '/runs'),
      // The services that send only GET, and the monitors that send HEAD.
      await request('GET', '/sync'),
      await request('HEAD', '/healthz'),
    ],
    [202, 200, 200, 403, 403, 405, 200],
  )
})
