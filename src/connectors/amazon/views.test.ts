// The views for readers of Amazon's items: the 22 marketplaces, every column of
// `api.amazon_products`, and what is hidden when its time has come.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { toAsin } from '../../../simulators/amazon/product.ts'
import { DEFAULTS } from '../../../simulators/amazon/switches.ts'
import { openAmazonPipeline, type AmazonSetup } from '../../../test/support/amazon-pipeline.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { createLogin } from '../../../test/support/login.ts'
import { MARKETPLACES } from './marketplaces.ts'

const database = await openTestDatabase()
const { pool: db } = database
const KEYS = Array.from({ length: 8 }, (_, at) => toAsin(at))
const [ESP32 = ''] = KEYS
const BRAZIL = 'www.amazon.com.br'

type Row = Readonly<Record<string, unknown>>

async function open(t: TestContext, setup: Omit<AmazonSetup, 'db'> = {}) {
  const { simulator, pipeline } = await openAmazonPipeline(t, { db, ...setup })
  const find = async (asin: string): Promise<Row | undefined> => {
    const [row] = await pipeline.query<Row>(
      'select * from api.amazon_products where source = $1 and asin = $2',
      pipeline.name,
      asin,
    )
    return row
  }
  return { simulator, pipeline, find }
}

test('catalog.marketplaces has the rows of the connector', async () => {
  const { rows } = await db.query<Row>(
    `select code, region_name, host, region, currency, languages, associate_tag, id from catalog.marketplaces order by code`,
  )
  assert.equal(rows.length, 22)
  assert.deepEqual(
    rows.map(({ id: _, ...row }) => row),
    MARKETPLACES.map(({ code, regionName, host, region, currency, languages }) => ({
      code,
      region_name: regionName,
      host,
      region,
      currency,
      languages,
      associate_tag: null,
    })).sort((a, b) => (a.code < b.code ? -1 : 1)),
  )
  const us = rows.find(({ code }) => code === 'www.amazon.com')
  assert.equal(us?.['id'], '352d0d05-b1b9-16c3-15ac-1c870b179630', 'the same in every database')
})

test('api.amazon_products has every column of an item, and a reason for those that are always null', async (t) => {
  const { pipeline, find } = await open(t)
  await pipeline.syncKeys(KEYS)
  const row = await find(ESP32)
  const { id, marketplace_id: marketplace, null_reasons: reasons, disclaimer, ...rest } = row ?? {}
  const times = ['last_refresh_at', 'created_at', 'updated_at', 'price_as_of', 'expires_at']
  for (const name of times) assert.ok(rest[name] instanceof Date, name)
  const { images, detail_page_url: url, ...facts } = rest
  assert.deepEqual(
    Object.fromEntries(Object.entries(facts).filter(([name]) => !times.includes(name))),
    {
      asin: ESP32,
      marketplace: 'www.amazon.com',
      parent_id: null,
      parent_asin: 'B0PARENT01',
      title: 'ESP32-DevKitC-32UE Development Board, Wi-Fi and Bluetooth',
      description: null,
      brand: 'Espressif Systems',
      manufacturer: 'Espressif Systems',
      current_price: '15.00',
      original_price: '20.00',
      savings_amount: '5.00',
      savings_percentage: '25.00',
      currency: 'USD',
      availability_type: 'IN_STOCK',
      availability_message: 'In Stock',
      customer_review_count: null,
      star_rating: null,
      status: 'active',
      last_available_at: null,
      source: pipeline.name,
    },
  )
  assert.deepEqual(Object.keys(reasons as object).sort(), [
    'customer_review_count',
    'description',
    'star_rating',
  ])
  assert.match(String(disclaimer), /accurate as of the date\/time indicated .* www\.amazon\.com at/)
  assert.match(String(url), /\?tag=simulated-20&/)
  assert.equal((images as string[]).length, 3)
  assert.deepEqual(rest['price_as_of'], rest['last_refresh_at'])
  const [market] = await pipeline.query<Row>(
    'select id, associate_tag from api.marketplaces where id = $1',
    marketplace,
  )
  assert.deepEqual(market, { id: marketplace, associate_tag: 'simulated-20' })
  const [product] = await pipeline.query<Row>(
    'select external_id from api.products where id = $1',
    id,
  )
  assert.equal(product?.['external_id'], ESP32)
})

