// Runs through the queue, on a real Postgres: what one process does alone, workers do together.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { openMedipim } from '../../test/support/line.ts'
import { openServices } from '../../test/support/services.ts'
import { showProducts, snapshot } from '../../test/support/snapshot.ts'
import { discardDeadLetter, listDeadLetters, retryDeadLetter } from './dead-letters.ts'

const database = await testDatabase()
const db = database.pool

test('a run through the queue ends in the catalogue that one process makes, and asked for twice it is one run', async (t) => {
  const alone = await openMedipim(t, { db, supplier: { products: 40, seed: 5 } })
  await alone.line.sync()
  const { line } = await openMedipim(t, { db, supplier: { products: 40, seed: 5 } })
  const services = await openServices(t, database, line)
  const first = await services.order()
  const second = await services.order({ mode: 'full' })
  assert.deepEqual([first.started, second.started, second.run], [true, false, first.run])
  services.work()
  const { state, ledger } = await services.ended(first.run)
  assert.equal(state, 'succeeded')
  assert.deepEqual([ledger?.['created'], ledger?.['fetched']], [40, 40])
  assert.deepEqual(await snapshot(line), await snapshot(alone.line))
  assert.deepEqual([await services.queues.fetch.count(), await services.queues.apply.count()], [0, 0])
})

test('fetch-only leaves what it fetched, and maintain-only goes on with it', async (t) => {
  const { line, simulator } = await openMedipim(t, { db })
  const services = await openServices(t, database, line)
  services.work()
  const fetched = await services.order({ mode: 'fetch-only' })
  assert.equal((await services.ended(fetched.run)).state, 'interrupted')
  assert.equal((await showProducts(line)).size, 0)
  const applied = await services.order({ mode: 'maintain-only' })
  assert.deepEqual([applied.run, applied.started], [fetched.run, true])
  const { state, ledger } = await services.ended(applied.run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
  assert.equal(simulator.stats.snapshot().requests['/v4/products/stream'], 1)
})

test('a partial run applies the lines that it is asked for and settles nothing', async (t) => {
  const { line } = await openMedipim(t, { db })
  const services = await openServices(t, database, line)
  services.work()
  await services.ended((await services.order({ mode: 'fetch-only' })).run)
  const { run } = await services.order({ mode: 'maintain-only', offset: 5, limit: 12, chunkSize: 2 })
  const { state, reason } = await services.ended(run)
  assert.deepEqual([state, (await showProducts(line)).size], ['partial', 12])
  assert.match(reason ?? '', /12 lines after 5 of artifact/)
  const [{ watermark } = { watermark: 'unread' }] = await line.query<{ watermark: unknown }>('select watermark from catalog.sources where name = $1', line.name)
  assert.equal(watermark, null)
})

test('a task that fails for good is a dead letter; tried again when its cause is gone, its run ends well', async (t) => {
  const { line, simulator } = await openMedipim(t, { db })
  const services = await openServices(t, database, line)
  services.work()
  simulator.faults.set({ kind: 'status', status: 401, times: null })
  const { run } = await services.order()
  assert.equal((await services.ended(run)).state, 'failed')
  const letter = await services.letter(run)
  assert.deepEqual([letter.run, letter.source, letter.queue], [run, line.name, 'fetch'])
  simulator.faults.clear()
  await retryDeadLetter(db, services.queues, letter.id)
  const { state, ledger } = await services.ended(run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
  assert.deepEqual(await listDeadLetters(services.queues), [])
  await assert.rejects(discardDeadLetter(services.queues, 'no-such'), { code: 'job/unknown' })
})

test('a queue that was emptied is filled again from the rows, and the run goes on', async (t) => {
  const { line } = await openMedipim(t, { db })
  const services = await openServices(t, database, line)
  const { run } = await services.order()
  await services.queues.fetch.obliterate({ force: true })
  await services.queues.apply.obliterate({ force: true })
  services.work()
  await services.tick()
  const { state, ledger } = await services.ended(run)
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 30])
})

test('a cancelled run stays as it is, and its workers write nothing more', async (t) => {
  const { line } = await openMedipim(t, { db })
  const services = await openServices(t, database, line)
  const { run } = await services.order()
  await db.query('select catalog.cancel_run($1)', [run])
  services.work()
  const next = await services.order({ mode: 'full' })
  assert.notEqual(next.run, run)
  assert.equal((await services.ended(next.run)).state, 'succeeded')
  assert.equal((await services.ended(run)).state, 'cancelled')
})
