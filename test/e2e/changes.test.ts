// The changes that a reader of api.changes receives: each event of a product by its name, and a
// first load in one row.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connector } from '../../src/core/connector.ts'
import { rejectRun } from '../../src/db/write/decisions.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import type { PlannedChange } from '../../src/pipeline/apply/plan-writer.ts'
import { planSource } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()

interface Change {
  readonly position: number
  readonly kind: string
  readonly product_external_id: string
  readonly detail: Record<string, unknown>
}

async function published(pipeline: TestPipeline, after = 0): Promise<Change[]> {
  return pipeline.query<Change>(
    'select * from api.changes where source = $1 and position > $2 order by position',
    pipeline.name,
    after,
  )
}

async function kinds(pipeline: TestPipeline, after = 0): Promise<string[][]> {
  return (await published(pipeline, after)).map(({ kind, product_external_id: id }) => [kind, id])
}

test('each change is published under the kind that the plan predicted', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const [renamed = '', repriced = '', deactivated = '', returned = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.catalogue.remove([returned])
  await pipeline.sync()
  await pipeline.sync()
  const changesBefore = await published(pipeline)
  assert.deepEqual(
    changesBefore.map(({ kind }) => kind),
    ['loaded', 'removed'],
  )
  supplier.clock.advance(60_000)
  supplier.catalogue.restore([returned])
  supplier.catalogue.update([renamed], { name: 'Another name' })
  supplier.catalogue.setPrice([repriced], { cents: 1100 })
  supplier.catalogue.deactivate([deactivated])
  const [created = ''] = supplier.catalogue.add(1)

  const expected = [
    `created ${created}`,
    `repriced ${repriced}`,
    `returned ${returned}`,
    `unavailable ${deactivated}`,
    `updated ${renamed}`,
  ]
  const request = { mode: 'full', sinceAt: null, now: new Date() } as const
  const plan: PlannedChange[] = []
  await planSource(
    pipeline.tools,
    bindConnector(pipeline.connector, await pipeline.source()),
    request,
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: (change) => void plan.push(change),
    },
  )
  assert.deepEqual(plan.map(({ kind, externalId }) => `${kind} ${externalId}`).sort(), expected)
  await pipeline.sync()
  const changes = await published(pipeline, changesBefore.at(-1)?.position)
  assert.deepEqual(
    changes.map(({ kind, product_external_id: id }) => `${kind} ${id}`).sort(),
    expected,
  )
  const detailOf = (kind: string) => changes.find((change) => change.kind === kind)?.detail
  assert.deepEqual(detailOf('created'), {})
  assert.deepEqual(detailOf('repriced')?.[`price:${repriced}:public`], [1000, 1100])
})

/** The connector, but each record of the product has another title: `title 1`, `title 2`. */
function renameEachTime(connector: Connector, externalId: string): Connector {
  let seen = 0
  return {
    ...connector,
    scan: () => null,
    normalise: (record, settings) => {
      const draft = connector.normalise(record, settings)
      return draft.externalId === externalId ? { ...draft, title: `title ${++seen}` } : draft
    },
  }
}

test('a product that is created and changed in one run is published as created', async (t) => {
  const { pipeline, supplier } = await openToy(t, {
    db,
    options: { lanes: 1, batchRecordsMax: 1 },
  })
  await pipeline.sync()
  const [first] = await published(pipeline)
  const [created = ''] = supplier.catalogue.add(1)
  const connector = renameEachTime(pipeline.connector, created)
  supplier.setFaults({ kind: 'duplicate-line', at: 30 })
  assert.equal((await pipeline.sync({ connector })).ledger.updated, 1)
  assert.deepEqual(
    (await published(pipeline, first?.position)).map(({ kind, detail }) => [kind, detail]),
    [['created', {}]],
  )
})

test('a member that changes twice in one run is published with its first and its last value', async (t) => {
  const { pipeline, supplier } = await openToy(t, {
    db,
    options: { lanes: 1, batchRecordsMax: 1 },
  })
  await pipeline.sync()
  const [first] = await published(pipeline)
  const [changed = ''] = supplier.catalogue.ids().slice(-1)
  const [before] = await pipeline.query<{ title: string }>(
    'select title from api.products where source = $1 and external_id = $2',
    pipeline.name,
    changed,
  )
  const connector = renameEachTime(pipeline.connector, changed)
  supplier.setFaults({ kind: 'duplicate-line', at: supplier.catalogue.ids().length - 1 })
  assert.equal((await pipeline.sync({ connector })).ledger.updated, 2)
  assert.deepEqual(
    (await published(pipeline, first?.position)).map(({ kind, detail }) => [kind, detail]),
    [['updated', { title: [before?.title, 'title 2'] }]],
  )
})

