// Texts of the kinds that shops write, each with the values that it states.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseField } from './parse-field.ts'

const TEXTS: readonly (readonly [field: string, input: string, values: Record<string, unknown>])[] =
  [
    ['variant_title', 'Half Pound', { unit_weight_g: 226.8 }],
    ['variant_title', 'Quarter kilo / Whole Bean', { unit_weight_g: 250, grind: 'whole' }],
    ['variant_title', 'Pack of two', { pack_count: 2 }],
    ['variant_title', 'Bohne / 1 kg', { unit_weight_g: 1000, grind: 'whole' }],
    ['option_value', 'Mokka', { grind: 'moka_pot' }],
    ['option_value', 'Filtr', { grind: 'filter' }],
    ['product_title', 'Dark Chocolate 70% with Coffee Nibs', { is_coffee: false, kind: 'food' }],
    ['product_title', 'Vienna Roast 250 gms', { is_coffee: true, roast_level: 'medium_dark' }],
    ['product_title', 'Papua New Guinea Sigri Estate AA', { country: 'PG', estate: 'Sigri' }],
    ['description', 'A washed Ethiopian coffee.', { process: 'washed' }],
    ['description', 'A natural choice for honey lovers.', { process: null }],
    ['description', 'Processed by the washed or the natural method.', { process: null }],
    ['description', 'Varietal: SLN 795', { varieties: ['S795'] }],
    ['variant_title', 'Five Pound Bag', { unit_weight_g: 2268 }],
    ['variant_title', '250g / Extra Coarse', { grind: 'other', grind_detail: 'extra coarse' }],
    ['variant_title', 'Filter Coffee (South Indian)', { grind: 'south_indian_filter' }],
    ['variant_title', '1 kg / Chicchi', { grind: 'whole' }],
    ['variant_title', '豆 / 200g', { grind: 'whole' }],
    ['variant_title', 'Mielona - ekspres przelewowy', { grind: 'filter' }],
    ['product_title', 'Coffee Caramels 120g', { is_coffee: false, kind: 'food' }],
    ['product_title', 'Nescafe Gold 200g', { is_coffee: true }],
    ['roast_level', 'Średnio ciemny', { roast_level: 'medium_dark' }],
    ['roast_level', '미디엄', { roast_level: 'medium' }],
    ['process', 'Maceracja węglowa', { process: 'carbonic_maceration' }],
    ['variety', 'Catuaí Rojo / SLN. 9', { varieties: ['Red Catuai', 'SLN 9'] }],
    ['variety', 'Pacamarra, Marselesa', { varieties: ['Pacamara', 'Marsellesa'] }],
    ['variety', 'Bourbons, Colombian', { varieties: ['Bourbon'] }],
    ['variant_title', '1kg+1kg', { unit_weight_g: 1000, pack_count: 2 }],
    ['variant_title', '半磅', { unit_weight_g: 226.8 }],
    ['variant_title', 'mielona pod dripper', { grind: 'pour_over' }],
    ['variant_title', '250 g / Espressokanne', { grind: 'moka_pot' }],
    ['product_title', '80-20 Filter Coffee 500g', { unit_weight_g: 500, pack_count: 1 }],
    ['product_title', 'Caffè 2 confezioni da 250g', { unit_weight_g: 250, pack_count: 2 }],
    ['product_title', 'Coffee Explorer Tasting (Delhi)', { is_coffee: false, kind: 'course' }],
    ['product_title', 'Are You Really Tasting Your Coffee?', { is_coffee: false, kind: 'course' }],
    ['product_title', 'Vienna Roast (Berlin)', { is_coffee: true, roast_level: 'medium_dark' }],
    ['product_title', 'Signature Blend (Mumbai)', { is_coffee: null, kind: null }],
    ['product_title', 'Coffee Tasting Set (Delhi)', { is_coffee: true }],
    ['product_title', 'Ohm Coffee Roasters Blend', { is_coffee: true }],
    ['roast_level', 'Jasne/średnie', { roast_level: 'light_medium' }],
    ['roast_level', 'Light/Dark', { roast_level: null }],
    ['variety', 'Cattura / Catura / Typicca', { varieties: ['Caturra', 'Typica'] }],
    ['product_title', 'Single Origin (80% Dark) Wayanad Chocolate', { is_coffee: false }],
    ['product_title', '100% Dark Roasted Coffee', { is_coffee: true, roast_level: 'dark' }],
    ['product_title', 'Gin Barrel Aged Coffee', { process: 'experimental' }],
    ['variant_title', 'Cafetera / 250g', { unit_weight_g: 250 }],
    ['product_title', 'Medium Roast Ground Coffee Canister', { is_coffee: true }],
    ['product_title', 'Airscape Coffee Canister', { is_coffee: false }],
    ['product_title', 'Storage Canister for Coffee Beans', { is_coffee: false, kind: 'gear' }],
    ['product_title', 'Melitta Pour Over Coffee Filter', { is_coffee: false, kind: 'supply' }],
    ['product_title', 'Melitta Bella Crema Ganze Bohnen 1kg', { is_coffee: true, grind: 'whole' }],
    ['product_title', 'South Indian Coffee Filter', { is_coffee: false, kind: 'gear' }],
    ['product_title', 'Moka Pot 6 Cup', { is_coffee: false, kind: 'gear' }],
    ['product_title', 'バリスタ スタイル', { country: null, region: null }],
    ['process', 'Podwójna fermentacja beztlenowa', { process: 'anaerobic' }],
    ['altitude', '1 700 m n.p.m.', { altitude_min: 1700, altitude_max: 1700 }],
    ['process', 'Półmyta', { process: 'other' }],
    ['variant_title', '250g / Stempelkande', { grind: 'french_press' }],
    ['variant_title', 'Two 12 oz Bags', { unit_weight_g: 340.2, pack_count: 2 }],
    ['variant_title', '1 Box (10 pods)', { pack_count: 10, grind: 'capsule' }],
    ['product_title', 'Cold Brew Bags (Box of 4) (200g)', { unit_weight_g: 50, pack_count: 4 }],
    ['product_title', 'Cold Brew Bags (Pack of 2) 250g', { unit_weight_g: 250, pack_count: 2 }],
    ['product_title', 'Cold Brew Bags, 3 bags of 210g', { unit_weight_g: 210, pack_count: 3 }],
    ['product_title', 'Coffee Bags (Pack of 4) 250g', { unit_weight_g: 250, pack_count: 4 }],
    ['product_title', 'Coffee Beans (Box of 4) (200g)', { unit_weight_g: 200, pack_count: 4 }],
    ['variant_title', '250 g / fein gemahlen', { grind: 'other', grind_detail: 'fine' }],
    ['variant_title', 'Całe ziarna', { grind: 'whole' }],
    ['product_title', 'パカマラ 浅煎り', { varieties: ['Pacamara'], roast_level: 'light' }],
    ['arabica_robusta', '100', { species: 'arabica' }],
    ['arabica_robusta', '60', { species: null }],
    ['price_text', '¥1,980 (税込)', { amount_minor: 1980, currency: 'JPY' }],
    ['price_text', 'KD 3.500', { amount_minor: 3500, currency: 'KWD' }],
  ]

test('texts of shops have the values that they state, and no others', () => {
  for (const [field, input, expected] of TEXTS) {
    const values = parseField(input, field)?.values ?? {}
    const read = Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]))
    assert.deepEqual(read, expected, input)
  }
})
