// Values that a later step proposes for empty fields: a person or a threshold accepts them, and the
// supplier's values stay as they are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inSession } from '../../src/db/catalog.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()

async function open(t: Lifetime) {
  const { pipeline, supplier } = await openToy(t, { db })
  const [id = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  const source = await pipeline.source()
  const load = async <Row>(sql: string) =>
    (
      await db.query<{ row: Row }>(`select to_jsonb(q) as row from (${sql}) q`, [source.id, id])
    ).rows.map(({ row }) => row)
  const loadHash = async () =>
    (
      await load<{ hash: string }>(
        'select content_hash as hash from catalog.products where source_id = $1 and external_id = $2',
      )
    )[0]?.hash
  return {
    pipeline,
    supplier,
    id,
    load,
    propose: async (changes: object = {}) => {
      const [row] = await inSession(db).call<{ outcome: string; review: number | null }>(
        'propose_value',
        {
          source: source.id,
          product: id,
          field: 'attributes.process',
          value: JSON.stringify('washed'),
          quotation: 'fully washed',
          confidence: 0.6,
          model: 'small-model',
          content_hash: await loadHash(),
          threshold: null,
          ...changes,
        },
      )
      assert.ok(row)
      return row
    },
    reviews: async () => (await listReviews(db, { source: pipeline.name, limit: 10 })).items,
    /** The product's row, and its enrichments as readers see them. */
    product: () =>
      load<{ row: string }>(
        'select p::text as row from catalog.products p where source_id = $1 and external_id = $2',
      ),
    enrichments: () =>
      load(
        `select field, llm_enrichment, llm_confidence, quotation, model, is_stale from api.enrichments e join catalog.sources s on s.name = e.source
         where s.id = $1 and product_external_id = $2 order by 1`,
      ),
  }
}

const WASHED = {
  field: 'attributes.process',
  llm_enrichment: 'washed',
  llm_confidence: 0.6,
  quotation: 'fully washed',
  model: 'small-model',
  is_stale: false,
}

test('a proposal waits for a person, and approving writes it beside the product', async (t) => {
  const { propose, reviews, enrichments, product, load } = await open(t)
  const before = await product()
  const { outcome, review } = await propose()
  assert.deepEqual([outcome, await enrichments()], ['proposed', []])
  assert.deepEqual(await propose(), { outcome: 'known', review: null })
  const [waiting] = await reviews()
  assert.deepEqual(
    [
      waiting?.id,
      waiting?.kind,
      waiting?.detail.field,
      waiting?.detail.value,
      waiting?.detail.quotation,
    ],
    [review, 'proposal', 'attributes.process', 'washed', 'fully washed'],
  )
  await decideReview(db, review ?? 0, { approve: true, by: 'anna' })
  assert.deepEqual([await enrichments(), await reviews()], [[WASHED], []])
  assert.deepEqual(await product(), before)
  assert.deepEqual(
    await load(
      'select accepted_by as by from catalog.enrichments where source_id = $1 and product_external_id = $2',
    ),
    [{ by: 'anna' }],
  )
  assert.deepEqual(
    await load(
      'select field, llm_enrichment, llm_confidence::float8, a.model, is_stale from api.enrichments a join catalog.sources s on s.name = a.source where s.id = $1 and product_external_id = $2',
    ),
    [
      {
        field: 'attributes.process',
        llm_enrichment: 'washed',
        llm_confidence: 0.6,
        model: 'small-model',
        is_stale: false,
      },
    ],
  )
})

test('a rejected value is not proposed again, and another value is', async (t) => {
  const { propose, enrichments } = await open(t)
  const { review } = await propose()
  await decideReview(db, review ?? 0, { approve: false, by: 'anna' })
  assert.equal((await propose()).outcome, 'known')
  assert.equal((await propose({ value: JSON.stringify('natural') })).outcome, 'proposed')
  assert.deepEqual(await enrichments(), [])
})

test('another proposal for the field supersedes the open one', async (t) => {
  const { propose, reviews } = await open(t)
  await propose()
  const { review } = await propose({ value: JSON.stringify('natural') })
  assert.deepEqual(
    (await reviews()).map(({ id }) => id),
    [review],
  )
})

test('the threshold accepts without a person, and never replaces what a person accepted', async (t) => {
  const { propose, reviews, enrichments } = await open(t)
  assert.equal((await propose({ threshold: 0.61 })).outcome, 'proposed')
  assert.equal(
    (await propose({ threshold: 0.6, value: JSON.stringify('dry') })).outcome,
    'accepted',
  )
  const { review } = await propose()
  await decideReview(db, review ?? 0, { approve: true, by: 'anna' })
  const dry = await propose({ threshold: 0.5, value: JSON.stringify('dry') })
  assert.deepEqual([dry.outcome, await enrichments(), await reviews()], ['decided', [WASHED], []])
})

test('a proposal for a stated field, a changed product or a price is not taken', async (t) => {
  const { propose, reviews, pipeline, supplier, id, enrichments } = await open(t)
  assert.equal((await propose({ field: 'attributes.tags' })).outcome, 'filled')
  assert.equal((await propose({ field: 'brand' })).outcome, 'filled')
  assert.equal((await propose({ field: `variants.${id}.weightGrams` })).outcome, 'proposed')
  assert.equal((await propose({ content_hash: Buffer.alloc(16) })).outcome, 'outdated')
  assert.equal((await propose({ product: 'nothing' })).outcome, 'outdated')
  for (const [changes, message] of [
    [
      { field: 'attributes.price' },
      /"attributes\.price" is a price: prices come from suppliers only/,
    ],
    [{ field: 'raw' }, /"raw" is not a field of a product/],
    [{ quotation: '' }, /has no value or no quotation/],
    [{ value: 'null' }, /has no value or no quotation/],
  ] as const)
    await assert.rejects(propose(changes), { code: 'usage/invalid', message })
  await propose({ threshold: 0.1 })
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update([id])
  await pipeline.sync()
  assert.deepEqual(await enrichments(), [{ ...WASHED, is_stale: true }])
  assert.equal((await reviews()).length, 1)
})