test('a price that is stated twice in one run is published with its value before the run', async (t) => {
  const { pipeline, supplier } = await openToy(t, {
    db,
    options: { lanes: 1, batchRecordsMax: 1 },
  })
  const [changed = ''] = supplier.catalogue.ids().slice(-1)
  supplier.catalogue.update([changed], { price: null })
  await pipeline.sync()
  const [first] = await published(pipeline)
  let cents = 1000
  const connector: Connector = {
    ...pipeline.connector,
    normaliserVersion: pipeline.connector.normaliserVersion + 1,
    normalise(record, settings) {
      const draft = pipeline.connector.normalise(record, settings)
      if (draft.externalId !== changed) return draft
      cents += 100
      return { ...draft, prices: draft.prices.map((price) => ({ ...price, amountMinor: cents })) }
    },
  }
  supplier.setFaults({ kind: 'duplicate-line', at: supplier.catalogue.ids().length - 1 })
  await pipeline.sync({ connector })
  assert.deepEqual(
    (await published(pipeline, first?.position)).map(({ kind, detail }) => [kind, detail]),
    [['repriced', { [`price:${changed}:public`]: [null, 1200] }]],
  )
})

test('less content for the same price is a change of the price, and says how much dearer it is', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const [same = '', dearer = '', cheaper = '', moved = ''] = supplier.catalogue.ids()
  for (const id of [same, dearer, cheaper, moved])
    supplier.catalogue.update([id], { weight: 250, gtin: '09300000000017' })
  await pipeline.sync()
  const [first] = await published(pipeline)
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update([same], { weight: 225 })
  supplier.catalogue.update([dearer], { weight: 200, price: 1100 })
  supplier.catalogue.update([cheaper], { weight: 200, price: 800 })
  supplier.catalogue.update([moved], { weight: 225, variant: 'new-id' })
  await pipeline.sync()
  const changes = await published(pipeline, first?.position)
  const dearerBy = (grams: number, how: string) => [250, grams, `250 g → ${grams} g at ${how}`]
  const elevenPercent = dearerBy(225, 'the same price: +11 % per 100 g')
  const expected = {
    [same]: ['repriced', { [`weight:${same}`]: elevenPercent }],
    [dearer]: [
      'repriced',
      {
        [`weight:${dearer}`]: dearerBy(200, 'a higher price: +38 % per 100 g'),
        [`price:${dearer}:public`]: [1000, 1100],
      },
    ],
    [cheaper]: ['updated', { [`price:${cheaper}:public`]: [1000, 800] }],
    [moved]: [
      'repriced',
      {
        'weight:new-id': elevenPercent,
        'price:new-id:public': [null, 1000],
        [`price:${moved}:public`]: [1000, null],
      },
    ],
  }
  assert.deepEqual(
    Object.fromEntries(
      changes.map(({ product_external_id: id, kind, detail }) => [id, [kind, detail]]),
    ),
    expected,
  )
})

test('a held first load is published by the next run, before its own changes', async (t) => {
  for (const decision of ['superseded', 'rejected']) {
    const { pipeline, supplier } = await openToy(t, { db })
    const [id = ''] = supplier.catalogue.ids()
    for (const at of [3, 9]) supplier.setFaults({ kind: 'half-line', at, times: 1 })
    const held = await pipeline.sync()
    assert.deepEqual([held.state, held.ledger.created], ['held', 28])
    if (decision === 'rejected') await rejectRun(db, held.run, 'me')
    assert.deepEqual(await kinds(pipeline), [])
    assert.equal((await pipeline.sync()).state, 'succeeded')
    const changes = await published(pipeline)
    assert.deepEqual(
      changes.map(({ kind }) => kind),
      ['loaded', 'created', 'created'],
      decision,
    )
    assert.deepEqual(changes[0]?.detail, { products: 30 })
    supplier.catalogue.update([id])
    await pipeline.sync()
    assert.deepEqual(
      (await kinds(pipeline, changes[2]?.position)).length,
      1,
      'once and never again',
    )
  }
})

test('a source that was empty at first is published as loaded when it has products', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { allowEmpty: true } })
  const all = supplier.catalogue.ids()
  supplier.catalogue.remove(all)
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.deepEqual(await kinds(pipeline), [])
  supplier.catalogue.restore('all')
  await pipeline.sync()
  assert.deepEqual(await kinds(pipeline), [['loaded', '']])
})
