// Whole products: the places of a value in their order, and goods that are not coffee.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft, Variant } from '../../core/product.ts'
import { readCoffeeProduct } from './read-product.ts'

function createVariant(externalId: string, options: Record<string, string>): Variant {
  return {
    externalId,
    title: Object.values(options).join(' / '),
    sku: null,
    gtin: null,
    options,
    weightGrams: null,
    packCount: null,
    availability: null,
  }
}

function createDraft(draft: Partial<Draft>): Draft {
  return {
    externalId: '1',
    status: 'active',
    title: null,
    description: null,
    brand: null,
    manufacturer: null,
    url: null,
    identifiers: {},
    attributes: {},
    sourceUpdatedAtMs: null,
    successorId: null,
    expiresAtMs: null,
    variants: [],
    prices: [],
    images: [],
    terms: [],
    disagreements: [],
    provenance: {},
    warnings: [],
    ...draft,
  }
}

test('a value comes from the first text that states it, with its words', () => {
  const coffee = readCoffeeProduct(
    createDraft({
      title: 'Riverdale Estate - Gesha Natural',
      description: '<p>A <b>dark roast</b> from Yercaud. Altitude: 1,400 m. Natural process.</p>',
      attributes: {
        tags: ['light-roast', 'TAX_5', 'fruity', 'acidity-medium-high', 'organic', 'chocolatey'],
      },
    }),
  )
  assert.deepEqual(coffee.roastLevel, {
    value: 'light',
    raw: 'light-roast',
    rule: 'roast/level',
    confidence: 1,
    place: 'tag',
  })
  assert.equal(coffee.process?.place, 'title')
  assert.deepEqual(coffee.varieties?.value, ['Gesha'])
  assert.equal(coffee.estate?.value, 'Riverdale')
  assert.equal(coffee.region?.value, 'Shevaroys')
  assert.deepEqual([coffee.altitude?.value.min, coffee.altitude?.place], [1400, 'description'])
  assert.deepEqual(coffee.certifications?.value, ['organic'])
  assert.deepEqual(coffee.flavours?.value, ['fruity', 'chocolatey'])
  assert.equal(coffee.score, null)
})

test('a place that contradicts itself is passed over', () => {
  const coffee = readCoffeeProduct(
    createDraft({
      title: 'House Blend',
      description: 'A medium roast.',
      attributes: { tags: ['light-roast', 'dark-roast'] },
    }),
  )
  assert.deepEqual([coffee.roastLevel?.value, coffee.roastLevel?.place], ['medium', 'description'])
})

test('the type of the shop decides the kind, then a grind option, then the title', () => {
  const named = createDraft({ title: 'Equinox' })
  assert.equal(readCoffeeProduct(named).classification, null)
  const typed = { ...named, attributes: { product_type: 'Single Estate Coffee' } }
  assert.deepEqual(readCoffeeProduct(typed).classification?.value, {
    isCoffee: true,
    kind: 'roasted',
  })
  const ground = { ...named, variants: [createVariant('1', { 'Grind Size': 'French Press' })] }
  assert.equal(readCoffeeProduct(ground).classification?.place, 'option')
  const gear = createDraft({ title: 'Classic', attributes: { product_type: 'Manual Brewing' } })
  assert.deepEqual(readCoffeeProduct(gear).classification?.value, { isCoffee: false, kind: 'gear' })
  const category = {
    ...named,
    terms: [
      { kind: 'category', externalId: '1', name: 'Tea', parentId: null, attributes: {} } as const,
    ],
  }
  assert.equal(readCoffeeProduct(category).classification?.value.isCoffee, false)
})

test('a title that names a sale decides before a grind option, which says what it contains', () => {
  const options = { Grind: 'Whole Beans', Size: '250g' }
  const draft = createDraft({
    title: 'SUBSCRIPTION &#8211; 12 DELIVERIES',
    variants: [createVariant('1', options)],
  })
  const { classification, variants } = readCoffeeProduct(draft)
  assert.deepEqual(classification?.value, { isCoffee: true, kind: 'subscription' })
  assert.equal(classification?.place, 'title')
  assert.deepEqual(variants[0]?.grinds?.value, ['whole'])
  const card = readCoffeeProduct({ ...draft, title: 'Gift Card' }).classification
  assert.deepEqual(card?.value, { isCoffee: false, kind: 'gift_card' })
})

test('an attribute for the roast states the level, and one for the roaster does not', () => {
  const readLevel = (name: string, value: string) =>
    readCoffeeProduct(createDraft({ attributes: { attributes: { [name]: [value] } } })).roastLevel
  for (const name of ['Roast Level', 'Röstgrad', 'Tostado', 'Torréfaction', '焙煎度'])
    assert.equal(readLevel(name, 'Dark')?.value, 'dark', name)
  for (const name of ['Roaster', 'Roastery', 'Rösterei', 'Tostador', 'Torréfacteur', '焙煎所'])
    assert.equal(readLevel(name, 'Dark Arts Coffee'), null, name)
})

test('goods that are not coffee have a weight and a count, but no attributes of coffee', () => {
  const { variants, process, roastLevel, classification } = readCoffeeProduct(
    createDraft({
      title: 'Koji Fermented Dark Chocolate Bar',
      description: 'Dark roast cacao. Natural process.',
      variants: [createVariant('1', { Size: 'Full Bar (60g)' })],
    }),
  )
  assert.equal(classification?.value.isCoffee, false)
  assert.deepEqual([process, roastLevel], [null, null])
  assert.equal(variants[0]?.weightGrams?.value, 60)
  assert.equal(variants[0].grinds, null)
})

test('a count in the title is not combined with a weight in an option', () => {
  const draft = createDraft({ title: 'SKIA Coffee (Pack of 2)' })
  const [sized] = readCoffeeProduct({
    ...draft,
    variants: [createVariant('1', { Size: '200g' })],
  }).variants
  assert.deepEqual([sized?.weightGrams?.value, sized?.packCount], [200, null])
  const [plain] = readCoffeeProduct({ ...draft, variants: [createVariant('1', {})] }).variants
  assert.deepEqual([plain?.weightGrams, plain?.packCount?.value], [null, 2])
})

test('a variant has the weight of its size, or that of the product, or none', () => {
  const { variants } = readCoffeeProduct(
    createDraft({
      title: 'Silver Oak Blend 75g',
      description: 'Dose 18g. Net weight: 80 g',
      attributes: { shipping_grams: { '3': 250 } },
      variants: [
        createVariant('1', { Grind: 'Whole Bean', Size: '250g' }),
        createVariant('2', { Pack: '2 x 100g', Grind: 'Aeropress' }),
        createVariant('3', { Colour: 'Blue' }),
      ],
    }),
  )
  assert.deepEqual(
    variants.map(({ weightGrams, packCount, grinds }) => [
      weightGrams?.value,
      weightGrams?.place,
      packCount?.value ?? null,
      grinds?.value ?? null,
    ]),
    [
      [250, 'option', null, ['whole']],
      [100, 'option', 2, ['aeropress']],
      [75, 'title', null, null],
    ],
  )
})
