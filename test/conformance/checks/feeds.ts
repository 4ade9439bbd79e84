// Checks of the content, order and completeness of a feed: cursors, memory, repetitions, truncation
// and malformed records.

import assert from 'node:assert/strict'
import type { Page } from '../../../src/core/connector.ts'
import { measureApart } from '../measure.ts'
import { linesOf, type Rig } from '../rig.ts'
import { given, middleOf, type Check } from './check.ts'
import { supports } from './scopes.ts'

const cursorsLeaveNoGap: Check = {
  name: 'a fetch resumes from the cursor of any page without a gap',
  async prove(rig) {
    const pages = await Array.fromAsync(rig.fetch())
    const all = idsOf(rig, pages)
    assert.ok(
      pages.filter(({ lineCount }) => lineCount > 0).length > 1,
      'the feed has one page only: give the suite a larger size',
    )
    assert.deepEqual(
      pages.filter(({ complete }) => complete),
      rig.isKeyed ? [] : pages.slice(-1),
      'a page other than the last one is complete, or the last one is not',
    )
    for (const [index, page] of pages.entries()) {
      assert.equal(linesOf(page).length, page.lineCount, 'lineCount is not the number of lines')
      if (page.cursor === null) continue
      const cursor: unknown = JSON.parse(JSON.stringify(page.cursor))
      assert.deepEqual(cursor, page.cursor, `the cursor of page ${index + 1} does not survive JSON`)
      const rest = await Array.fromAsync(rig.fetch({ cursor: page.cursor }))
      const found = new Set([...idsOf(rig, pages.slice(0, index + 1)), ...idsOf(rig, rest)])
      const lost = [...all].filter((id) => !found.has(id))
      assert.equal(
        lost.length,
        0,
        `resuming after page ${index + 1} loses ${lost.length} products, such as ${lost[0]}`,
      )
      assert.equal(
        rest.at(-1)?.complete ?? false,
        !rig.isKeyed,
        `a fetch that resumes after page ${index + 1} is not complete`,
      )
    }
  },
}

function idsOf({ subject: { connector } }: Rig, pages: readonly Page[]): Set<string | null> {
  return new Set(
    pages
      .flatMap(linesOf)
      .map((line) => connector.identify(connector.unwrap(JSON.parse(line.toString())))),
  )
}

const memoryIsBounded: Check = {
  name: 'memory does not grow with the number of products',
  async prove({ subject, supplier }) {
    const larger = await subject.start(subject.size * 10)
    const [small, large] = await measureApart(subject, [supplier.origin, larger.origin]).finally(
      () => void larger.close(),
    )
    assert.ok(small && large)
    const more = large.feedBytes - small.feedBytes
    const grown = large.peakBytes - small.peakBytes
    assert.ok(more > small.feedBytes, 'the feed with ten times the products is not twice as large')
    assert.ok(
      grown < more / 4,
      `a feed that is ${more} bytes larger takes ${grown} bytes more memory`,
    )
  },
}

const oldRecordsChange: Check = {
  name: 'an update of an old record reaches the catalogue',
  async prove(rig) {
    const { supplier } = rig
    await rig.syncGreen()
    supplier.change(given(supplier.ids()[0], 'oldest product'))
    const report = await rig.syncGreen(supports(rig, 'since') ? 'incremental' : 'full')
    assert.equal(
      report.ledger.updated,
      1,
      `one product changed, ${report.ledger.updated} were updated`,
    )
    await rig.assertExact()
  },
}

const truncatedIsHeld: Check = {
  name: 'a truncated feed is held and removes nothing, even when it repeats',
  async prove(rig) {
    // A fetch by keys never removes a product.
    if (rig.isKeyed) return
    await rig.syncGreen()
    rig.supplier.strike({ kind: 'cut' }, true)
    for (let time = 0; time < 2; time++) {
      const { run, state, reason } = await rig.sync()
      assert.equal(await rig.isComplete(run), false, 'a feed that was cut short counts as complete')
      assert.equal(state, 'held', `a feed that was cut short is ${state}: ${reason}`)
      await rig.assertNothingRemoved(rig.subject.size)
    }
    rig.supplier.heal()
    await rig.syncGreen()
    await rig.assertExact()
  },
}

const failedPageIsNoEnd: Check = {
  name: 'a failed page never counts as the end of the feed',
  async prove(rig) {
    const { size } = rig.subject
    await rig.syncGreen()
    rig.supplier.strike({ kind: 'failed-page' }, true)
    const { run, state } = await rig.sync()
    // A fetch of named products leaves a failed batch out, and proves nothing about its products.
    if (rig.subject.connector.batches === undefined) {
      assert.equal(await rig.isComplete(run), false, 'a feed with a failed page counts as complete')
      assert.notEqual(state, 'succeeded', 'a feed with a failed page succeeded')
    }
    await rig.assertNothingRemoved(size)
    rig.supplier.heal()
    await rig.closeBreaker()
    await rig.syncGreen()
    await rig.assertNothingRemoved(size)
    await rig.assertExact()
  },
}

