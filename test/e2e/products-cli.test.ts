// `shelfsync products`, `changes` and `export` on synced catalogues, and how lists continue.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { cleanEnv } from '../support/processes.ts'
import { withMedipim, assertEnded } from './medipim-shelf.ts'
import type { CommandResult, Shelfsync } from './shelfsync.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

async function withSyncedMedipim(
  t: TestContext,
  products: number,
): Promise<Shelfsync & { simulator: MedipimSimulator }> {
  const shelf = await withMedipim(t, products)
  assertEnded(await shelf.run('sync', 'pharmacy'), 0)
  return shelf
}

/** The command that the last line of a list names. */
function continuationOf({ stdout }: CommandResult): string[] {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  return (/: shelfsync (.+)$/.exec(line)?.[1] ?? assert.fail(`no command in ${line}`)).split(' ')
}

interface Listed {
  readonly items: readonly { id: string; title: string; status: string }[]
  readonly next: string | null
}

const listed = (ended: CommandResult): Listed => ended.json() as unknown as Listed

test('products are found by words of the title, id, SKU and GTIN, and listed page by page', async (t) => {
  const { run, db } = await withSyncedMedipim(t, 60)
  const { rows } = await db.query<{ id: string; gtin: string; title: string }>(
    `select p.external_id as id, v.gtin, p.title from catalog.products p
     join catalog.variants v on v.source_id = p.source_id and v.product_external_id = p.external_id
     where v.gtin is not null and p.status = 'active' limit 1`,
  )
  const { id = '', gtin = '', title = '' } = rows[0] ?? {}
  await db.query(`update catalog.variants set sku = 'Sku-77' where product_external_id = $1`, [id])
  const words = title.split(' ').slice(0, 2)
  for (const wanted of [[id.toLowerCase()], [gtin], [`0${gtin}`], ['sku-77'], [...words, id]]) {
    const found = listed(await run('products', 'pharmacy', ...wanted, '--json'))
    assert.deepEqual(
      found.items.map((product) => product.id),
      [id],
      wanted.join(' '),
    )
  }
  const titled = listed(await run('products', 'pharmacy', (words[0] ?? '').toUpperCase(), '--json'))
  assert.ok(titled.items.some((product) => product.id === id))
  assert.deepEqual(listed(await run('products', 'pharmacy', id, 'no-such', '--json')).items, [])
  const everything = await run('products', 'pharmacy', '--limit', '100', '--json')
  const first = await run('products', 'pharmacy', '--limit', '25')
  assertEnded(first, 0)
  assert.match(first.stdout, /^product +title +status +price +SKU +GTIN +changed\n/)
  assert.match(first.stdout, /AUD \d+\.\d\d/)
  assert.match(first.stdout, /\n25, and there are more: shelfsync products pharmacy --limit 25 /)
  const second = await run(...continuationOf(first), '--json')
  assert.deepEqual(
    listed(second).items.map((product) => product.id),
    listed(everything)
      .items.slice(25, 50)
      .map((product) => product.id),
  )
  const all = await run('products', 'pharmacy', '--all', '--status', 'active')
  const active = listed(everything).items.filter(({ status }) => status === 'active')
  assert.equal(all.stdout.trimEnd().split('\n').length, active.length + 1)
})

test('changes are listed from the newest, with prices as `reviews` prints them', async (t) => {
  const { run, simulator } = await withSyncedMedipim(t, 60)
  const ids = simulator.catalogue
    .visible()
    .filter((one) => Number(simulator.catalogue.build(one, '').publicPrice) > 1)
    .slice(0, 2)
    .map((one) => simulator.catalogue.idOf(one))
  simulator.catalogue.setPrice(ids, { factor: 1.1 })
  const between = new Date()
  assertEnded(await run('sync', 'pharmacy'), 0)
  const all = await run('changes')
  assertEnded(all, 0)
  const [heading = '', newest = '', ...older] = all.stdout.trimEnd().split('\n')
  assert.match(heading, /^time +source +product +title +change +detail$/)
  assert.match(
    newest,
    new RegExp(`pharmacy +(?:${ids.join('|')}) .* AUD \\d+\\.\\d\\d → \\d+\\.\\d\\d`),
  )
  assert.match(older.at(-1) ?? '', /pharmacy +all products +- +loaded/)
  const since = await run('changes', 'pharmacy', '--since', between.toISOString(), '--json')
  const { items } = since.json() as { items: { product: string; kind: string }[] }
  assert.deepEqual(items.map(({ product }) => product).sort(), ids.toSorted())
  const loaded = await run('changes', '--kind', 'loaded', '--json')
  assert.equal((loaded.json()['items'] as unknown[]).length, 1)
  const page = await run('changes', '--limit', '1')
  const next = await run(...continuationOf(page), '--since', between.toISOString(), '--json')
  assert.deepEqual(
    (next.json()['items'] as { product: string }[]).map(({ product }) => product),
    items.slice(1).map(({ product }) => product),
  )
  assert.equal(items.length, 2)
  assertEnded(await run('changes', 'unknown'), 1)
})

