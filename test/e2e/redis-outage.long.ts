// Redis disappears before, during and after the start of a real `shelfsync serve`, and returns: a sync
// that is requested over HTTP ends, and the log has one warning for each end of the outage.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { routeThrough, startProxy, type FaultyProxy } from '../support/faulty-proxy.ts'
import { explainMissingProgram, startProcess, type Process } from '../support/processes.ts'
import { startRedis, type Redis } from '../support/redis.ts'
import { waitUntil } from '../support/wait-until.ts'
import { ADMIN_KEY, openFleet, type Fleet, type Machine } from './fleet.ts'

const skip = explainMissingProgram('redis-server', 'redis-server')
const OUT = /The queue is unreachable: .*/
const BACK = /The queue is reachable again after .*/

interface Setting {
  readonly fleet: Fleet
  readonly redis: Redis
  readonly proxy: FaultyProxy
  /** Starts a process that has every role. */
  launch(): { readonly process: Promise<Process>; readonly machine: Promise<Machine> }
}

async function openSetting(t: TestContext): Promise<Setting> {
  const redis = await startRedis(t)
  const proxy = await startProxy(t, redis.url)
  const supplier = await startMedipim({ products: 60, rateLimit: null })
  t.after(supplier.close)
  const queueUrl = routeThrough(redis.url, proxy)
  const fleet = await openFleet(t, { supplierUrl: supplier.url, queueUrl, smallParts: true })
  return {
    fleet,
    redis,
    proxy,
    launch() {
      const started = Promise.withResolvers<Process>()
      const machine = fleet.serve([], {}, async (...program) => {
        const process = await startProcess(t, ...program)
        started.resolve(process)
        return process
      })
      machine.catch(() => undefined)
      return { process: started.promise, machine }
    },
  }
}

async function assertSyncs({ fleet }: Setting, machine: Machine): Promise<void> {
  const run = await fleet.requestRun(machine, 'full')
  assert.equal((await fleet.waitForEnd(run)).state, 'succeeded', machine.process.output())
}

/** The log has one warning when the outage begins and one when it is over, and no other. */
function assertOneOutage(process: Process): void {
  const warnings = process
    .output()
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line))
  assert.equal(warnings.length, 2, warnings.join('\n'))
  assert.match(warnings[0] ?? '', OUT)
  assert.match(warnings[1] ?? '', BACK)
}

async function isHealthy({ ports }: Machine): Promise<boolean> {
  const { ok } = await fetch(`http://127.0.0.1:${ports['orchestrator']}/health`, {
    headers: { 'X-ADMIN-KEY': ADMIN_KEY },
  })
  return ok
}

test(
  'serve without Redis ends and says so, and serves when Redis is there',
  { skip },
  async (t) => {
    const setting = await openSetting(t)
    await setting.redis.stop()
    const process = await setting.launch().process
    assert.equal((await process.exited).code === 0, false)
    assert.equal(process.output().match(/Cannot reach QUEUE_URL/g)?.length, 1, process.output())
    await setting.redis.restart()
    await assertSyncs(setting, await setting.launch().machine)
  },
)

test(
  'serve whose Redis is cut off during its start syncs when Redis is back',
  { skip },
  async (t) => {
    const setting = await openSetting(t)
    // Messages before these are sent before the first response of Redis.
    for (const messages of [5, 6, 7, 8, 9, 10]) {
      const cut = setting.proxy.cutAfter(messages)
      const { process, machine } = setting.launch()
      const starting = await process
      await cut
      await starting.waitForLine(OUT)
      await setting.proxy.resume()
      await starting.waitForLine(BACK)
      await assertSyncs(setting, await machine)
      assertOneOutage(starting)
      starting.kill('SIGTERM')
      assert.deepEqual(await starting.exited, { code: 0, signal: null })
    }
  },
)

test(
  'a Redis that ends while a sync is running, and returns empty, delays it',
  { skip },
  async (t) => {
    const setting = await openSetting(t)
    const machine = await setting.launch().machine
    const lock = await setting.fleet.database.pool.connect()
    await lock.query('begin; lock table catalog.products in share mode')
    const run = await setting.fleet.requestRun(machine, 'full')
    await waitUntil(async () => {
      const rows = await setting.fleet.pipeline.query(
        `select from catalog.leases where task like 'part %' and run_id = $1`,
        run,
      )
      return rows.length > 0
    })
    await setting.redis.stop()
    await machine.process.waitForLine(OUT)
    assert.equal(await isHealthy(machine), false)
    await lock.query('commit')
    lock.release()
    await setting.redis.restart()
    await machine.process.waitForLine(BACK)
    assert.equal((await setting.fleet.waitForEnd(run)).state, 'succeeded')
    assertOneOutage(machine.process)
    await waitUntil(() => isHealthy(machine))
    await assertSyncs(setting, machine)
  },
)

test('serve whose packets to Redis vanish syncs when they arrive again', { skip }, async (t) => {
  const setting = await openSetting(t)
  const machine = await setting.launch().machine
  await assertSyncs(setting, machine)
  setting.proxy.stall()
  await machine.process.waitForLine(OUT)
  assert.equal(await isHealthy(machine), false)
  await setting.proxy.resume()
  await machine.process.waitForLine(BACK)
  await assertSyncs(setting, machine)
  assertOneOutage(machine.process)
})
