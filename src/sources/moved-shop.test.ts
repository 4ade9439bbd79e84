import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESPONSES } from '../../simulators/shopify/faults.ts'
import { startShopify } from '../../simulators/shopify/server.ts'
import { startWoocommerce } from '../../simulators/woocommerce/server.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { openPipeline } from '../../test/support/pipeline.ts'
import { shopify } from '../connectors/shopify/connector.ts'
import { woocommerce } from '../connectors/woocommerce/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { RunReport } from '../pipeline/run-in-process.ts'

const { pool: db } = await openTestDatabase()

async function failOf(running: Promise<RunReport>): Promise<SyncError> {
  const { error } = await running
  assert.ok(error instanceof SyncError, String(error))
  return error
}

test('the run of a shop that responds as another platform fails with the command that continues it', async (t) => {
  const before = await startShopify({ products: 2 })
  const { name, sync } = await openPipeline(t, {
    db,
    connector: shopify,
    settings: { url: before.url, currency: 'AUD', minIntervalMs: 0 },
  })
  await sync()
  const port = Number(new URL(before.url).port)
  await before.close()
  const after = await startWoocommerce({ products: 2, port })
  t.after(after.close)
  const error = await failOf(sync())
  assert.equal(error.code, 'source/moved')
  assert.ok(
    error.message.endsWith(
      `The address now looks like this: ${woocommerce.title}. To continue with it: shelfsync add ${before.url} --replaces ${name}`,
    ),
    error.message,
  )
})

test('the run of a shop that redirects to another host fails with the command for its new address', async (t) => {
  const [before, after] = [await startShopify({ products: 2 }), await startShopify({ products: 2 })]
  t.after(before.close)
  t.after(after.close)
  const { name, sync } = await openPipeline(t, {
    db,
    connector: shopify,
    settings: { url: before.url, currency: 'AUD', minIntervalMs: 0 },
  })
  await sync()
  const redirect = (path: string) =>
    ({
      kind: 'status',
      status: 301,
      headers: { location: after.url + path },
      path,
      times: null,
    }) as const
  before.faults.set(redirect('/meta.json'), redirect('/products.json?page=1'))
  const error = await failOf(sync())
  assert.equal(error.code, 'source/moved')
  assert.match(error.message, /^127\.0\.0\.1:\d+ redirects to http:\/\/127\.0\.0\.1:\d+ \(/)
  assert.ok(
    error.message.endsWith(`shelfsync sources set ${name} --url ${after.url}`),
    error.message,
  )
})

test('a shop that refuses a page has not moved', async (t) => {
  const shop = await startShopify({ products: 2 })
  t.after(shop.close)
  const { sync } = await openPipeline(t, {
    db,
    connector: shopify,
    settings: { url: shop.url, currency: 'AUD', minIntervalMs: 0 },
  })
  shop.faults.set({ ...RESPONSES.missing, path: '/products.json?page=1', times: 1 })
  assert.equal((await failOf(sync())).code, 'source/gone')
  shop.faults.set({ ...RESPONSES.password, path: '/products.json*', times: null })
  assert.equal((await failOf(sync())).code, 'source/password')
})
