// Every word of the filter language, compared with the products.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, toText, type JsonObject } from './json.ts'
import { listIds, readStream, startFor } from './test-client.ts'

type Fits = (product: JsonObject) => boolean

const listed = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
const holds =
  (key: string, id: unknown): Fits =>
  (product) =>
    listed(product[key]).some((term) => isObject(term) && term.id === id)
const filled =
  (key: string): Fits =>
  ({ [key]: value }) =>
    listed(value).length > 0 && value !== ''
const complete: Fits = (product) =>
  ['photos', 'descriptions', 'publicCategories'].every((key) => filled(key)(product))
const isUsage = (text: unknown): boolean => isObject(text) && text.type === 'usage'
const PLAIN_FIELDS = [
  'ean',
  'eanGtin8',
  'eanGtin12',
  'eanGtin13',
  'eanGtin14',
  'gtin',
  'hsCode',
  'pbs',
  'fred',
  'zCode',
  'atcCategory',
  'artgId',
  'snomedTpp',
  'notApplicableField',
  'conservation',
  'allowedSpecies',
]

test('each filter matches exactly the products of its name', async (t) => {
  const simulator = await startFor(t, { products: 400 })
  const products = (await readStream(simulator)).map(
    ({ result }) => result as unknown as JsonObject,
  )
  const first = (key: string): unknown => listed(products.find(filled(key))?.[key])[0]
  const firstId = (key: string): unknown => {
    const term = first(key)
    return isObject(term) ? term.id : null
  }
  const metaOf = ({ meta }: JsonObject): JsonObject => (isObject(meta) ? meta : {})
  const updatedAt = (product: JsonObject): number => Number(metaOf(product).updatedAt)
  const middle = updatedAt(products[200] ?? {})
  const earlier = middle - 86_400
  const some = products.slice(3, 6).map(({ id }) => id)

  const cases: readonly (readonly [filter: object, fits: Fits])[] = [
    [{ updatedSince: 0 }, () => true],
    [{ status: 'active' }, ({ status }) => status === 'active'],
    [
      { status: ['inactive', 'replaced'] },
      ({ status }) => status === 'inactive' || status === 'replaced',
    ],
    [{ id: some }, ({ id }) => some.includes(id ?? null)],
    [{ id: some[0] }, ({ id }) => id === some[0]],
    [{ updatedSince: middle }, (product) => updatedAt(product) >= middle],
    [
      { updatedSince: { from: earlier, until: middle } },
      (product) => updatedAt(product) >= earlier && updatedAt(product) <= middle,
    ],
    [{ createdAt: { until: middle } }, (product) => Number(metaOf(product).createdAt) <= middle],
    [
      { officialDeletionAt: { from: 0 } },
      ({ officialDeletionAt }) => typeof officialDeletionAt === 'number',
    ],
    ...PLAIN_FIELDS.map(
      (key) =>
        [
          { [key]: first(key) },
          (product: JsonObject) => listed(product[key]).includes(first(key)),
        ] as const,
    ),
    [{ ean: Number(first('eanGtin13')) }, ({ ean }) => listed(ean).includes(first('eanGtin13'))],
    [{ organization: firstId('organizations') }, holds('organizations', firstId('organizations'))],
    [{ brand: firstId('brands') }, holds('brands', firstId('brands'))],
    [
      { publicCategory: firstId('publicCategories') },
      holds('publicCategories', firstId('publicCategories')),
    ],
    [
      { productFamily: firstId('productFamilies') },
      holds('productFamilies', firstId('productFamilies')),
    ],
    [
      { activeIngredient: firstId('activeIngredients') },
      holds('activeIngredients', firstId('activeIngredients')),
    ],
    [{ attributes: firstId('attributes') }, holds('attributes', firstId('attributes'))],
    [{ narcotic: true }, ({ narcotic }) => narcotic === true],
    [{ biocide: false }, () => true],
    [{ minimumContent: true }, complete],
    [{ hasContent: { flag: 'publicPrice' } }, ({ publicPrice }) => typeof publicPrice === 'number'],
    [
      { hasContent: { flag: 'seoName', locale: 'en' } },
      ({ seoName }) => isObject(seoName) && typeof seoName.en === 'string',
    ],
    [
      { hasContent: { flag: 'descriptions.usage' } },
      ({ descriptions }) => listed(descriptions).some(isUsage),
    ],
    [
      { hasContent: { flag: 'media' } },
      (product) => ['photos', 'frontals', 'links'].some((key) => filled(key)(product)),
    ],
    [
      { search: { query: 'VITAMIN', locale: 'en' } },
      ({ name }) => isObject(name) && toText(name.en).toLowerCase().includes('vitamin'),
    ],
    [
      { and: [{ status: 'active' }, { not: { minimumContent: true } }] },
      (product) => product.status === 'active' && !complete(product),
    ],
    [
      { or: [{ status: 'replaced' }, { narcotic: true }] },
      ({ status, narcotic }) => status === 'replaced' || narcotic === true,
    ],
    [{ and: [] }, () => true],
  ]
  for (const [filter, fits] of cases) {
    const expected = products
      .filter(fits)
      .map(({ id }) => toText(id))
      .toSorted()
    assert.ok(expected.length > 0, `the test has nothing to find for ${JSON.stringify(filter)}`)
    assert.deepEqual(await listIds(simulator, filter), expected, JSON.stringify(filter))
  }
})

test('switches decide the bound of updatedSince and the filter by no_selection', async (t) => {
  const simulator = await startFor(t)
  const [id = ''] = simulator.catalogue.touch({ count: 1 })
  const now = simulator.clock.nowSeconds()
  assert.deepEqual(await listIds(simulator, { updatedSince: now }), [id])
  simulator.setSwitches({ updatedSince: 'exclusive', noSelectionFilter: true })
  assert.deepEqual(await listIds(simulator, { updatedSince: now }), [])
  const [chosen = ''] = simulator.catalogue.update({ count: 1 })
  simulator.catalogue.find(chosen).status = 'no_selection'
  assert.ok((await listIds(simulator, { status: 'no_selection' })).includes(chosen))
})
