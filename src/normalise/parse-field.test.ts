// Texts as shops write them, with the values that a careful reader finds. A name after a text gives
// the expected values; those that a row leaves out are not checked.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseField, PARSE_FIELDS } from './parse-field.ts'

type Row = readonly [input: string, expected: Readonly<Record<string, unknown>>]

function check(field: string, rows: readonly Row[]): void {
  for (const [input, expected] of rows) {
    const parsed = parseField(input, field)
    for (const [name, value] of Object.entries(expected))
      assert.deepEqual(parsed?.values[name], value, `${field} ${JSON.stringify(input)}: ${name}`)
  }
}

/** Weight of a unit and number of units; the total is their product. */
function checkPacks(
  field: string,
  rows: readonly (readonly [string, number | null, number?])[],
): void {
  check(
    field,
    rows.map(([input, unit, count = 1]): Row => [
      input,
      {
        unit_weight_g: unit,
        pack_count: count,
        total_weight_g: unit === null ? null : Math.round(unit * count * 10) / 10,
      },
    ]),
  )
}

test('a weight is read in every notation and script', () => {
  checkPacks('variant_title', [
    ['250g / Aeropress', 250],
    ['1Kg / Inverted Aeropress', 1000],
    ['100gms', 100],
    ['500 GRS', 500],
    ['2,5 kg', 2500],
    ['0,25kg', 250],
    ['1.000 g', 1000],
    ['1 000 g', 1000],
    ['1.000 kg', 1000],
    ['2 50G', 250],
    ['250\u00a0g', 250],
    ['２５０ｇ', 250],
    ['२५० g', 250],
    ['250克', 250],
    ['1公斤', 1000],
    ['200グラム 豆のまま', 200],
    ['200그램 홀빈', 200],
    ['500 Gramm / Ganze Bohne', 500],
    ['250 gramów ziarnista', 250],
    ['12oz / Ground', 340.2],
    ['16-oz bag', 453.6],
    ['½ lb', 226.8],
    ['1½ lb', 680.4],
    ['1 1/2 lb', 680.4],
    ['3/4 lb', 340.2],
    ['1 lb 4 oz', 567],
    ['24 / 250g', 250],
    ['Full Bar (60g) - ₹395/-', 60],
  ])
})

test('of two notations of one weight the metric one counts, and other weights are unknown', () => {
  checkPacks('variant_title', [
    ['12 oz (340g)', 340],
    ['8.8 oz (250g)', 250],
    ['2 lb (1kg)', 1000],
    ['250g & 500g', null],
  ])
  check('variant_title', [['250g & 500g', { weight_reason: 'several-weights' }]])
})

test('packs state the content of a unit, the number of units, or the total', () => {
  checkPacks('variant_title', [
    ['2 x 250g', 250, 2],
    ['2x250g', 250, 2],
    ['250gx2', 250, 2],
    ['250g x 3', 250, 3],
    ['3 × 200 g', 200, 3],
    ['(4X75G)', 75, 4],
    ['1kg (4x250g)', 250, 4],
    ['Lot de 3 x 250 g', 250, 3],
    ['１００ｇ×３袋', 100, 3],
    ['Case of 12 (250g)', 250, 12],
    ['Box of 10 drip bags (120g)', 12, 10],
    ['10 bags of 250g', 250, 10],
    ['10 sachets of 50g', 50, 10],
    ['Twin Pack 250g', 250, 2],
    ['Box of 250g', 250],
    ['3er-Pack', null, 3],
    ['XL (Pack of 2)', null, 2],
    ['10 count', null, 10],
    ['6 sztuk', null, 6],
    ['드립백 10개입', null, 10],
    ['1 bag', null, 1],
  ])
})

test('a number that looks like a weight is not one', () => {
  checkPacks('product_title', [
    ['1970s roaster', null],
    ['12 oz cup', null],
    ['Pack of 3 filters', null, 3],
    ['18g VST basket', null],
    ['Blend N72 G', null],
    ['Kenya SL28 SL34 Washed', null],
    ['Hario V60 02 Dripper', null],
    ['Acaia Pearl Scale 2kg capacity', null],
    ['Hospital Kit 9999Rs Combo', null],
    ['80+ points Ethiopia Guji', null],
    ['Lot #62 Colombia Huila 250g', 250],
    ['100% Arabica 250g', 250],
  ])
  checkPacks('variant_title', [
    ['250 °C', null],
    ['600ml', null],
    ['100x70 cm', null],
    ['₹395 / 100g', null],
    ['₹395 / 250g', 250],
    ['12-24months', null],
    ['Constructor 250g Bag', 250],
    ['Box of constructor', null],
    ['Bangalore - 27th September - Saturday', null],
  ])
})