const emptyIsNotGreen: Check = {
  name: 'an empty response never succeeds',
  async prove(rig) {
    const {
      supplier,
      subject: { size },
    } = rig
    await rig.syncGreen()
    supplier.strike({ kind: 'empty' }, true)
    const { run, state } = await rig.sync()
    assert.equal(await rig.isComplete(run), false, 'an empty response counts as complete')
    assert.notEqual(state, 'succeeded', 'an empty response succeeded')
    await rig.assertNothingRemoved(size)
    supplier.heal()
    await rig.syncGreen()
    if (rig.isKeyed) return
    supplier.remove(...supplier.ids())
    assert.notEqual(
      (await rig.sync()).state,
      'succeeded',
      'a supplier that lists nothing succeeded',
    )
    await rig.assertNothingRemoved(size)
  },
}

const repeatedIsOne: Check = {
  name: 'a product that is sent twice is stored once, whether on one page or on two',
  async prove(rig) {
    const {
      supplier,
      subject: { size },
    } = rig
    supplier.strike({ kind: 'repeat' }, true)
    const { ledger } = await rig.syncGreen()
    assert.equal(
      ledger.created + ledger.held,
      size,
      `${size} products were sent, ${ledger.created + ledger.held} were created`,
    )
    assert.ok(
      ledger.fetched > size + 1,
      `repeated lines are not archived: ${ledger.fetched} of more than ${size + 1} are there`,
    )
    const before = await rig.snapshot()
    await rig.syncGreen()
    supplier.heal()
    await rig.assertNothingWritten(before)
    await rig.assertExact()
  },
}

const orderIsNothing: Check = {
  name: 'products can be sent in any order',
  async prove(rig) {
    rig.supplier.strike({ kind: 'disorder' }, true)
    const { ledger } = await rig.syncGreen()
    assert.equal(
      ledger.fetched,
      rig.subject.size,
      `${rig.subject.size} products were sent, ${ledger.fetched} were fetched`,
    )
    rig.supplier.heal()
    await rig.assertExact()
  },
}

interface Quarantined {
  part_no: number
  line_no: number
  byte_offset: number
  byte_length: number
  external_id: string | null
  rule: string
  message: string
  raw: Buffer
}

const malformedIsSetAside: Check = {
  name: 'a malformed record is quarantined with its place and bytes, does not count as missing, and affects no other record',
  async prove(rig) {
    const {
      supplier,
      subject: { size },
    } = rig
    await rig.syncGreen()
    const id = middleOf(supplier.ids())
    supplier.spoil(id, 'shape')
    supplier.change(given(supplier.ids()[0], 'oldest product'))
    const { run, ledger } = await rig.syncGreen()
    assert.deepEqual(
      [ledger.updated, ledger.quarantined],
      [1, 1],
      'expected one other record updated and one record in quarantine',
    )
    const row = await onlyQuarantined(rig, run)
    assert.deepEqual([row.rule, row.external_id], ['record/invalid', id])
    await rig.syncGreen()
    await rig.assertNothingRemoved(size)
    supplier.heal()
    await rig.syncGreen()
    await rig.assertExact()
  },
}

const namelessIsSetAside: Check = {
  name: 'a record without an id is quarantined, and its run counts no product as missing',
  async prove(rig) {
    const {
      supplier,
      subject: { size, isAlwaysNamed = false },
    } = rig
    if (isAlwaysNamed) return
    await rig.syncGreen()
    supplier.spoil(middleOf(supplier.ids()), 'id')
    for (let time = 0; time < 2; time++) {
      const { run, ledger } = await rig.syncGreen()
      assert.equal(
        ledger.quarantined,
        1,
        `one record has no id, ${ledger.quarantined} are in quarantine`,
      )
      const row = await onlyQuarantined(rig, run)
      assert.deepEqual([row.rule, row.external_id], ['record/no-id', null])
      await rig.assertNothingRemoved(size)
    }
    supplier.heal()
    await rig.syncGreen()
    await rig.assertExact()
  },
}

/** Returns the run's only quarantined record, after verifying its place and its bytes. */
async function onlyQuarantined(rig: Rig, run: number): Promise<Quarantined> {
  const rows = await rig.query<Quarantined>(
    `select * from catalog.quarantine where source_id = $1 and artifact_run = ${run}`,
  )
  const row = given(rows[0], 'record in quarantine')
  const parts = await rig.parts(run)
  const before = parts
    .filter(({ no }) => no < row.part_no)
    .reduce((bytes, { rawBytes }) => bytes + rawBytes, 0)
  const from = before + row.byte_offset
  const archived = Buffer.from(await rig.pipeline.archived(run)).subarray(
    from,
    from + row.byte_length,
  )
  assert.ok(
    archived.subarray(0, row.raw.length).equals(row.raw),
    'the bytes in quarantine are not those at that place of the artifact',
  )
  for (const place of [
    rig.pipeline.name,
    `part ${row.part_no}`,
    `line ${row.line_no}`,
    `byte ${row.byte_offset}`,
  ]) {
    assert.ok(row.message.includes(place), `"${row.message}" does not say ${place}`)
  }
  return row
}

export const feedChecks: readonly Check[] = [
  cursorsLeaveNoGap,
  memoryIsBounded,
  oldRecordsChange,
  truncatedIsHeld,
  failedPageIsNoEnd,
  emptyIsNotGreen,
  repeatedIsOne,
  orderIsNothing,
  malformedIsSetAside,
  namelessIsSetAside,
]
