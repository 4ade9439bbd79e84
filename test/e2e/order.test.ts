// The same again writes nothing, and what is older never overwrites what is newer, whatever the order of lines, parts and artifacts.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testDatabase } from '../support/database.ts'
import { counts, openMedipim, priced, type TestLine } from '../support/line.ts'
import { rowVersions, showProducts, snapshot } from '../support/snapshot.ts'

const { pool: db } = await testDatabase()
const STREAM = '/v4/products/stream'

interface Version {
  readonly id: string
  readonly name?: string
  readonly cents?: number
  /** Unix seconds. */
  readonly at: number
}

/** A source whose supplier sends exactly these lines. */
async function openFeed(t: Parameters<typeof openMedipim>[0]): Promise<{ line: TestLine; send(...versions: readonly Version[]): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-feed-'))
  t.after(() => rm(folder, { recursive: true }))
  const { line, simulator } = await openMedipim(t, { db, linesPerPage: 1, options: { partBytesMax: 1, lanes: 1 } })
  const file = join(folder, 'feed.ndjson')
  return {
    line,
    async send(...versions) {
      const lines = versions.map(({ id, name = id, cents = 1000, at }, index) => JSON.stringify({
        meta: { total: versions.length, index },
        result: { id, status: 'active', name: { en: name }, publicPrice: cents, meta: { createdAt: 1, updatedAt: at, embedUrl: `https://x.example/${at}` } },
      }))
      await writeFile(file, `${lines.join('\n')}\n`)
      simulator.setFeed(file)
    },
  }
}

const shown = async (line: TestLine, id = 'A') => {
  const { title, prices, status } = (await showProducts(line)).get(id) ?? {}
  return { title, prices, status }
}

test('the same artifact twice: the second time writes no row', async (t) => {
  const { line, simulator } = await openMedipim(t, { db })
  priced(simulator)
  const { run } = await line.sync()
  const before = await rowVersions(line)
  assert.deepEqual(counts(await line.replay(run)), { unchanged: 30 })
  assert.deepEqual(counts(await line.replay(run)), { unchanged: 30 })
  assert.deepEqual(await rowVersions(line), before)
})

test('the same feed again writes no row, also when every moving member has moved', async (t) => {
  const { line, simulator } = await openMedipim(t, { db })
  await line.sync()
  const before = await rowVersions(line)
  simulator.clock.advance(86_400_000)
  simulator.catalogue.touch('all')
  assert.deepEqual(counts(await line.sync()), { unchanged: 30 })
  assert.deepEqual(await rowVersions(line), before)
})

test('a normaliser of another version looks at every record, and writes only what comes out differently', async (t) => {
  const { line } = await openMedipim(t, { db })
  await line.sync()
  const before = await rowVersions(line)
  const newer = { ...line.connector, normaliserVersion: 2 }
  assert.deepEqual(counts(await line.sync({ connector: newer })), { unchanged: 30 })
  assert.deepEqual(await rowVersions(line), before)
})

test('a replay of an older artifact changes nothing that a younger one wrote', async (t) => {
  const { line, simulator } = await openMedipim(t, { db })
  const ids = priced(simulator)
  const first = await line.sync()
  simulator.clock.advance(60_000)
  simulator.catalogue.setPrice(ids.slice(0, 1), { cents: 1200 })
  simulator.catalogue.update(ids.slice(1, 3))
  const [gone = ''] = simulator.catalogue.remove(ids.slice(3, 4))
  await line.sync()
  await line.sync()
  assert.equal((await showProducts(line)).get(gone)?.status, 'removed')
  const before = await snapshot(line)
  const replay = await line.replay(first.run)
  assert.equal(replay.state, 'succeeded')
  assert.deepEqual(counts(replay), { unchanged: 27, older: 3 })
  assert.deepEqual(await snapshot(line), before)
})

test('what a younger run saw unchanged, a replay of an older artifact does not change back', async (t) => {
  const { line, send } = await openFeed(t)
  await send({ id: 'A', name: 'first', at: 100 })
  await line.sync()
  await send({ id: 'A', name: 'second', at: 200 })
  const second = await line.sync()
  await send({ id: 'A', name: 'first', at: 300 })
  await line.sync()
  await send({ id: 'A', name: 'first', at: 400 })
  await line.sync()
  await line.replay(second.run)
  assert.equal((await shown(line)).title, 'first')
})

