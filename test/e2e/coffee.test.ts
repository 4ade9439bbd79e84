// A coffee shop with the options of a source: what the domain pack reads reaches the tables, with
// its provenance; filters, tags and unit prices; and a change of an option reads every record again.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startShopify, type ShopifySimulator } from '../../simulators/shopify/server.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import type { Json } from '../../src/core/json.ts'
import { saveSource } from '../../src/db/sources.ts'
import { StagedJson } from '../../src/db/write/staged-json.ts'
import { loadOptions } from '../../src/normalise/apply-options.ts'
import { readRecord } from '../../src/pipeline/apply/record-reader.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { planReplay } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, openPipeline, type TestPipeline } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()

/** Title, type, tags, description, and the options of each variant with its price. */
type Good = readonly [
  title: string,
  type: string,
  tags: readonly string[],
  description: string,
  options: Readonly<Record<string, readonly string[]>>,
  price: string,
]

const GOODS: readonly Good[] = [
  [
    'Riverdale Estate - Gesha Natural',
    'Coffee',
    ['light-roast', 'acidity-medium-high', 'TAX_5', 'tag_chocolatey', 'CRP', 'limited edition'],
    '<p>Grown at 1,400&ndash;1,500 m near <b>Yercaud</b>.</p><p>Net weight: 250 g</p>',
    { Size: ['250g', '2 x 100g'], Grind: ['Whole Bean', 'Aeropress'] },
    '700.00',
  ],
  [
    'Monsoon Blend 80% Arabica 20% Robusta',
    'Coffee',
    [],
    'Medium roast.',
    { Size: ['1 kg'] },
    '900',
  ],
  ['Equinox', '', ['hideaway'], 'A gift for the longest day.', {}, '300.00'],
  ['12 oz Travel Mug', 'Merchandise', [], 'Holds 340 g of coffee.', { Colour: ['Red'] }, '450.00'],
  ['All Products', 'Coffee', [], '', {}, '0.00'],
  ['House Espresso Subscription', 'Coffee', [], '', { Size: ['3 / 250g'] }, '1458.00'],
]

async function openCoffeeShop(
  t: TestContext,
  options: Json,
): Promise<{ shop: ShopifySimulator; pipeline: TestPipeline }> {
  const shop = await startShopify({ products: GOODS.length })
  shop.set({ currency: 'INR' })
  t.after(shop.close)
  for (const [at, { id, variants }] of [...shop.shop.products()].entries()) {
    const [title, product_type, tags, body_html, choices, price] = GOODS[at] ?? []
    const [first, ...others] = Object.entries(choices ?? {})
    const [model] = variants
    assert.ok(title !== undefined && model && price !== undefined)
    const values = (first?.[1] ?? ['Default Title']).flatMap((one) =>
      (others[0]?.[1] ?? [null]).map((other) => [one, other] as const),
    )
    shop.shop.update(id, {
      title,
      product_type: product_type ?? '',
      tags: [...(tags ?? [])],
      body_html: body_html ?? '',
      options: [first ?? ['Title', ['Default Title']], ...others].map(([name, list], place) => ({
        name: name ?? '',
        position: place + 1,
        values: [...(list ?? [])],
      })),
      variants: values.map(([option1, option2], place) => ({
        ...model,
        id: model.id + place,
        title: [option1, option2].filter((one) => one !== null).join(' / '),
        option1,
        option2,
        option3: null,
        price,
        compare_at_price: null,
        position: place + 1,
        available: true,
      })),
    })
  }
  const settings = { url: shop.url, currency: 'INR', minIntervalMs: 0 }
  const pipeline = await openPipeline(t, { db, connector: shopify, settings })
  await saveSource(db, (await pipeline.source()).id, { options })
  return { shop, pipeline }
}

const readCoffees = (pipeline: TestPipeline, columns: string) =>
  pipeline.query<Record<string, unknown>>(
    `select ${columns} from api.coffees where source = $1 order by name`,
    pipeline.name,
  )