test('an export has every product, is safe for spreadsheets, and exact with --exact and as NDJSON', async (t) => {
  const { run, db, folder } = await withSyncedMedipim(t, 40)
  await db.query(`update catalog.products set title = '=2+5, "x"' where external_id = (
    select min(external_id) from catalog.products where status <> 'removed')`)
  const csv = await run('export', 'pharmacy', '--csv')
  assertEnded(csv, 0)
  const [header = '', first = '', ...rest] = csv.stdout.trimEnd().split('\r\n')
  assert.match(
    header,
    /^source,product,id,status,title,.*,sku,gtin,.*public_price,public_currency$/,
  )
  assert.match(first, /^pharmacy,[^,]+,[\w-]+,\w+,"'=2\+5, ""x""",/)
  const { rows } = await db.query<{ n: number }>(
    `select count(*) as n from catalog.products where status <> 'removed'`,
  )
  assert.equal(rest.length + 1, rows[0]?.n)
  const exact = await run('export', 'pharmacy', '--csv', '--exact')
  assert.match(exact.stdout, /,"=2\+5, ""x""",/)
  const ndjson = await run('export', 'pharmacy', '--ndjson')
  const products = ndjson.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { title: string; variants: { prices: unknown[] }[] })
  assert.deepEqual([products.length, products[0]?.title], [rows[0]?.n, '=2+5, "x"'])
  assert.ok(products.some(({ variants }) => (variants[0]?.prices.length ?? 0) > 0))
  assertEnded(await run('export', 'pharmacy'), 64)
  const file = join(folder, 'out.csv')
  await writeFile(file, 'old')
  assertEnded(await run('export', 'pharmacy', '--csv', '--to', 'out.csv'), 0)
  assert.equal(await readFile(file, 'utf8'), csv.stdout)
  const refused = await run('export', 'pharmacy', '--csv', '--to', 'no-such-folder/out.csv')
  assertEnded(refused, 64)
  assert.match(refused.stderr, /no-such-folder\/out\.csv cannot be written/)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

test('an export ends quietly when its reader closes the pipe', async (t) => {
  const { db, url, folder } = await withSyncedMedipim(t, 5)
  await db.query(`insert into catalog.products select q.*
    from catalog.products p, generate_series(1, 5000) n,
      jsonb_populate_record(p, jsonb_build_object('external_id', 'x' || n)) q
    where p.external_id = (select min(external_id) from catalog.products)`)
  const child = spawn(
    'sh',
    ['-c', '"$0" "$1" export pharmacy --ndjson | head -1', process.execPath, MAIN],
    {
      cwd: folder,
      env: cleanEnv({ DATABASE_URL: url, SHELFSYNC_HOME: folder }),
    },
  )
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  await once(child, 'close')
  assert.deepEqual([stdout.trimEnd().split('\n').length, stderr], [1, ''])
})

test('a list that has more rows says how many, and the command that continues it', async (t) => {
  const { run, db } = await withSyncedMedipim(t, 5)
  await db.query(`insert into catalog.reviews
      (source_id, kind, run_id, product_external_id, variant_external_id, price_type, reason, detail)
    select source_id, 'price', run_id, external_id, external_id, 'public', 'test',
      '{"from": 100, "to": 200, "currency": "AUD"}'
    from catalog.products`)
  const first = await run('reviews', '--source', 'pharmacy', '--limit', '2')
  assertEnded(first, 0)
  const line = /^2 of (\d+): shelfsync (reviews --source pharmacy --limit 2 --after \S+)$/m.exec(
    first.stdout,
  )
  const { rows } = await db.query<{ n: number }>(
    `select count(*) as n from catalog.reviews where state = 'open'`,
  )
  assert.equal(Number(line?.[1]), rows[0]?.n)
  const second = await run(...(line?.[2] ?? '').split(' '), '--json')
  assert.equal((second.json()['items'] as unknown[]).length, 2)
  for (const list of ['runs', 'artifacts', 'sources', 'quarantine', 'products pharmacy', 'changes'])
    assertEnded(await run(...list.split(' '), '--limit', '1'), 0)
})