test('in a description only a labelled weight is the content of the pack', () => {
  checkPacks('description', [
    ['Net weight: 250 g. Dose 15 g for 240 g of water.', 250],
    ['Brew 18g in, 36g out at 93°C.', null],
    ['Use 15-18g of coffee, 60 g/l.', null],
    ['This two-pack (100 gms each) brings together two coffees', null],
  ])
})

test('the weight of goods that hold something is not their content', () => {
  check('product_title', [
    ['Rattleware 20oz Milk Pitcher', { unit_weight_g: null, kind: 'gear' }],
    ['Cafiza Cleaner 900g', { unit_weight_g: 900, kind: 'supply', is_coffee: false }],
    ['Dark Chocolate Bar 70g', { unit_weight_g: 70, kind: 'food', roast_level: null }],
  ])
})

test('a grind is read in options, and several are a list', () => {
  check('variant_title', [
    ['250g / Moka Pot', { grind: 'moka_pot', is_coffee: true }],
    ['1Kg / Inverted Aeropress', { grind: 'aeropress', grind_detail: 'inverted' }],
    ['FRENCH PRESS / COARSE / 250g', { grind: 'french_press', grind_detail: 'coarse' }],
    ['200g / Cold Brew / Channi', { grind: ['cold_brew', 'channi'] }],
    ['POUROVER V-60 / CHEMEX', { grind: ['pour_over', 'chemex'] }],
    ['Ground / 1 lb', { grind: 'other' }],
    ['10 x 12 g', { grind: 'drip_bag' }],
    ['500g / South Indian Filter', { grind: 'south_indian_filter', country: null }],
  ])
  check('woo_variation_value', [['mocha-pot', { grind: 'moka_pot' }]])
})

test('a roast level needs the word roast, or a field of roast levels', () => {
  check('product_title', [
    ['Medium to Dark Roast', { roast_level: 'medium_dark' }],
    ['French Roast 1kg', { roast_level: 'dark' }],
    ['Dark Horse Blend', { roast_level: null }],
    ['Medium Roast | Dark Roast', { roast_level: null }],
    ['Filter Roast - Kenya Nyeri', { roast_level: null, roast_style: 'filter' }],
    ['Dunkle Röstung', { roast_level: 'dark' }],
    ['中深煎り', { roast_level: 'medium_dark' }],
  ])
  check('roast_level', [
    ['Medium-Light', { roast_level: 'light_medium' }],
    ['City', { roast_level: 'medium' }],
    ['약배전', { roast_level: 'light' }],
    ['Espresso', { roast_level: null, roast_style: 'espresso' }],
    ['Filter / Espresso', { roast_style: ['filter', 'espresso'] }],
  ])
  check('tag', [
    ['medium-dark-roast', { roast_level: 'medium_dark' }],
    ['bitterness-medium-high', { roast_level: null }],
    ['tag_dark_chocolate', { roast_level: null, flavour_notes: ['dark chocolate'] }],
    ['dark', { roast_level: null }],
  ])
})

