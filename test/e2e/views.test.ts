// The rows of schema `api`: the members of a supplier's record under the names and types that its
// views document.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideReview } from '../../src/db/write/decisions.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'

const { pool: db } = await openTestDatabase()

/**
 * The supplier's member, its value, and the columns made of it. Codes are text, because they have
 * leading zeros and SNOMED exceeds 2^53.
 */
const CODES = [
  ['ean', ['0609580872276', '609580872276'], { ean: ['0609580872276', '609580872276'] }],
  ['eanGtin8', '00012348', { ean_gtin8: '00012348' }],
  ['eanGtin12', '012345678905', { ean_gtin12: '012345678905' }],
  ['eanGtin13', '0609580872276', { ean_gtin13: '0609580872276' }],
  ['eanGtin14', '00609580872276', { ean_gtin14: '00609580872276' }],
  ['artgId', '099001', { artg_id: '099001' }],
  ['pbs', '9999X', { pbs: '9999X' }],
  ['fred', '012345', { fred: '012345' }],
  ['zCode', 'Z0001234', { z_code: 'Z0001234' }],
  ['snomedMp', '21433011000036107', { snomed_mp: '21433011000036107' }],
  ['snomedMpp', '26647011000036103', { snomed_mpp: '26647011000036103' }],
  ['snomedMpuu', '22567011000036105', { snomed_mpuu: '22567011000036105' }],
  ['snomedTp', '11000036100001', { snomed_tp: '11000036100001' }],
  ['snomedTpp', '11000036100002', { snomed_tpp: '11000036100002' }],
  ['snomedTpuu', '11000036100003', { snomed_tpuu: '11000036100003' }],
  ['snomedCtpp', '11000036100004', { snomed_ctpp: '11000036100004' }],
  ['hsCode', '0300490', { hs_code: '0300490' }],
  ['supplierReference', '087227', { supplier_reference: '087227' }],
  ['cnk', '0123456', { cnk: '0123456' }],
  ['acl13', '3401020304050', { acl13: '3401020304050' }],
  ['cip13', '3400930000001', { cip13: '3400930000001' }],
  ['pzn', '01234567', { pzn: '01234567' }],
  ['atcCategory', ['A02BC03', 'A02BC04'], { atc: ['A02BC03', 'A02BC04'] }],
  ['gs1Category', { code: '010000845', level: 4 }, { gs1_category: '010000845' }],
] as const

test('api.medipim_products has every code of a product unchanged, and the other columns that its readers know', async (t) => {
  const {
    pipeline,
    simulator: { catalogue },
  } = await openMedipim(t, { db })
  const [id = '', plain = ''] = catalogue.visible().map(catalogue.idOf)
  const codes = Object.fromEntries(CODES.map(([member, value]) => [member, value]))
  catalogue.update([id], {
    ...codes,
    gtin: null,
    atc: null,
    status: 'replaced',
    replacement: plain,
    name: { en: 'Exampleprazole' },
    vat: 12.5,
    publicPrice: 2599,
    manufacturerPrice: 1120,
    pharmacistPrice: 1345,
    brands: [{ id: 9001, name: 'Example' }],
    organizations: [{ id: 210, name: { en: 'Example Industries' }, type: 'supplier' }],
  })
  catalogue.update([plain], Object.fromEntries(CODES.map(([member]) => [member, null])))
  await pipeline.sync()
  const [row] = await pipeline.query<Record<string, unknown>>(
    'select * from api.medipim_products where source = $1 and id = $2',
    pipeline.name,
    id,
  )
  const { updated_at: updatedAt, source_updated_at: sourceUpdatedAt, ...rest } = row ?? {}
  assert.deepEqual(rest, {
    ...Object.assign({}, ...CODES.map(([, , columns]) => columns)),
    id,
    source: pipeline.name,
    name: 'Exampleprazole',
    status: 'unavailable',
    supplier_status: 'replaced',
    replacement: plain,
    brand: 'Example',
    organization: 'Example Industries',
    price_cents: 2599,
    manufacturer_price_cents: 1120,
    pharmacist_price_cents: 1345,
    vat_rate: '12.5',
    currency: 'AUD',
  })
  assert.ok(updatedAt instanceof Date && sourceUpdatedAt instanceof Date)
  const [came] = await pipeline.query<Record<string, unknown>>(
    'select * from api.medipim_products_raw where source = $1 and id = $2',
    pipeline.name,
    id,
  )
  const { raw, ...shown } = came ?? {}
  assert.deepEqual(shown, {
    id,
    source: pipeline.name,
    name: 'Exampleprazole',
    price_cents: 2599,
    updated_at: updatedAt,
  })
  assert.match(JSON.stringify(raw), /"eanGtin13":"0609580872276"/)
  const [bare] = await pipeline.query<Record<string, unknown>>(
    'select * from api.medipim_products where source = $1 and id = $2',
    pipeline.name,
    plain,
  )
  for (const column of CODES.flatMap(([, , columns]) => Object.keys(columns)))
    assert.equal(bare?.[column], null, column)
  const types = await pipeline.query<{ name: string; type: string }>(
    `select column_name as name, data_type as type from information_schema.columns where table_schema = 'api' and table_name = 'medipim_products'`,
  )
  for (const [, value, columns] of CODES) {
    const [name] = Object.keys(columns)
    assert.equal(
      types.find((column) => column.name === name)?.type,
      Array.isArray(value) ? 'jsonb' : 'text',
      name,
    )
  }
})