test('values that the texts of a shop state are in api.coffees, and all others are null', async (t) => {
  const { pipeline } = await openCoffeeShop(t, { pack: 'coffee', unitPrice: 'AU' })
  assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 5, held: 1 })
  const coffees = await readCoffees(
    pipeline,
    `name, kind, roast_level, roast_level_raw, process, process_raw, bean_species, varieties, region,
      country, estate, altitude_min, altitude, decaf, flavors, acidity, is_limited, tags, default_grind,
      description_md`,
  )
  const named = new Map(coffees.map((coffee) => [coffee['name'], coffee]))
  assert.deepEqual(
    [...named.keys()],
    [
      'Equinox',
      'House Espresso Subscription',
      'Monsoon Blend 80% Arabica 20% Robusta',
      'Riverdale Estate - Gesha Natural',
    ],
  )
  assert.deepEqual(named.get('Riverdale Estate - Gesha Natural'), {
    name: 'Riverdale Estate - Gesha Natural',
    kind: 'roasted',
    roast_level: 'light',
    roast_level_raw: 'light-roast',
    process: 'natural',
    process_raw: 'Natural',
    bean_species: null,
    varieties: ['Gesha'],
    region: 'Shevaroys',
    country: 'IN',
    estate: 'Riverdale',
    altitude_min: '1400',
    altitude: '1450',
    decaf: null,
    flavors: ['chocolatey'],
    acidity: 'medium_high',
    is_limited: true,
    tags: ['light-roast', 'acidity-medium-high', 'chocolatey', 'limited edition'],
    default_grind: 'whole',
    description_md: 'Grown at 1,400–1,500 m near **Yercaud**.\n\nNet weight: 250 g',
  })
  const { name, description_md, ...unstated } = named.get('Equinox') ?? {}
  assert.deepEqual([name, description_md], ['Equinox', 'A gift for the longest day.'])
  assert.deepEqual([...new Set(Object.values(unstated))], [null])
  assert.equal(
    named.get('Monsoon Blend 80% Arabica 20% Robusta')?.['bean_species'],
    'arabica_80_robusta_20',
  )
  assert.equal(named.get('House Espresso Subscription')?.['kind'], 'subscription')
})

test('a variant has the weight and the number of its packs, and a price per 100 g where both are known', async (t) => {
  const { pipeline } = await openCoffeeShop(t, { pack: 'coffee', unitPrice: 'AU' })
  await pipeline.sync()
  const variants = await pipeline.query<Record<string, unknown>>(
    `select v.title, weight_g::float, weight_raw, pack_count, grind, amount_minor, unit_amount_minor, unit
      from api.coffee_variants v join api.coffees c on c.id = v.coffee_id
      where v.source = $1 order by c.name, position`,
    pipeline.name,
  )
  assert.deepEqual(
    variants.map((row) => Object.values(row)),
    [
      [null, null, null, null, null, 30000, null, null],
      ['3 / 250g', 250, '250g', null, null, 145800, null, null],
      ['1 kg', 1000, '1 kg', null, null, 90000, 9000, '100 g'],
      ['250g / Whole Bean', 250, '250g', null, ['whole'], 70000, 28000, '100 g'],
      ['250g / Aeropress', 250, '250g', null, ['aeropress'], 70000, 28000, '100 g'],
      ['2 x 100g / Whole Bean', 100, '2 x 100g', 2, ['whole'], 70000, 35000, '100 g'],
      ['2 x 100g / Aeropress', 100, '2 x 100g', 2, ['aeropress'], 70000, 35000, '100 g'],
    ],
  )
  const mug = await pipeline.query<{ weight_grams: null }>(
    `select v.weight_grams from api.variants v join api.products p on p.id = v.product_id
      where p.source = $1 and p.title like '%Mug'`,
    pipeline.name,
  )
  assert.deepEqual(mug, [{ weight_grams: null }])
})

