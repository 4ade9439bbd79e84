// `shelfsync add` with many addresses, on the command line, from a file and from standard input.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startShopify } from '../../simulators/shopify/server.ts'
import { startWoocommerce } from '../../simulators/woocommerce/server.ts'
import { openShelfsync } from './shelfsync.ts'

async function startShop(t: TestContext, name: string): Promise<string> {
  const shop = await startShopify({ products: 4, name })
  t.after(shop.close)
  return shop.url
}

test('many addresses are added and synced; a wrong one does not stop the others', async (t) => {
  const { run, db } = await openShelfsync(t)
  const [saltbush, wattle] = [await startShop(t, 'Saltbush'), await startShop(t, 'Wattle')]
  const added = await run('add', saltbush, 'http://192.168.0.1', wattle)
  assert.equal(added.code, 1, added.stderr)
  for (const n of [1, 2, 3]) assert.match(added.stdout, new RegExp(`^${n} of 3  `, 'm'))
  assert.match(added.stdout, /^name +address +result\n/m)
  assert.match(added.stdout, /^saltbush +http:\S+ +shopify: 4 products read, such as .* AUD/m)
  assert.match(added.stdout, /^- +http:\/\/192\.168\.0\.1 +not added$/m)
  assert.match(added.stderr, /^error: 192\.168\.0\.1 is refused.*\n hint: .*\n$/)
  assert.match(added.stdout, /^2 of 3 sources added$/m)
  assert.match(added.stdout, /^wattle +\d+ +succeeded +\d/m)
  const { rows } = await db.query(
    `select s.name, count(p.*) as products from catalog.sources s
     left join catalog.products p on p.source_id = s.id group by s.name order by s.name`,
  )
  assert.deepEqual(rows, [
    { name: 'saltbush', products: 4 },
    { name: 'wattle', products: 4 },
  ])
})

test('a CSV file names the sources and their settings, and --json prints a line for each', async (t) => {
  const { run, db, folder } = await openShelfsync(t)
  const [saltbush, wattle] = [await startShop(t, 'Saltbush'), await startShop(t, 'Wattle')]
  await writeFile(
    join(folder, 'shops.csv'),
    `url,name,platform,minIntervalMs\n# comment\n${saltbush},first,shopify,7\n${wattle},,,\n${wattle},Not Valid,,\n,fourth,,\n`,
  )
  const added = await run('add', '--from', 'shops.csv', '--no-sync', '--json')
  assert.equal(added.code, 64, added.stderr)
  const lines = added.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { source: string | null; error: { code: string } | null })
  assert.deepEqual(lines.map(({ source, error }) => source ?? String(error?.code)).toSorted(), [
    'first',
    'usage/invalid',
    'usage/invalid',
    'wattle',
  ])
  const { rows } = await db.query(
    `select name, settings -> 'minIntervalMs' as pause from catalog.sources order by name`,
  )
  assert.deepEqual(rows, [
    { name: 'first', pause: 7 },
    { name: 'wattle', pause: 1000 },
  ])
  assert.equal((await run('runs', '--json')).json()['next'], null)
})

test('a list is read from standard input, and an empty one is refused', async (t) => {
  const { start, run, db } = await openShelfsync(t)
  const shop = await startShop(t, 'Saltbush')
  const adding = start('add', '--from', '-', '--no-sync')
  adding.child.stdin?.end(`# one shop\n${shop}\n`)
  const added = await adding.result
  assert.equal(added.code, 0, added.stderr)
  assert.match(added.stdout, /Next: shelfsync sync/)
  const { rows } = await db.query('select name from catalog.sources')
  assert.deepEqual(rows, [{ name: 'saltbush' }])
  const empty = start('add', '--from', '-')
  empty.child.stdin?.end('# nothing\n')
  assert.equal((await empty.result).code, 64)
  for (const wrong of [
    [],
    ['--from', 'no-such-file'],
    [shop, 'https://two.example', '--name', 'x'],
  ])
    assert.equal((await run('add', ...wrong)).code, 64, wrong.join(' '))
})

test('--platform tries only one kind of shop; WooCommerce is found in its folder and with plain permalinks', async (t) => {
  const { run, db } = await openShelfsync(t)
  const shop = await startWoocommerce({
    products: 6,
    name: 'Öland &amp; Sons',
    folder: '/shop',
    permalinks: 'plain',
  })
  t.after(shop.close)
  const added = await run('add', `${shop.home}/product/item-1/`, '--platform', 'woocommerce')
  assert.equal(added.code, 0, added.stderr)
  assert.match(added.stdout, /: A WooCommerce shop, .*\n {2}\S.* EUR /)
  assert.match(added.stdout, /^Added oland-sons\.$/m)
  assert.doesNotMatch(added.stdout, /products\.json/)
  const { rows } = await db.query(
    `select s.connector, s.settings ->> 'url' as url, count(p.*) as products
     from catalog.sources s join catalog.products p on p.source_id = s.id group by 1, 2`,
  )
  assert.deepEqual(rows, [{ connector: 'woocommerce', url: shop.home, products: 6 }])
})