test('a refresh renews the as-of time of an unchanged item, also of one that Amazon refuses', async (t) => {
  const { simulator, pipeline, find } = await open(t)
  const [, refused = ''] = KEYS
  await pipeline.syncKeys(KEYS)
  simulator.set({ refused: { [refused]: 'ItemNotAccessible' } })
  await pipeline.syncKeys(KEYS)
  const before = new Map([
    [ESP32, await find(ESP32)],
    [refused, await find(refused)],
  ])
  await pipeline.syncKeys(KEYS)
  for (const [asin, earlier] of before) {
    const row = await find(asin)
    assert.ok(Number(row?.['price_as_of']) > Number(earlier?.['price_as_of']), asin)
    assert.deepEqual(row?.['updated_at'], earlier?.['updated_at'])
  }
  const row = await find(refused)
  assert.deepEqual(
    [row?.['status'], row?.['title'], row?.['current_price']],
    ['unavailable', null, null],
  )
})

test('while another price waits for a person, the last good one has its own time, and is hidden at its end', async (t) => {
  const { simulator, pipeline, find } = await open(t)
  await pipeline.syncKeys(KEYS)
  const { id } = await pipeline.source()
  const first = await find(ESP32)
  simulator.update(ESP32, { priceMinor: 99_900 })
  await pipeline.syncKeys(KEYS)
  const row = await find(ESP32)
  assert.equal(row?.['current_price'], '15.00')
  assert.deepEqual(row['price_as_of'], first?.['last_refresh_at'])
  assert.ok(Number(row['price_as_of']) < Number(row['last_refresh_at']))
  await pipeline.query(
    `update catalog.prices set expires_at = now() where source_id = $1 and expires_at is not null`,
    id,
  )
  const later = await find(ESP32)
  assert.deepEqual([later?.['current_price'], later?.['currency']], [null, 'USD'])
})

test('a price in yen has no decimals', async (t) => {
  const { pipeline, find } = await open(t, {
    simulator: { credential: { ...DEFAULTS.credential, version: '3.3' } },
    settings: { marketplace: 'www.amazon.co.jp' },
  })
  await pipeline.syncKeys([ESP32])
  const row = await find(ESP32)
  assert.deepEqual(
    [row?.['current_price'], row?.['original_price'], row?.['currency']],
    ['15', '20', 'JPY'],
  )
})

test('an item without an end is shown, and its marketplace has the associate tag of its link', async (t) => {
  const { pipeline, find } = await open(t, {
    policy: { expiresAfterHours: null },
    settings: { marketplace: BRAZIL },
  })
  await pipeline.syncKeys([ESP32])
  const row = await find(ESP32)
  assert.deepEqual([row?.['marketplace'], row?.['expires_at']], [BRAZIL, null])
  const markets = await pipeline.query<Row>(
    'select associate_tag from api.marketplaces where code = $1',
    BRAZIL,
  )
  assert.deepEqual(markets, [{ associate_tag: 'simulated-20' }])
})

test('an expired item is hidden, and a reader of the views sees neither raw nor settings', async (t) => {
  const { pipeline, find } = await open(t)
  await pipeline.syncKeys(KEYS)
  const { name, pool } = await createLogin(t, database)
  const count = async () =>
    (
      await pool.query(
        'select (select count(*) from api.amazon_products where source = $1)::int as items, (select count(*) from api.marketplaces)::int as marketplaces',
        [pipeline.name],
      )
    ).rows[0]
  await assert.rejects(count(), { code: '42501' })
  await db.query('select catalog.publish($1)', [name])
  assert.deepEqual(await count(), { items: 8, marketplaces: 22 })
  await pool.query('select * from api.amazon_products')
  await assert.rejects(pool.query('select settings from catalog.sources'), { code: '42501' })
  const { id } = await pipeline.source()
  await pipeline.query(
    `update catalog.products set expires_at = now() where source_id = $1 and external_id = $2`,
    id,
    ESP32,
  )
  assert.equal(await find(ESP32), undefined)
  assert.deepEqual(await count(), { items: 7, marketplaces: 22 })
})