test('a filtered product stays, with its status and the reason, and no price of it waits for a person', async (t) => {
  const filters = { include: { kind: ['coffee', 'subscription'] }, exclude: { title: ['all *'] } }
  const { pipeline } = await openCoffeeShop(t, { pack: 'coffee', filters })
  const { ledger } = await pipeline.sync()
  assert.deepEqual([ledger.created, ledger.held, ledger.removed], [6, 0, 0])
  const products = await pipeline.query(
    `select title, status, warnings ->> -1 as reason from api.products
      where source = $1 and status <> 'active' order by title`,
    pipeline.name,
  )
  assert.deepEqual(products, [
    {
      title: '12 oz Travel Mug',
      status: 'filtered',
      reason: 'left out by the filters of the source: its kind is not included',
    },
    {
      title: 'All Products',
      status: 'filtered',
      reason: 'left out by the filters of the source: title "All Products" is excluded',
    },
    {
      title: 'Equinox',
      status: 'filtered',
      reason: 'left out by the filters of the source: its kind is not included',
    },
  ])
  await saveSource(db, (await pipeline.source()).id, { options: { pack: 'coffee' } })
  const again = await pipeline.sync({ mode: 'auto' })
  assert.deepEqual(
    [again.kind, countOutcomes(again)],
    ['full', { updated: 2, unchanged: 3, held: 1 }],
  )
})

test('a source without options pays nothing, and a pack that it gets later is planned on the archive and replayed', async (t) => {
  const { pipeline } = await openCoffeeShop(t, {})
  const { run } = await pipeline.sync()
  const source = await pipeline.source()
  const count = 'select count(provenance)::int as n from catalog.products where source_id = $1'
  assert.deepEqual(await pipeline.query(count, source.id), [{ n: 0 }])
  assert.equal(source.normaliserVersion, shopify.normaliserVersion)

  const changed = await saveSource(db, source.id, {
    options: { pack: 'coffee', tags: { chocolatey: null, tag_chocolatey: 'toffee' } },
  })
  const bound = bindConnector(shopify, changed)
  const planned: string[] = []
  await planReplay({ ...pipeline.tools, db }, bound, run, {
    progress: createProgress(),
    signal: new AbortController().signal,
    onChange: ({ title, detail }) => planned.push(`${title}: ${JSON.stringify(detail['process'])}`),
  })
  assert.equal(planned.length, 6)
  assert.ok(planned.includes('Riverdale Estate - Gesha Natural: [null,"natural"]'))
  assert.deepEqual(countOutcomes(await pipeline.replay(run)), { updated: 6 })
  const [coffee] = await readCoffees(pipeline, 'flavors, notes_raw, name').then((all) =>
    all.filter(({ name }) => String(name).startsWith('Riverdale')),
  )
  assert.deepEqual(coffee?.['flavors'], ['toffee'])
  const versions = await pipeline.query<{ normaliser_version: number }>(
    'select distinct normaliser_version from catalog.products where source_id = $1',
    source.id,
  )
  assert.deepEqual(versions, [{ normaliser_version: bound.normaliserVersion }])
  assert.deepEqual(countOutcomes(await pipeline.sync()), { unchanged: 6 })
})

test('the Data API stages the provenance that a session copies', async (t) => {
  const { pipeline } = await openCoffeeShop(t, { pack: 'coffee' })
  const { run } = await pipeline.sync()
  const bound = bindConnector(shopify, await pipeline.source())
  const applyOptions = await loadOptions(bound.sourceOptions)
  const line = Buffer.from((await pipeline.archived(run)).split('\n')[0] ?? '')
  const record = readRecord(
    { ...bound, applyOptions, redact: (text) => text },
    { lineNo: 1, byteOffset: 0, line, scan: null, hash: null },
  )
  const client = await db.connect()
  t.after(() => client.release(true))
  await client.query('begin')
  await client.query('select catalog.ensure_staging()')
  await client.query('select catalog.stage_records($1)', [[new StagedJson().render(record)]])
  const { rows } = await client.query(
    `select s.external_id, s.provenance = p.provenance as same, s.content_hash = p.content_hash as equal
      from pg_temp.staged_products s join catalog.products p using (external_id) where p.source_id = $1`,
    [bound.source.id],
  )
  assert.deepEqual(rows, [{ external_id: record.draft.externalId, same: true, equal: true }])
})
