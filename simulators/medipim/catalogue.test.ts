// The generated catalogue: reproducible, similar to the real one, and changed only by its
// mutations.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from '../support/clock.ts'
import { createCatalogue, type Catalogue } from './catalogue.ts'
import { toText, type JsonObject } from './json.ts'

const START_AT = Date.UTC(2026, 0, 15, 16)

function catalogueOf(products: number, seed = 1) {
  const clock = createClock(START_AT)
  return { clock, catalogue: createCatalogue(seed, products, clock) }
}

/** Returns the product without its volatile members. */
function contentOf(catalogue: Catalogue, id: string): JsonObject {
  const { meta: _, ...content } = catalogue.build(catalogue.find(id), '')
  return content
}

const all = (catalogue: Catalogue): JsonObject[] =>
  catalogue.visible().map((state) => catalogue.build(state, 'https://x'))
const sizeOf = (product: JsonObject): number => Buffer.byteLength(JSON.stringify(product))

test('a product depends only on the seed and its index, not on the number of products', () => {
  const small = all(catalogueOf(50).catalogue)
  const large = all(catalogueOf(500).catalogue)
  assert.deepEqual(small, large.slice(0, 50))
  assert.notDeepEqual(all(catalogueOf(50, 2).catalogue), small)
})

test('ids are M and nine hexadecimal digits, unique, and identify their product', () => {
  const { catalogue } = catalogueOf(20_000)
  const ids = catalogue.visible().map(catalogue.idOf)
  assert.equal(new Set(ids).size, 20_000)
  assert.ok(ids.every((id) => /^M[0-9A-F]{9}$/.test(id)))
  for (const index of [0, 1, 77, 19_999])
    assert.equal(catalogue.find(ids[index] ?? '').index, index)
  assert.throws(() => catalogue.find('M000000000'), /no product/)
})

test('sizes follow the real catalogue: 5.6 KB in the mean, sparse ones under 1 KB, a tail beyond 100 KB', () => {
  const sizes = all(catalogueOf(5_000).catalogue)
    .map(sizeOf)
    .toSorted((a, b) => a - b)
  const mean = sizes.reduce((sum, size) => sum + size) / sizes.length
  assert.ok(mean > 5_000 && mean < 6_100, `the mean is ${mean}`)
  assert.ok((sizes[50] ?? 0) < 1_000)
  const large = sizes.filter((size) => size > 100_000)
  assert.ok(large.length >= 4 && large.length <= 10, `${large.length} products are large`)
  assert.ok((sizes.at(-1) ?? 0) > 280_000)
})

test('about 15 % are not active; replaced ones refer to an active one and lack codes, prices and media', () => {
  const { catalogue } = catalogueOf(4_000)
  const products = all(catalogue)
  const share = (status: string): number =>
    products.filter((product) => product.status === status).length / products.length
  assert.ok(Math.abs(share('active') - 0.85) < 0.02)
  assert.ok(share('inactive') > 0.06 && share('replaced') > 0.03 && share('no_selection') > 0.003)
  const replaced = products.filter(({ status }) => status === 'replaced')
  for (const product of replaced) {
    assert.equal(catalogue.find(toText(product.replacement)).status, 'active')
    assert.deepEqual(
      [product.ean, product.photos, product.descriptions, product.brands],
      [[], [], [], []],
    )
    assert.ok(['eanGtin13', 'artgId', 'pbs', 'publicPrice'].every((code) => !product[code]))
  }
})

test('a missing value is null, absent or empty', () => {
  const styles = new Set(
    all(catalogueOf(200).catalogue)
      .map(({ eanGtin8 }) => eanGtin8)
      .filter((code) => !code),
  )
  assert.deepEqual(styles, new Set([null, undefined, '']))
})

test('codes are strings, prices whole cents, names of brands plain strings, and meta comes last', () => {
  const products = all(catalogueOf(3_000).catalogue)
  for (const product of products) {
    assert.equal(Object.keys(product).at(-1), 'meta')
    const {
      eanGtin13,
      gtin,
      artgId,
      snomedTpp,
      hsCode,
      publicPrice,
      manufacturerPrice,
      pharmacistPrice,
      vat,
    } = product
    assert.ok(
      [eanGtin13, gtin, artgId, snomedTpp, hsCode].every(
        (code) => code == null || typeof code === 'string',
      ),
    )
    assert.ok(
      [publicPrice, manufacturerPrice, pharmacistPrice].every(
        (price) => price == null || Number.isInteger(price),
      ),
    )
    assert.ok([null, undefined, 0, 10].some((rate) => rate === vat))
  }
  const brands = products.flatMap(({ brands: own }) => (Array.isArray(own) ? own : []))
  assert.ok(brands.length > 0 && brands.length < 1_000, 'most products have no brand')
  assert.ok(brands.every((brand) => typeof (brand as JsonObject).name === 'string'))
  assert.ok(products.some(({ publicPrice }) => publicPrice == null))
})

test('text contains characters that break careless readers', () => {
  const text = all(catalogueOf(1_000).catalogue)
    .map((product) => JSON.stringify(product))
    .join('')
  for (const character of ['°', '’', 'é', '漢', '\u2028', '\u2029', '\\n', '\\t', '&nbsp;', '½']) {
    assert.ok(text.includes(character), JSON.stringify(character))
  }
})

