// Coffees and roasters that programs write by calls, in the terms of catalogues of coffee.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'

const { pool: db } = await openTestDatabase()

async function call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const names = Object.keys(args)
  const list = names.map((one, at) => `${one} => $${at + 1}`).join(', ')
  const { rows } = await db.query<{ row: Record<string, unknown> }>(
    `select to_jsonb(r) as row from api.${name}(${list}) r`,
    Object.values(args),
  )
  return rows[0]?.row ?? {}
}

const ROASTER = {
  p_name: 'Saltbush Roastery',
  p_slug: 'saltbush',
  p_platform: 'shopify',
  p_website: 'https://saltbush.example/',
  p_currency: 'INR',
}
const COFFEE = { p_platform_product_id: 'attikan', p_name: 'Attikan Estate' }

test('a roaster gets a paused source, and its coffee has variants and prices that pass the gates', async () => {
  const { roaster_id: roaster, outcome } = await call('rpc_upsert_roaster', ROASTER)
  assert.equal(outcome, 'created')
  assert.equal((await call('rpc_upsert_roaster', ROASTER))['outcome'], 'unchanged')
  assert.equal(
    (await call('rpc_upsert_roaster', { ...ROASTER, p_support_email: 'hi@saltbush.example' }))[
      'outcome'
    ],
    'updated',
  )

  const stated = {
    ...COFFEE,
    p_roaster_id: roaster,
    p_roast_level: 'medium_dark',
    p_roast_level_raw: 'Full City+',
    p_process: 'washed',
    p_process_raw: 'Fully washed',
    p_bean_species: 'arabica_80_robusta_20',
    p_altitude: 1_200,
    p_flavors: ['dark chocolate', 'fig'],
    p_status: 'seasonal',
    p_default_grind: 'whole',
  }
  const first = await call('rpc_upsert_coffee', stated)
  assert.deepEqual([first['outcome'], first['state']], ['created', 'succeeded'])
  const again = await call('rpc_upsert_coffee', stated)
  assert.deepEqual([again['outcome'], again['run']], ['unchanged', null])

  const bag = {
    p_source: 'saltbush',
    p_platform_product_id: 'attikan',
    p_platform_variant_id: '250g',
  }
  await call('rpc_upsert_variant', { ...bag, p_weight_g: 250, p_price: 450, p_in_stock: true })
  const raised = await call('rpc_insert_price', { ...bag, p_price: 45_000 })
  assert.equal(raised['outcome'], 'held')
  const changed = await call('rpc_upsert_coffee', {
    ...COFFEE,
    p_roaster_id: 'saltbush',
    p_process: 'natural',
  })
  assert.equal(changed['outcome'], 'updated')

  const { rows } = await db.query<{ row: unknown }>(
    `select jsonb_build_object('status', c.status, 'roast', c.roast_level, 'raw', c.roast_level_raw,
        'process', c.process, 'species', c.bean_species, 'altitude', c.altitude, 'flavors', c.flavors,
        'decaf', c.decaf, 'variants', (
          select jsonb_agg(jsonb_build_array(v.platform_variant_id, v.weight_g, v.amount_minor, v.in_stock))
          from api.coffee_variants v where v.coffee_id = c.id)) as row
      from api.coffees c where c.source = 'saltbush'`,
  )
  assert.deepEqual(rows[0]?.row, {
    status: 'active',
    roast: 'medium_dark',
    raw: 'Full City+',
    process: 'natural',
    species: 'arabica_80_robusta_20',
    altitude: 1200,
    flavors: ['dark chocolate', 'fig'],
    decaf: null,
    variants: [['250g', 250, 45_000, true]],
  })
  const roasters = await db.query('select id, name, platform, support_email from api.roasters')
  assert.deepEqual(roasters.rows, [
    {
      id: roaster,
      name: 'Saltbush Roastery',
      platform: 'shopify',
      support_email: 'hi@saltbush.example',
    },
  ])
})

test('an unknown value is null and not a word, and a refused call writes nothing', async () => {
  await call('rpc_upsert_roaster', { ...ROASTER, p_slug: 'other' })
  const count = async () =>
    (await db.query('select from catalog.runs union all select from catalog.products')).rowCount
  const before = await count()
  for (const [name, args, message] of [
    [
      'rpc_upsert_coffee',
      { ...COFFEE, p_roaster_id: 'other', p_roast_level: 'unknown' },
      /p_roast_level is "unknown"/,
    ],
    [
      'rpc_upsert_coffee',
      { ...COFFEE, p_roaster_id: 'other', p_process: 'Pulped Natural' },
      /p_process is/,
    ],
    [
      'rpc_upsert_coffee',
      { ...COFFEE, p_roaster_id: 'other', p_altitude: 16_000 },
      /p_altitude is 16000/,
    ],
    [
      'rpc_upsert_coffee',
      { ...COFFEE, p_roaster_id: 'other', p_status: 'gone' },
      /p_status is "gone"/,
    ],
    [
      'rpc_upsert_coffee',
      { ...COFFEE, p_roaster_id: 'nobody' },
      /The source "nobody" does not exist/,
    ],
    [
      'rpc_upsert_roaster',
      { p_name: 'X', p_slug: 'x', p_platform: 'wix' },
      /does not say how to read it/,
    ],
    ['rpc_upsert_roaster', { ...ROASTER, p_slug: 'Salt Bush' }, /cannot be stored/],
    [
      'rpc_upsert_roaster',
      { ...ROASTER, p_slug: 'third', p_website: 'javascript:alert(1)' },
      /cannot be stored/,
    ],
  ] as const)
    await assert.rejects(call(name, args), message)
  assert.equal(await count(), before)
})

test('calls for one roaster at the same time wait for each other', async () => {
  await call('rpc_upsert_roaster', { ...ROASTER, p_slug: 'busy' })
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, at) =>
      call('rpc_upsert_coffee', { ...COFFEE, p_roaster_id: 'busy', p_altitude: 1_000 + at }),
    ),
  )
  assert.deepEqual(results.map(({ outcome }) => String(outcome)).toSorted(), [
    'created',
    ...Array.from({ length: 5 }, () => 'updated'),
  ])
})
