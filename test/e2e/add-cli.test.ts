// Sources are added at the command line, from outside.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type ShopifySimulator, startShopify } from '../../simulators/shopify/server.ts'
import { RESPONSES } from '../../simulators/shopify/faults.ts'
import { withMedipim, assertEnded } from './medipim-shelf.ts'
import { openShelfsync } from './shelfsync.ts'

async function startShop(
  t: TestContext,
  options: Parameters<typeof startShopify>[0],
): Promise<ShopifySimulator> {
  const shop = await startShopify(options)
  t.after(shop.close)
  return shop
}

test('an Australian MediPim source is due at 03:17 in Sydney, in full on Sundays', async (t) => {
  const { db } = await withMedipim(t, 1)
  const { rows } = await db.query('select schedule from catalog.sources')
  assert.deepEqual(rows, [
    { schedule: { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' } },
  ])
})

test('a shop is recognised by its address, shown, added and synced', async (t) => {
  const shelf = await openShelfsync(t)
  const shop = await startShop(t, { products: 7, name: 'Saltbush' })
  const added = await shelf.run('add', shop.url)
  assertEnded(added, 0)
  assert.match(
    added.stdout,
    /^Tried at 127\.0\.0\.1:\d+:\n {2}\/products\.json\?limit=1 {2}200, JSON\n.*\n127\.0\.0\.1:\d+: A Shopify shop/,
  )
  assert.match(added.stdout, /^ {4}http:\/\/127\.0\.0\.1:\d+\/products\/item-0$/m)
  assert.equal(added.stdout.match(/^ {2}.* AUD \d+\.\d\d$/gm)?.length, 5)
  assert.match(added.stdout, /Added saltbush\.\nsaltbush: full run \d+ succeeded/)
  const status = await shelf.run('status', '--json')
  const { source, products } = status.json() as {
    source: string
    products: Record<string, number>
  }
  assert.deepEqual([source, products['active']], ['saltbush', 7])
  const taken = await shelf.run('add', shop.url)
  assertEnded(taken, 1)
  assert.match(taken.stderr, /There is already a source named saltbush\n hint: Choose another name/)
  const twin = await shelf.run(
    'add',
    `${shop.url}/collections/all`,
    '--name',
    'twin',
    '--no-sync',
    '--set',
    'minIntervalMs=5',
    '--json',
  )
  assertEnded(twin, 0)
  assert.match(
    twin.stderr,
    /The whole shop is added, not only \/collections\/all[^]*saltbush already reads http:/,
  )
  assert.equal((twin.json()['settings'] as Record<string, unknown>)['minIntervalMs'], 5)
})

test('a source that cannot be added is not stored, and the error states the reason', async (t) => {
  const shelf = await openShelfsync(t, { ALLOW_PRIVATE_HOSTS: '127.0.0.1' })
  const shop = await startShop(t, { products: 3 })
  const refusals: [set: () => void, address: string, words: RegExp][] = [
    [
      () => shop.faults.set({ ...RESPONSES.challenge, path: '/products.json*', times: null }),
      shop.url,
      /bot challenge/,
    ],
    [
      () => shop.faults.set({ ...RESPONSES.password, path: '/products.json*', times: null }),
      shop.url,
      /password/,
    ],
    [
      () => undefined,
      'http://192.168.0.1',
      /192\.168\.0\.1 is refused: the range "private" is not public\n hint: /,
    ],
  ]
  for (const [set, address, words] of refusals) {
    shop.faults.clear()
    set()
    const refused = await shelf.run('add', address)
    assertEnded(refused, 1)
    assert.match(refused.stderr, words)
    assert.match(
      refused.stderr,
      /^Tried at \S+:\n {2}\/products\.json\?limit=1 {2}.*\n( .*\n)*error: /,
    )
  }
  const other = await shelf.run('add', shop.url, '--platform', 'medipim')
  assertEnded(other, 64)
  assert.match(other.stderr, /"medipim" is not a platform: use one of shopify, woocommerce/)
  const { rowCount } = await shelf.db.query('select from catalog.sources')
  assert.equal(rowCount, 0)
})

test('a source that would send its key to another host or unencrypted is refused by add and set', async (t) => {
  const { run } = await withMedipim(t, 1)
  for (const address of ['https://api.medipim.example', 'http://api.au.medipim.com']) {
    for (const command of [
      ['add', 'medipim', '--name', 'other', '--api-url', address],
      ['sources', 'set', 'pharmacy', '--set', `apiUrl=${address}`],
    ]) {
      const refused = await run(...command)
      assertEnded(refused, 1)
      assert.match(refused.stderr, /is not sent to .*(MEDIPIM_HOSTS|use https)/)
    }
  }
  assert.deepEqual((await run('sources')).stdout.match(/^(pharmacy|other)/gm), ['pharmacy'])
})