test('a modifier names the process, and the base stands beside it', () => {
  check('process', [
    ['Fully Washed', { process: 'washed' }],
    ['Black Honey', { process: 'honey' }],
    ['Giling Basah', { process: 'wet_hulled' }],
    ['Anaerobic Natural', { process: 'anaerobic', base: 'natural' }],
    ['Washed Double Anaerobic', { process: 'anaerobic', base: 'washed' }],
    ['Thermal Shock Washed', { process: 'experimental', base: 'washed' }],
    ['Washed 72 hour fermentation', { process: 'washed' }],
    ['Controlled fermentation', { process: 'experimental' }],
    ['Yeast Inoculated Washed', { process: 'washed', inoculated: 'yeast' }],
    ['Pulped Natural & Natural', { process: ['pulped_natural', 'natural'], base: null }],
    ['Swiss Water', { process: 'decaf:swiss_water', decaf: true }],
    ['Mixed', { process: null }],
    ['水洗', { process: 'washed' }],
    ['내추럴', { process: 'natural' }],
  ])
  check('product_title', [
    ['Lerida Honey Geisha', { process: 'honey', varieties: ['Gesha'], is_coffee: true }],
    ['Wildflower Honey', { process: null, is_coffee: false }],
    ['Koji Fermented Cacao', { process: null, is_coffee: false }],
    ['Mooleh Manay Estate – CM Natural', { process: 'carbonic_maceration', base: 'natural' }],
    ['Gungegiri Honey Sun Dried', { process: 'honey' }],
    ['Kerehaklu CM Selection 9 100gm', { process: 'carbonic_maceration', estate: 'Kerehaklu' }],
    ['Espresso Tray 30 cm', { process: null }],
    ['Colombia Decaf Sugarcane EA', { process: 'decaf:ethyl_acetate', decaf: true }],
    ['Cutetotz 99% Pure Water Baby Wet wipes', { process: null }],
  ])
})

test('shares of species add up to 100, or none is stated', () => {
  check('product_title', [
    ['Arabica 70%, Robusta 30%', { species: { arabica: 70, robusta: 30 } }],
    ['60% Robusta & 40% Arabica', { species: { robusta: 60, arabica: 40 } }],
    ['Arabica/Robusta 70/30', { species: { arabica: 70, robusta: 30 } }],
    ['Filter Coffee (80% Coffee 20% Chicory)', { species: { coffee: 80, chicory: 20 } }],
    ['100% Arabica', { species: 'arabica' }],
    ['50% Robusta', { species: null }],
  ])
  check('arabica_robusta', [['60/40', { species: { arabica: 60, robusta: 40 } }]])
  check('description', [['No robusta here', { species: null }]])
})

test('the origin is a country, a region, an estate and an altitude', () => {
  check('product_title', [
    ['Riverdale Estate N72', { estate: 'Riverdale' }],
    ['ARAKU VALLEY', { region: 'Araku Valley', country: 'IN', is_coffee: true }],
    ['Ethiopia Yirgacheffe G1 Natural', { country: 'ET', region: 'Yirgacheffe', grade: 'G1' }],
    ['哥伦比亚 蕙兰 水洗 227g', { country: 'CO', region: 'Huila', process: 'washed' }],
    ['Tote Bag - Ethiopia', { is_coffee: false, country: null }],
    ['Robusta Peaberry Washed', { grade: 'peaberry', species: 'robusta' }],
    ['Chikmaglur Single Estate AA', { region: 'Chikmagalur', grade: 'AA', estate: null }],
    ['Coorg Robusta Cherry AB Green Beans', { process: 'natural', grade: 'AB', region: 'Coorg' }],
    ['Organic Fair Trade Peru', { certifications: ['organic', 'fairtrade'], country: 'PE' }],
    ['Bourbon Barrel Aged Coffee', { varieties: null, process: 'experimental' }],
  ])
  check('altitude', [
    ['1,600 - 1.850 m', { altitude_min: 1600, altitude_max: 1850 }],
    ['1750 m.a.s.l.', { altitude_min: 1750, altitude_max: 1750 }],
    ['4000-4500 ft', { altitude_min: 1219, altitude_max: 1372 }],
  ])
  check('variety', [
    ['SL 28 / SL 34', { varieties: ['SL28', 'SL34'] }],
    ['Bourbon, Caturra', { varieties: ['Bourbon', 'Caturra'] }],
    ['Colombia', { varieties: ['Colombia'] }],
  ])
})