test('only the id is unique: some products share codes', () => {
  const products = all(catalogueOf(4_000).catalogue).filter(({ status }) => status !== 'replaced')
  for (const code of ['eanGtin13', 'artgId']) {
    const values = products
      .map((product) => product[code])
      .filter((value) => typeof value === 'string' && value !== '')
    const shared = values.length - new Set(values).size
    assert.ok(
      shared > 5 && shared < values.length / 10,
      `${shared} of ${values.length} ${code} are shared`,
    )
  }
})

test('some fields are undocumented', () => {
  const keys = new Set(all(catalogueOf(500).catalogue).flatMap(Object.keys))
  for (const key of ['scheduleCode', 'gstApplicable', 'sustainability', 'allowedSpecies'])
    assert.ok(keys.has(key), key)
})

test('most products were touched within one hour, and many share a second', () => {
  const { catalogue } = catalogueOf(5_000)
  const times = catalogue.visible().map(({ updatedAt }) => updatedAt)
  const hours = Map.groupBy(times, (time) => Math.floor(time / 3_600))
  assert.ok(Math.max(...[...hours.values()].map(({ length }) => length)) > 1_000)
  assert.ok(new Set(times).size < times.length * 0.9)
  assert.ok(
    catalogue
      .visible()
      .every(({ createdAt, updatedAt }) => createdAt <= updatedAt && updatedAt <= START_AT / 1_000),
  )
})

test('an update changes name, price and text; a touch changes only the time', () => {
  const { catalogue, clock } = catalogueOf(200)
  const [id = ''] = catalogue
    .visible()
    .filter(({ status, index }) => status === 'active' && index > 20)
    .map(catalogue.idOf)
  const before = contentOf(catalogue, id)
  clock.advance(60_000)
  assert.deepEqual(catalogue.touch([id]), [id])
  assert.deepEqual(contentOf(catalogue, id), before)
  assert.equal(catalogue.find(id).updatedAt, START_AT / 1_000 + 60)
  catalogue.update([id])
  const after = contentOf(catalogue, id)
  assert.notDeepEqual(after.name, before.name)
  const same = ['ean', 'brands', 'organizations', 'publicCategories', 'weightWithUnit'].filter(
    (key) => before[key] !== undefined,
  )
  for (const key of same) assert.deepEqual(after[key], before[key], key)
})

test('updates change prices by a few per cent', () => {
  const { catalogue } = catalogueOf(300)
  const prices = (): unknown[] => all(catalogue).map(({ publicPrice }) => publicPrice)
  const before = prices()
  catalogue.update('all')
  const ratios = prices().map((price, index) =>
    typeof price === 'number' ? price / Number(before[index]) : 1,
  )
  assert.ok(ratios.every((ratio) => ratio > 0.8 && ratio < 1.2))
  assert.ok(ratios.filter((ratio) => ratio !== 1).length > 150)
})

test('patches last, accumulate and remove members', () => {
  const { catalogue } = catalogueOf(10)
  const [id = ''] = catalogue.update({ count: 1 }, { name: { en: 'Patched' }, extra: { a: 1 } })
  catalogue.update([id], { extra: { b: 2 }, seoName: null })
  const product = catalogue.build(catalogue.find(id), '')
  assert.deepEqual(
    [product.name, product.extra, 'seoName' in product],
    [{ en: 'Patched' }, { a: 1, b: 2 }, false],
  )
  assert.equal(Object.keys(product).at(-1), 'meta')
})

test('a product can be deactivated, replaced, removed, restored and added', () => {
  const { catalogue, clock } = catalogueOf(30)
  clock.advance(1_000)
  const [gone = '', old = '', off = ''] = catalogue.touch({ count: 3 })
  catalogue.deactivate([off])
  catalogue.replace([old])
  catalogue.remove([gone])
  assert.deepEqual(
    [catalogue.find(off).status, catalogue.find(old).status, catalogue.has(gone)],
    ['inactive', 'replaced', false],
  )
  const { replacement, ean } = catalogue.build(catalogue.find(old), '')
  assert.deepEqual([catalogue.find(toText(replacement)).status, ean], ['active', []])
  assert.equal(catalogue.visible().length, 29)
  assert.deepEqual(catalogue.restore('all'), [gone])
  catalogue.activate([off])
  assert.equal(catalogue.find(off).status, 'active')
  const added = catalogue.add(3)
  assert.deepEqual([added.length, catalogue.visible().length], [3, 33])
  assert.equal(catalogue.find(added[0] ?? '').createdAt, START_AT / 1_000 + 1)
})

test('prices can be set, and multiplied', () => {
  const { catalogue } = catalogueOf(50)
  const [id = ''] = catalogue.setPrice({ count: 1 }, { cents: 820 })
  const price = (): unknown => catalogue.build(catalogue.find(id), '').publicPrice
  assert.equal(price(), 820)
  catalogue.setPrice('all', { factor: 100 })
  assert.equal(price(), 82_000)
})

test('a choice of products is the same for the same seed, and exact', () => {
  const chosen = (): string[] => catalogueOf(1_000).catalogue.touch({ share: 0.01 })
  assert.deepEqual(chosen(), chosen())
  const { catalogue } = catalogueOf(1_000)
  const active = catalogue.visible().filter(({ status }) => status === 'active')
  assert.equal(catalogue.touch({ share: 0.01 }).length, Math.round(active.length / 100))
  assert.equal(new Set(catalogue.touch({ count: 100 })).size, 100)
})

test('a catalogue of 300,000 products takes little memory', () => {
  const before = process.memoryUsage().heapUsed
  const { catalogue } = catalogueOf(300_000)
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
  assert.equal(catalogue.visible().length, 300_000)
})