test('within a run the newest record of a product wins, whatever the order of the parts', async (t) => {
  for (const order of [[100, 200, 300], [300, 200, 100], [200, 300, 100], [300, 100, 200]]) {
    const { line, send } = await openFeed(t)
    await send(...order.map((at) => ({ id: 'A', name: `at ${at}`, cents: 1000 + at, at })))
    const report = await line.sync()
    assert.deepEqual(await shown(line), { title: 'at 300', prices: { current: 1300 }, status: 'active' }, order.join())
    assert.equal(report.ledger.fetched, 3)
  }
})

test('of two records of the same time the later line wins', async (t) => {
  const { line, send } = await openFeed(t)
  await send({ id: 'A', name: 'first', at: 100 }, { id: 'A', name: 'second', at: 100 })
  await line.sync()
  assert.equal((await shown(line)).title, 'second')
})

test('a known record and a new one of the same product are compared, whichever comes first', async (t) => {
  for (const reverse of [false, true]) {
    for (const newest of ['known', 'new']) {
      const { line, send } = await openFeed(t)
      await send({ id: 'A', name: 'known', at: 100 }, { id: 'B', at: 100 })
      await line.sync()
      const pair = [{ id: 'A', name: 'known', at: newest === 'known' ? 300 : 200 }, { id: 'A', name: 'new', cents: 1100, at: newest === 'new' ? 300 : 200 }]
      await send(...(reverse ? pair.reverse() : pair), { id: 'B', at: 100 })
      const report = await line.sync()
      assert.equal(report.state, 'succeeded')
      assert.deepEqual(await shown(line), { title: newest, prices: { current: newest === 'new' ? 1100 : 1000 }, status: 'active' }, `${newest} ${reverse}`)
    }
  }
})

test('a record beyond the gates that loses against a known one leaves no held price behind', async (t) => {
  const { line, send } = await openFeed(t)
  await send({ id: 'A', at: 100 })
  await line.sync()
  await send({ id: 'A', cents: 90_000, at: 200 }, { id: 'A', at: 300 })
  await line.sync()
  assert.deepEqual((await shown(line)).prices, { current: 1000 })
})

test('a product that is made and repriced in one run has the newest price', async (t) => {
  for (const cents of [1100, 90_000]) {
    const { line, send } = await openFeed(t)
    await send({ id: 'A', cents: 1000, at: 100 }, { id: 'A', cents, at: 200 })
    await line.sync()
    assert.deepEqual((await shown(line)).prices, { current: cents })
  }
})

test('a supplier whose clock ran ahead is believed again as soon as it is corrected', async (t) => {
  const { line, send } = await openFeed(t)
  const nextYear = Math.floor(Date.now() / 1000) + 31_536_000
  await send({ id: 'A', name: 'from the future', at: nextYear })
  await line.sync()
  await send({ id: 'A', name: 'corrected', at: nextYear - 31_535_990 })
  assert.deepEqual(counts(await line.sync()), { updated: 1 })
  assert.equal((await shown(line)).title, 'corrected')
  await send({ id: 'A', name: 'and on', at: nextYear - 31_535_980 })
  await line.sync()
  assert.equal((await shown(line)).title, 'and on')
  const { watermarkAt } = await line.source()
  assert.ok(watermarkAt && watermarkAt <= new Date(), 'the next incremental run asks for nothing in the future')
})

test('a stream in which products move while it is read ends with each of them once', async (t) => {
  for (const target of ['ahead', 'behind'] as const) {
    const { line, simulator } = await openMedipim(t, { db })
    simulator.clock.advance(60_000)
    simulator.faults.set({ kind: 'update-during-stream', at: 8, target, path: STREAM })
    const report = await line.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.equal((await showProducts(line)).size, 30)
    assert.deepEqual(counts(await line.sync()), { unchanged: 30 })
  }
})
