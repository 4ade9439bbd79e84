// A shop that moves from Shopify to WooCommerce: the new source continues the old one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startShopify } from '../../simulators/shopify/server.ts'
import { startWoocommerce } from '../../simulators/woocommerce/server.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import { woocommerce } from '../../src/connectors/woocommerce/connector.ts'
import type { Connector } from '../../src/core/connector.ts'
import { findSuccessions } from '../../src/db/successions.ts'
import { saveSource } from '../../src/db/sources.ts'
import { removeSource } from '../../src/db/write/remove-source.ts'
import { approveAll } from '../support/decisions.ts'
import { openTestDatabase } from '../support/database.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()

/** The connector of a supplier that never proves that its list is complete. */
function withoutProof(connector: Connector): Connector {
  return {
    ...connector,
    async *fetch(request, signal) {
      for await (const page of connector.fetch(request, signal)) yield { ...page, complete: false }
    },
  }
}

interface Row {
  readonly id: string
  readonly status: string
  readonly successor: string | null
}

/** The products of a source, each with the title of its successor in any source. */
function listProducts({ name, query }: TestPipeline): Promise<Row[]> {
  return query<Row>(
    `select p.external_id as id, p.status, n.source || ' ' || n.external_id as successor
     from api.products p left join api.products n on n.id = p.successor_id
     where p.source = $1 order by length(p.external_id), p.external_id`,
    name,
  )
}

test('a source continues one that has moved: its products get successors after the first complete run, at once', async (t) => {
  const [before, after] = await Promise.all([
    startShopify({ products: 6 }),
    startWoocommerce({ products: 5 }),
  ])
  t.after(before.close)
  t.after(after.close)
  const settings = { url: before.url, currency: 'AUD', minIntervalMs: 0 }
  const old = await openPipeline(t, { db, connector: shopify, settings })
  await old.sync()
  const { id: oldId } = await old.source()
  const moved = await openPipeline(t, {
    db,
    connector: woocommerce,
    settings: { url: after.home, minIntervalMs: 0 },
  })
  const { id } = await moved.source()
  await db.query('select catalog.begin_succession($1, $2)', [id, oldId])
  await assert.rejects(
    db.query('select catalog.begin_succession($1, $2)', [oldId, oldId]),
    /already continues this source/,
  )

  const incomplete = await moved.sync({ connector: withoutProof(woocommerce) })
  assert.equal(incomplete.state, 'held')
  await approveAll(db, incomplete.run)
  assert.deepEqual(
    new Set((await listProducts(old)).map(({ status }) => status)),
    new Set(['active']),
  )
  assert.equal((await findSuccessions(db, id)).predecessor?.completed, null)

  // The first product has the GTIN of the third one of the new shop, the second one the SKU of the
  // fourth, and the last two share a GTIN, which therefore says nothing.
  const [a, b, c, d, e, f] = before.shop.products().map((product) => String(product.id))
  const [one, , three, four] = after.shop.products().map((product) => String(product.id))
  const setCode = (
    source: number,
    product: string | undefined,
    code: 'gtin' | 'sku',
    value: string,
  ) =>
    db.query(
      `update catalog.variants set ${code} = $3 where source_id = $1 and product_external_id = $2
       and position = (select min(position) from catalog.variants
         where source_id = $1 and product_external_id = $2)`,
      [source, product, value],
    )
  await setCode(oldId, a, 'gtin', '04006381333931')
  await setCode(id, three, 'gtin', '4006381333931')
  await setCode(oldId, b, 'sku', 'moved-2 ')
  await setCode(id, four, 'sku', 'MOVED-2')
  for (const product of [e, f]) await setCode(oldId, product, 'gtin', '96385074')
  await setCode(id, one, 'gtin', '96385074')
  const interrupted = await db.query(
    `insert into catalog.runs
       (source_id, kind, state, correlation_id, artifact_run, normaliser_version, first_load)
     values ($1, 'full', 'interrupted', 'test', 0, 1, false) returning id`,
    [oldId],
  )

  const { run: runId } = await moved.sync()
  const successors = [three, four, three, four, '1080', null]
  assert.deepEqual(
    await listProducts(old),
    [a, b, c, d, e, f].map((product, n) => ({
      id: product,
      status: 'unavailable',
      successor: successors[n] === null ? null : `${moved.name} ${successors[n]}`,
    })),
  )
  const counts = { products: 6, gtin: 1, url: 0, sku: 1, handle: 3 }
  const { predecessor } = await findSuccessions(db, id)
  assert.deepEqual(predecessor?.completed?.counts, counts)
  assert.equal((await findSuccessions(db, oldId)).successor?.completed?.run, runId)
  assert.equal((await old.source()).state, 'paused')
  const [stopped] = await old.query<{ state: string }>(
    'select state from catalog.runs where id = $1',
    interrupted.rows[0]?.id,
  )
  assert.equal(stopped?.state, 'superseded')
  assert.deepEqual(
    await old.query(
      `select detail, position > 0 as published from catalog.changes
       where source_id = $1 and run_id = $2 and product_external_id = $3`,
      oldId,
      runId,
      a,
    ),
    [
      {
        detail: {
          status: ['active', 'unavailable'],
          successor: [null, three],
          successor_source: [null, moved.name],
          successor_rule: [null, 'gtin'],
        },
        published: true,
      },
    ],
  )

  // It happens once, and resuming the old source undoes it.
  await saveSource(db, oldId, { state: 'active' })
  await moved.sync()
  assert.equal((await listProducts(old))[0]?.status, 'unavailable')
  await old.sync()
  assert.deepEqual(
    new Set((await listProducts(old)).map(({ status, successor }) => `${status} ${successor}`)),
    new Set(['active null']),
  )
})

test('a source that is removed is the successor of no product any more', async (t) => {
  const shop = await startShopify({ products: 2 })
  t.after(shop.close)
  const setup = {
    db,
    connector: shopify,
    settings: { url: shop.url, currency: 'AUD', minIntervalMs: 0 },
  }
  const old = await openPipeline(t, setup)
  await old.sync()
  const moved = await openPipeline(t, setup)
  const [{ id: oldId }, { id }] = [await old.source(), await moved.source()]
  await db.query('select catalog.begin_succession($1, $2)', [id, oldId])
  await moved.sync()
  assert.equal((await findSuccessions(db, id)).predecessor?.completed?.counts.url, 2)
  await removeSource(db, moved.name)
  assert.deepEqual(
    await old.query('select distinct successor from catalog.products where source_id = $1', oldId),
    [{ successor: null }],
  )
  assert.equal((await findSuccessions(db, oldId)).successor, null)
})
