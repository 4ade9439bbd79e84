// One run, shared by eight processes: two fetchers, four maintainers and two orchestrators. The
// result equals that of one process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMedipim, type MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { openFleet, watchWorkers, type Machine } from './fleet.ts'

const PRODUCTS = 3_000

/** Some products change, some are removed, many are touched, all others are known. */
function nextDay({ catalogue, clock }: MedipimSimulator): void {
  clock.advance(86_400_000)
  const ids = catalogue.visible().map((state) => catalogue.idOf(state))
  catalogue.update(ids.slice(0, 40))
  catalogue.remove(ids.slice(100, 110))
  catalogue.touch(ids.slice(200, 2_000))
}

// many-machines.full.ts covers Redis.
test('two fetchers, four maintainers and two orchestrators share a run through Postgres, and it is correct to the row', async (t) => {
  const simulator = await startMedipim({ products: PRODUCTS, rateLimit: null, seed: 11 })
  t.after(simulator.close)
  const fleet = await openFleet(t, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: true,
  })
  const roles = [
    'fetcher',
    'fetcher',
    'maintainer',
    'maintainer',
    'maintainer',
    'maintainer',
    'orchestrator',
    'orchestrator',
  ] as const
  const machines = await Promise.all(roles.map((role) => fleet.serve([role])))
  const [one, two] = machines.slice(-2) as [Machine, Machine]
  const runs = await Promise.all([
    fleet.requestRun(one),
    fleet.requestRun(two),
    fleet.requestRun(one),
  ])
  const [run] = runs
  assert.deepEqual(new Set(runs), new Set([run]))
  const workers = await watchWorkers(fleet, run)
  const { state, reason, ledger } = await fleet.waitForEnd(run)
  assert.deepEqual(
    [state, reason, ledger?.['created'], ledger?.['fetched']],
    ['succeeded', null, PRODUCTS, PRODUCTS],
  )
  assert.equal(workers.fetch.size, 1)
  assert.ok(workers.part.size >= 2, `parts were applied by ${[...workers.part].join()}`)
  const [{ parts } = { parts: 0 }] = await fleet.pipeline.query<{ parts: number }>(
    'select count(*) as parts from catalog.parts where run_id = $1',
    run,
  )
  assert.ok(parts >= 10, `${parts} parts`)
  assert.equal(simulator.stats.snapshot().requests['/v4/products/stream'], 1)
  const numbers = await fleet.pipeline.query(
    'select count(*) as products, count(distinct seq) as seqs from catalog.products where source_id = $1',
    (await fleet.pipeline.source()).id,
  )
  assert.deepEqual(numbers, [{ products: PRODUCTS, seqs: PRODUCTS }])
  const twin = await fleet.syncTwin()
  assert.deepEqual(await snapshotCatalogue(fleet.pipeline), await snapshotCatalogue(twin))

  nextDay(simulator)
  const second = await fleet.waitForEnd(await fleet.requestRun(two, 'full'))
  const expected = await twin.sync()
  assert.deepEqual(
    [second.state, { ...second.ledger, unreadable: 0 }],
    [expected.state, { ...expected.ledger, unreadable: 0 }],
  )
  assert.deepEqual(await snapshotCatalogue(fleet.pipeline), await snapshotCatalogue(twin))
  for (const { process } of machines) process.kill('SIGTERM')
  for (const { process } of machines)
    assert.deepEqual(await process.exited, { code: 0, signal: null }, process.output())
})
