import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { SyncError } from '../../core/errors.ts'
import { medipim } from './connector.ts'
import type { MarketName } from './market.ts'
import { unwrap } from './normalise.ts'

const [full, sparse, replaced, unselected] = readFileSync(
  new URL('fixtures/stream.ndjson', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => unwrap(JSON.parse(line)))

function normalise(record: unknown, market: MarketName = 'au') {
  return medipim.normalise(record, { apiUrl: 'https://api.au.medipim.com', market })
}

function draftOf(members: object) {
  return normalise({ id: 'M1', status: 'active', ...members })
}

function variantOf(members: object) {
  const [variant] = draftOf(members).variants
  assert.ok(variant)
  return variant
}

function throwsWith(code: string, message: RegExp, run: () => unknown): void {
  assert.throws(
    run,
    (error) => error instanceof SyncError && error.code === code && message.test(error.message),
  )
}

test('a full product keeps its texts, codes, prices and measurements', () => {
  const draft = normalise(full)
  assert.deepEqual(
    [
      draft.externalId,
      draft.status,
      draft.title,
      draft.brand,
      draft.manufacturer,
      draft.url,
      draft.successorId,
      draft.sourceUpdatedAtMs,
    ],
    [
      'M00F1C0001',
      'active',
      'Calmazole Tab 20mg 30',
      'Calmazole',
      'Harbour Remedies Pty Ltd',
      'https://harbour-remedies.example/calmazole',
      null,
      1749520153000,
    ],
  )
  assert.equal(
    draft.description,
    '<p>Calmazole 20&nbsp;mg, kept at 15–25 °C.</p>\n<p>“Don’t crush”\u2028</p>',
  )
  assert.deepEqual(draft.variants, [
    {
      externalId: 'M00F1C0001',
      title: null,
      sku: 'CAL20-30',
      gtin: '9300000000015',
      options: {},
      weightGrams: 35,
      packCount: 30,
      availability: null,
    },
  ])
  assert.deepEqual(
    draft.prices.map(({ type, amountMinor, currency }) => [type, amountMinor, currency]),
    [
      ['public', 2599, 'AUD'],
      ['manufacturer', 1120, 'AUD'],
      ['pharmacist', 1345, 'AUD'],
    ],
  )
  const { identifiers } = draft
  assert.deepEqual(
    [identifiers.ean, identifiers.gtin, identifiers.artg_id, identifiers.atc],
    [['9300000000015'], '09300000000015', '990001', ['A02BC99']],
  )
  assert.deepEqual(
    [identifiers.snomed_mp, identifiers.gs1_category, identifiers.z_code],
    ['99900011000036107', '10000845', 'Z0009990'],
  )
  assert.ok(!('hs_code' in identifiers) && !('ean_gtin8' in identifiers))
  assert.deepEqual(draft.warnings, [])
})

test('attributes contain the values without a column, and no empty ones', () => {
  assert.deepEqual(normalise(full).attributes, {
    supplier_status: 'active',
    vat_rate: 0,
    conservation: 'room',
    conservation_min_celsius: 15,
    conservation_max_celsius: 25,
    width_mm: 98,
    length_mm: 60,
    depth_mm: 22,
    package_content: '30 tablets',
    packaging_unit: 'tablet',
    requires_legal_text: true,
    biocide: false,
    category_ids: ['512'],
    brand_ids: ['8001'],
    organization_ids: ['7000', '7001'],
    active_ingredients: [{ id: '310', name: 'calmazole' }],
    product_families: [{ id: '12', name: 'Calmazole range' }],
    characteristics: [{ type: 'galenic_shape', name: 'Tablet' }],
    leaflets: [{ type: 'pil', url: 'https://leaflets.example/calmazole-cmi.pdf' }],
    created_at: '2023-02-14T14:09:45.000Z',
  })
})

test('images are the largest format of photos, then of frontals, each once', () => {
  const { images } = normalise(full)
  assert.deepEqual(
    images.map(({ url, position }) => [url.split('/')[4], position]),
    [
      ['huge', 0],
      ['huge', 1],
      ['large', 2],
    ],
  )
  assert.deepEqual(
    draftOf({
      photos: [
        { formats: { thumbnail: 'https://a.example/t' } },
        { formats: { medium: 'javascript:x' } },
        {},
        null,
      ],
    }).images,
    [],
  )
})

test('brands, organisations and categories become terms, each once', () => {
  const terms = normalise(full).terms.map(({ kind, externalId, name, parentId }) => [
    kind,
    externalId,
    name,
    parentId,
  ])
  assert.deepEqual(terms, [
    ['brand', '8001', 'Calmazole', null],
    ['organization', '7000', 'Guild of Reviewers', null],
    ['organization', '7001', 'Harbour Remedies Pty Ltd', null],
    ['category', '512', 'Heartburn & Reflux', '340'],
  ])
  assert.deepEqual(normalise(full).terms[2]?.attributes, {
    type: 'supplier',
    country: 'AU',
    url: 'https://harbour-remedies.example',
  })
  const doubled = draftOf({
    brands: [{ id: 1, name: { en: 'A' } }, { id: 1, name: 'B' }, { id: 2 }, { name: 'C' }],
  })
  assert.deepEqual([doubled.terms.length, doubled.brand], [1, 'A'])
})

test('a sparse product has null for every absent value', () => {
  const draft = normalise(sparse)
  assert.deepEqual(
    [draft.description, draft.brand, draft.manufacturer, draft.url],
    [null, null, 'Flexbrace', null],
  )
  assert.deepEqual(
    [draft.variants[0]?.gtin, draft.variants[0]?.weightGrams, draft.variants[0]?.packCount],
    ['609580000020', 113.398093, null],
  )
  assert.deepEqual([draft.prices, draft.images, draft.warnings], [[], [], []])
})

test('a replaced product is unavailable and names its successor; an unselected product is a draft', () => {
  const draft = normalise(replaced)
  assert.deepEqual(
    [draft.status, draft.successorId, draft.prices, draft.attributes.official_deletion_at],
    ['unavailable', 'M00F1C0001', [], '2025-03-01T00:00:00.000Z'],
  )
  assert.deepEqual([normalise(unselected).status, normalise(unselected).title], ['draft', null])
  assert.equal(draftOf({ status: 'inactive' }).status, 'unavailable')
  assert.match(draftOf({ status: 'frozen' }).warnings.join(), /"frozen" is unknown/)
})

test('texts are in the preferred language of the market, otherwise in any', () => {
  const name = { fr: 'Sirop', nl: 'Siroop', de: 'Saft', en: ' ' }
  assert.deepEqual(
    (['au', 'be', 'fr', 'de'] as const).map(
      (market) => normalise({ id: 'M1', name }, market).title,
    ),
    ['Sirop', 'Siroop', 'Sirop', 'Saft'],
  )
  assert.equal(draftOf({ name: 'Plain' }).title, 'Plain')
  const descriptions = [
    { type: 'full_description', content: { fr: '<p>fr</p>' } },
    { type: 'full_description', content: { nl: '<p>nl</p>' } },
  ]
  assert.equal(normalise({ id: 'M1', descriptions }, 'be').description, '<p>nl</p>')
  assert.equal(normalise({ id: 'M1', descriptions }, 'au').description, '<p>fr</p>')
  assert.equal(normalise({ id: 'M1', publicPrice: 1 }, 'be').prices[0]?.currency, 'EUR')
})

test('codes are strings; digits that JSON may have lost are a warning', () => {
  const { identifiers, warnings } = draftOf({
    ean: [609580872276, '0609', 0, '', null],
    hsCode: 340130,
    snomedMp: 2 ** 60,
    pbs: {},
    cnk: '0012345',
    atc: 'A',
    atcCategory: ['B'],
  })
  assert.deepEqual(identifiers, {
    ean: ['609580872276', '0609'],
    hs_code: '340130',
    cnk: '0012345',
    atc: ['B', 'A'],
  })
  assert.deepEqual(warnings, [
    'pbs: not a code, left out',
    'snomedMp: a number that may have lost digits, left out',
  ])
})

test('the barcode is the GTIN-13, otherwise -14, -12 or -8, otherwise the first EAN of such a length', () => {
  const codes = {
    eanGtin13: '9300000000015',
    eanGtin14: '09300000000015',
    eanGtin12: '609580000020',
    eanGtin8: '96385074',
    ean: ['1', '609580000037'],
  }
  const { eanGtin13, eanGtin14, eanGtin12, eanGtin8, ean } = codes
  assert.deepEqual(
    [
      codes,
      { eanGtin14, eanGtin12, eanGtin8 },
      { eanGtin12, eanGtin8 },
      { eanGtin8, ean },
      { ean },
      { eanGtin13: 'x' },
    ].map((members) => variantOf(members).gtin),
    [eanGtin13, eanGtin14, eanGtin12, eanGtin8, '609580000037', null],
  )
})

test('weights and sizes are converted, and an unknown unit is a warning', () => {
  const weights = [
    ['g', 250],
    ['kg', 0.37],
    ['mg', 500],
    ['oz', 1],
    ['LB ', '2'],
  ].map(([unit, value]) => variantOf({ weightWithUnit: { value, unit } }).weightGrams)
  assert.deepEqual(weights, [250, 370, 0.5, 28.349523, 907.18474])
  const odd = draftOf({
    weightWithUnit: { value: 3, unit: 'constructor' },
    weight: 12,
    widthWithUnit: { value: 2, unit: 'in' },
    length: 60,
    depth: -1,
  })
  assert.deepEqual(
    [
      odd.variants[0]?.weightGrams,
      odd.attributes.width_mm,
      odd.attributes.length_mm,
      odd.attributes.depth_mm,
    ],
    [12, 50.8, 60, undefined],
  )
  assert.equal(odd.warnings.length, 2)
  assert.equal(
    variantOf({ weightWithUnit: { value: null, unit: 'g' }, weight: null }).weightGrams,
    null,
  )
})

test('prices are whole cents: digits in a string are a warning, anything else quarantines the record', () => {
  const draft = draftOf({ publicPrice: '2599', manufacturerPrice: null, pharmacistPrice: 0 })
  assert.deepEqual(
    draft.prices.map(({ type, amountMinor }) => [type, amountMinor]),
    [
      ['public', 2599],
      ['pharmacist', 0],
    ],
  )
  assert.deepEqual(draft.warnings, ['publicPrice: written as a string'])
  for (const price of [12.99, '12.99', -5, true, [1], {}, 2 ** 60, '99999999999999999999']) {
    throwsWith(
      'record/invalid',
      /^\$\.publicPrice is .+ where a whole number of cents is expected$/,
      () => draftOf({ publicPrice: price }),
    )
  }
  throwsWith('record/invalid', /the number 12.99/, () => draftOf({ publicPrice: 12.99 }))
})

test('a record that is not an object, or has no usable id, is refused with its path', () => {
  for (const id of [undefined, null, '', '  ', {}, 1.5])
    throwsWith('record/no-id', /\$\.id/, () => normalise({ id }))
  for (const record of [null, [], 'text', 5])
    throwsWith('record/invalid', /^\$ is/, () => normalise(record))
  assert.deepEqual(
    [
      medipim.identify({ id: 'M1', publicPrice: 'x' }),
      medipim.identify({ id: 42 }),
      medipim.identify({}),
      medipim.identify(null),
    ],
    ['M1', '42', null, null],
  )
})

test('the record of a line is in result, or is the only element of results', () => {
  assert.deepEqual(
    [{ result: { id: 'M1' } }, { results: [{ id: 'M1' }] }, { result: [{ id: 'M1' }] }].map(unwrap),
    [{ id: 'M1' }, { id: 'M1' }, { id: 'M1' }],
  )
  for (const line of [null, [], {}, { result: null }, { results: [] }, { results: [{}, {}] }])
    throwsWith('record/invalid', /^\$/, () => unwrap(line))
})

test('a record with any values in its members becomes a draft or a named error', () => {
  const names = [
    'status',
    'name',
    'ean',
    'gtin',
    'vat',
    'publicPrice',
    'weightWithUnit',
    'brands',
    'organizations',
    'publicCategories',
    'gs1Category',
    'atcCategory',
  ]
  const others = [
    'photos',
    'frontals',
    'links',
    'descriptions',
    'leaflets',
    'meta',
    'replacement',
    'officialDeletionAt',
    'packageQuantity',
    'conservationMin',
    'attributes',
  ]
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names, ...others), fc.jsonValue()), (members) => {
      try {
        assert.equal(draftOf(members).externalId, 'M1')
      } catch (error) {
        assert.ok(error instanceof SyncError && error.code === 'record/invalid', String(error))
      }
    }),
  )
})

test('a time of change that a catalogue cannot have is unknown', () => {
  for (const updatedAt of [
    1,
    1_700_000,
    28_333_333,
    946_684_800,
    1_700_000_000_000,
    1_700_000_000_000_000,
    -1,
    '0',
    '2026-01-01T00:00:00Z',
    {},
  ]) {
    const draft = draftOf({ meta: { updatedAt } })
    assert.deepEqual(
      [draft.sourceUpdatedAtMs, draft.warnings.length],
      [null, 1],
      JSON.stringify(updatedAt),
    )
  }
  assert.equal(draftOf({ meta: { updatedAt: '1700000000' } }).sourceUpdatedAtMs, 1_700_000_000_000)
})

test('an instant outside the supported range is left out', () => {
  const draft = draftOf({ officialDeletionAt: 1e18, meta: { createdAt: -1, updatedAt: 'soon' } })
  assert.deepEqual(
    [draft.attributes.official_deletion_at, draft.attributes.created_at, draft.sourceUpdatedAtMs],
    [undefined, undefined, null],
  )
})