test('the kind of a product is decided before its attributes', () => {
  check('product_title', [
    ['Kawa ziarnista Etiopia 250g', { is_coffee: true, kind: 'beans' }],
    ['コーヒー豆 200g×2袋', { is_coffee: true, kind: 'beans' }],
    ['Green Beans - Ethiopia Sidama 1kg', { is_coffee: true, kind: 'green', green: true }],
    ['Nespresso Compatible Capsules - 10 pods', { is_coffee: true, kind: 'capsule' }],
    ['Instant Coffee 100g Jar', { is_coffee: true, kind: 'instant', pack_type: 'jar' }],
    ['Chocolate Bomb Espresso Blend 250g', { is_coffee: true }],
    ['Half-Caf Blend', { is_coffee: true, decaf: null }],
    ['Equinox', { is_coffee: null, kind: null }],
    ['Coffee Honey 250g', { is_coffee: false, kind: 'food', process: null }],
    ['Dark Chocolate with Coffee (50g)', { is_coffee: false, kind: 'food' }],
    ['Kaffeemühle Comandante C40', { is_coffee: false, kind: 'gear' }],
    ['コーヒーフィルター 100枚', { is_coffee: false, kind: 'supply', pack_count: 100 }],
    ['Single Origin Dark Chocolate', { is_coffee: false, kind: 'food' }],
    ['Espresso Cups Set of 4', { is_coffee: false, kind: 'merchandise', pack_count: 4 }],
    ['AeroPress Filters (350 pack)', { is_coffee: false, pack_count: 350 }],
    ['French Press 600 ml', { is_coffee: false, kind: 'gear' }],
    ['South Indian Filter (Brass)', { is_coffee: false, kind: 'gear' }],
    ['South Indian Filter Coffee', { is_coffee: true, country: null }],
    ['Masala Chai 100g', { is_coffee: false, kind: 'tea' }],
    ['Cold Brew Can 250ml (Pack of 6)', { is_coffee: false, kind: 'drink', pack_count: 6 }],
    ['Matcha Brewing Workshop', { is_coffee: false, kind: 'course' }],
    ['Gift Card', { is_coffee: false, kind: 'gift_card' }],
    ['SUBSCRIPTION &#8211; 6 DELIVERIES', { subscription: true, pack_count: 1 }],
    ['Arabica Coffee Beans + Dark Roasted Coffee Beans', { bundle: true, roast_level: null }],
  ])
})

test('a description states what its labels say', () => {
  const body = `<p>Region : Coorg, Karnataka<br />
    Elevation: 2800 Ft &#8211; 3600 Ft ASL<br />
    Roast Profile : Dark Roast<br />
    Variety : Arabica &amp; Robusta<br />
    Tasting notes: dark chocolate, hazelnut and a hint of orange.</p>`
  check('description', [
    [
      body,
      {
        region: 'Coorg',
        altitude_min: 853,
        altitude_max: 1097,
        roast_level: 'dark',
        species: ['arabica', 'robusta'],
        flavour_notes: ['dark chocolate', 'hazelnut', 'orange'],
      },
    ],
  ])
})

test('running text that is not about the process or the origin states neither', () => {
  check('description', [
    ['Machine washed sheets, made in India.', { process: null, country: null }],
    ['A naturally sweet cup with honey sweetness and lactic acidity', { process: null }],
    ['We taste honey, jasmine and bergamot.', { process: null }],
    ['This dark, rich and medium-bodied coffee', { roast_level: null }],
    ['Subscribe today: also as drip bags', { subscription: null, format: null }],
    ['A blend of washed and natural processed coffees', { process: ['washed', 'natural'] }],
    ['Fully washed, and dried on raised beds', { process: 'washed' }],
  ])
})

test('every value of a text has its words, and an unknown field is null', () => {
  const parsed = parseField('Riverdale Estate - Gesha Natural 100gms', 'product_title')
  assert.deepEqual(parsed?.provenance['varieties'], {
    raw: 'Gesha',
    rule: 'variety/name',
    confidence: 0.9,
  })
  assert.equal(parsed.provenance['unit_weight_g']?.raw, '100gms')
  assert.equal(parseField('250g', 'colour'), null)
  assert.equal(parseField('250g', 'toString'), null)
})

test('every field gives every value, null where it is unknown', () => {
  const names = PARSE_FIELDS.map((field) =>
    Object.keys(parseField('', field)?.values ?? {})
      .toSorted()
      .join(),
  )
  assert.equal(new Set(names).size, 1)
  const { values, provenance } = parseField('', 'process') ?? {}
  assert.deepEqual(new Set(Object.values(values ?? {})), new Set([null]))
  assert.deepEqual(provenance, {})
})

test('the page describes every value', () => {
  const page = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const names = Object.keys(parseField('', 'process')?.values ?? {})
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  )
})