test("brands, organisations and categories have separate rows, each once, with the supplier's values", async (t) => {
  const {
    pipeline,
    simulator: { catalogue },
  } = await openMedipim(t, { db, supplier: { products: 2 } })
  catalogue.update('all', {
    brands: [
      { id: 411, name: 'Thermoskin' },
      { id: 411, name: 'Thermoskin' },
    ],
    organizations: [
      {
        id: 210,
        name: 'Thermoskin',
        type: 'supplier',
        contactInformation: { city: null, country: null, url: 'https://thermoskin.example/' },
      },
      {
        id: 937,
        name: { en: 'United Industries' },
        type: 'marketing',
        contactInformation: { city: '', country: 'AU', url: null },
      },
      { id: 938, name: null, type: 'supplier' },
    ],
    publicCategories: [
      { id: 248, name: { en: 'Supports' }, parent: null, order: 1 },
      { id: 435, name: { en: 'Back' }, parent: 248, order: 9 },
    ],
  })
  await pipeline.sync()
  const rowsOf = (view: string) =>
    pipeline.query(
      `select * from api.${view} where source = $1 order by external_id`,
      pipeline.name,
    )
  const source = pipeline.name
  assert.deepEqual(await rowsOf('brands'), [
    { source, external_id: '411', name: 'Thermoskin', attributes: {} },
  ])
  assert.deepEqual(await rowsOf('organizations'), [
    {
      source,
      external_id: '210',
      name: 'Thermoskin',
      attributes: { type: 'supplier', url: 'https://thermoskin.example/' },
    },
    {
      source,
      external_id: '937',
      name: 'United Industries',
      attributes: { type: 'marketing', country: 'AU' },
    },
  ])
  const categories = [
    { source, external_id: '248', name: 'Supports', parent_external_id: null, attributes: {} },
    { source, external_id: '435', name: 'Back', parent_external_id: '248', attributes: {} },
  ]
  assert.deepEqual(await rowsOf('categories'), categories)

  catalogue.update('all', {
    publicCategories: [{ id: 435, name: { en: 'Back and neck' }, parent: 248 }],
  })
  await pipeline.sync()
  assert.deepEqual(
    await rowsOf('categories'),
    [categories[0], { ...categories[1], name: 'Back and neck' }],
    'a new name replaces the old one',
  )
})

/**
 * Names of a supplier's entities, which belong to no product and have no time, and refreshes, which
 * hold the id of a product and no content.
 */
const TERMS = ['brands', 'categories', 'marketplaces', 'organizations', 'refresh_jobs', 'roasters']
/** Views of Amazon, which `src/connectors/amazon/views.test.ts` reads. */
const FOREIGN = ['amazon_products']
/** Views that only count, and name no product. */
const COUNTS = ['daily_summary']

test('no view of schema api shows any member of an expired product', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const { catalogue, clock } = simulator
  const ids = priceActiveProducts(simulator)
  await pipeline.sync()
  const pictured = await pipeline.query<{ id: string }>(
    'select distinct product_external_id as id from api.images where source = $1 and product_external_id = any ($2) limit 2',
    pipeline.name,
    ids,
  )
  const [expired = '', lasting = ''] = pictured.map(({ id }) => id)
  clock.advance(3_600_000)
  catalogue.update([expired, lasting], { name: { en: 'Renamed' } })
  catalogue.setPrice([expired, lasting], { cents: 90_000 })
  await pipeline.sync()
  const { id: sourceId } = await pipeline.source()
  const held = await pipeline.query<{ id: number }>(
    `select id from catalog.reviews where source_id = $1 and state = 'open' and kind = 'price'`,
    sourceId,
  )
  for (const { id } of held) await decideReview(db, id, { approve: true, by: 'me' })
  // Views of coffee show only products whose texts the domain pack has read.
  await pipeline.query(
    `update catalog.products set attributes = attributes || '{"pack": "coffee"}' where source_id = $1`,
    sourceId,
  )
  await pipeline.query(
    `insert into catalog.enrichments (source_id, product_external_id, field, value, quotation, confidence, model, content_hash, accepted_by)
     select source_id, external_id, 'attributes.process', '"dry"', 'dry', 1, 'm', content_hash, 'me' from catalog.products where source_id = $1 and external_id = any ($2)`,
    sourceId,
    [expired, lasting],
  )
  const views = await pipeline.query<{ name: string }>(
    `select viewname as name from pg_views where schemaname = 'api' order by 1`,
  )
  const shown = async () =>
    Object.fromEntries(
      await Promise.all(
        views.map(async ({ name }) => {
          const [row] = await pipeline.query<{ products: number }>(
            `select count(distinct asked.product)::integer as products from unnest($1::text[]) as asked (product)
         join api.${name} v on to_jsonb(v)::text like '%"' || asked.product || '"%' and to_jsonb(v) ->> 'source' = $2`,
            [expired, lasting],
            pipeline.name,
          )
          return [name, row?.products] as const
        }),
      ),
    )
  const expire = async (product: string, at: string) =>
    pipeline.query(
      `update catalog.products set expires_at = now() + $3::interval where source_id = $1 and external_id = $2`,
      sourceId,
      product,
      at,
    )
  const all = Object.fromEntries(
    views.map(({ name }) => [name, [...TERMS, ...FOREIGN, ...COUNTS].includes(name) ? 0 : 2]),
  )
  assert.ok(views.length >= 10)

  await expire(lasting, '1 hour')
  assert.deepEqual(
    await shown(),
    all,
    'a view that shows nothing of these products is not looked at by this test',
  )
  await expire(expired, '-1 second')
  assert.deepEqual(
    await shown(),
    Object.fromEntries(Object.entries(all).map(([name, products]) => [name, products / 2])),
  )
})
