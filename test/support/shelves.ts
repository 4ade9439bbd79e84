// A catalogue as an operator has it after a week: sources of several kinds with runs, changes, held
// prices, a held run, a quarantined record, a source that fails, licensed products, and, on request,
// many copies of one source's products.

import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { RESPONSES } from '../../simulators/shopify/faults.ts'
import { startShopify } from '../../simulators/shopify/server.ts'
import { toAsin } from '../../simulators/amazon/product.ts'
import { startAmazon } from '../../simulators/amazon/server.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import { shopify } from '../../src/connectors/shopify/connector.ts'
import type { Json } from '../../src/core/json.ts'
import type { RuleDraft } from '../../src/core/rule.ts'
import type { Db } from '../../src/db/pool.ts'
import { saveSource } from '../../src/db/sources.ts'
import { claimDeliveries, finishDelivery, queueDeliveries } from '../../src/db/write/deliveries.ts'
import { addRule, addWebhook, switchRule } from '../../src/db/write/webhooks.ts'
import { settingsOf, variablesOf } from './amazon.ts'
import type { Lifetime } from './database.ts'
import { openMedipim } from './medipim.ts'
import { multiplyProducts } from './multiply-rows.ts'
import { openPipeline, type TestPipeline } from './pipeline.ts'
import { passTime } from './readable.ts'

export interface ShelvesSetup {
  readonly db: Db
  /** The folder of the artifacts. */
  readonly storeRoot: string
  /** At least so many products in all. Default: without copies. */
  readonly products?: number
  /** The title of one product of the pharmacy and of one of the roastery, such as hostile text. */
  readonly title?: string
}

/** The sources, and the runs that need a person. */
export interface Shelves {
  readonly pharmacy: TestPipeline
  readonly roastery: TestPipeline
  /** Its newest run is held, because most products disappeared. */
  readonly outlet: TestPipeline
  /** Its newest run failed, because the shop is gone. */
  readonly closing: TestPipeline
  /** Licensed for 24 hours. */
  readonly marketplace: TestPipeline
  readonly heldRun: number
  readonly failedRun: number
}

const PHARMACY_PRODUCTS = 250
const COFFEE: Json = { pack: 'coffee' }

/** Fills an empty database. The simulators end with `t`, so later syncs are those of the test. */
export async function stockShelves(t: Lifetime, setup: ShelvesSetup): Promise<Shelves> {
  const { db, products = 0 } = setup
  const closing = await openShop(t, setup, { name: 'closing', products: 10 })
  await closing.pipeline.sync()
  const pharmacy = await spendDays(t, setup)
  const shops = await openShops(t, setup)
  const marketplace = await openMarketplace(t, setup)
  closing.faults.set({ ...RESPONSES.frozen, times: null })
  const failed = await closing.pipeline.sync()
  await addReceiver(db)
  const copies = Math.ceil(products / PHARMACY_PRODUCTS) - 1
  if (copies > 0) await multiplyProducts(db, (await pharmacy.source()).id, copies)
  await db.query('analyze')
  return {
    ...shops,
    pharmacy,
    closing: closing.pipeline,
    marketplace,
    failedRun: failed.run,
  }
}

/** A feed of a supplier with changes on each of four days. The last one is today. */
async function spendDays(t: Lifetime, { db, storeRoot, title }: ShelvesSetup) {
  const simulator = await startMedipim({ products: PHARMACY_PRODUCTS, rateLimit: null })
  t.after(simulator.close)
  const { catalogue, clock, faults } = simulator
  clock.set(Date.now() - 3 * DAY_MS)
  const { pipeline } = await openMedipim(t, { db, storeRoot, simulator, name: 'pharmacy' })
  const syncAndWaitOneDay = async (): Promise<void> => {
    await pipeline.sync()
    await passTime(db, '1 day')
    clock.advance(DAY_MS / 1000)
  }
  const [named = '', broken = '', ...ids] = catalogue
    .visible()
    .filter(({ status }) => status === 'active')
    .map((state) => catalogue.idOf(state))
  if (title !== undefined) catalogue.update([named], { name: { en: title } })
  await syncAndWaitOneDay()
  catalogue.update({ share: 0.04 })
  catalogue.setPrice(ids.slice(0, 12), { factor: 1.2 })
  catalogue.remove(ids.slice(-3))
  await syncAndWaitOneDay()
  catalogue.setPrice(ids.slice(0, 8), { factor: 0.8 })
  catalogue.deactivate(ids.slice(20, 23))
  await syncAndWaitOneDay()
  catalogue.setPrice(ids.slice(30, 34), { factor: 20 })
  catalogue.add(5)
  const patch = { publicPrice: 'on request' }
  faults.set({ kind: 'patch', ids: [broken], patch, path: '/v4/products/stream' })
  await pipeline.sync()
  return pipeline
}

const DAY_MS = 86_400_000

/** A webhook with messages in several states, and a rule that is on. */
async function addReceiver(db: Db): Promise<void> {
  await addWebhook(db, {
    name: 'orders',
    format: 'standard',
    url: 'https://shop.example/hooks/catalogue',
    getsChanges: true,
    sources: null,
    kinds: ['repriced', 'removed'],
    after: 0,
    by: 'Ada Lovelace',
  })
  await addRule(db, CHEAPER, 'Ada Lovelace')
  await queueDeliveries(db, 1000)
  await switchRule(db, CHEAPER.name, true)
  const [refused, ...accepted] = await claimDeliveries(db, { limit: 6, leaseMs: 60_000 })
  const end = { delayMs: 0, pauseMs: 0, disable: null }
  if (refused !== undefined)
    await finishDelivery(db, refused, { ...end, state: 'dead', status: 400, error: 'HTTP 400' })
  for (const delivery of accepted)
    await finishDelivery(db, delivery, { ...end, state: 'delivered', status: 200, error: null })
}

const CHEAPER: RuleDraft = {
  name: 'cheaper',
  event: 'price-down',
  percent: 10,
  amountMinor: null,
  currency: null,
  source: 'pharmacy',
  product: null,
  words: null,
  firstLoad: false,
  webhook: 'orders',
}

/** Only shops, in seconds: one with coffee, one whose products disappear, and a paused one. */
export async function openShops(t: Lifetime, setup: ShelvesSetup) {
  const roastery = await openShop(t, setup, { name: 'roastery', products: 30, options: COFFEE })
  const outlet = await openShop(t, setup, { name: 'outlet', products: 40 })
  const resting = await openShop(t, setup, { name: 'resting', products: 5 })
  for (const { pipeline } of [roastery, outlet, resting]) await pipeline.sync()
  await saveSource(setup.db, (await resting.pipeline.source()).id, { state: 'paused' })
  const [first] = roastery.shop.products()
  if (first && setup.title !== undefined) roastery.shop.update(first.id, { title: setup.title })
  await roastery.pipeline.sync()
  const goods = outlet.shop.products().map(({ id }) => id)
  outlet.shop.remove(...goods.slice(5))
  const held = await outlet.pipeline.sync()
  return { roastery: roastery.pipeline, outlet: outlet.pipeline, heldRun: held.run }
}

async function openShop(
  t: Lifetime,
  { db, storeRoot }: ShelvesSetup,
  {
    name,
    products,
    options,
  }: { readonly name: string; readonly products: number; readonly options?: Json },
) {
  const { url, shop, faults, close } = await startShopify({ products, name })
  t.after(close)
  const settings = { url, currency: 'AUD', minIntervalMs: 0 }
  const pipeline = await openPipeline(t, { db, storeRoot, name, connector: shopify, settings })
  if (options) await saveSource(db, (await pipeline.source()).id, { options })
  return { pipeline, shop, faults }
}

async function openMarketplace(t: Lifetime, { db, storeRoot }: ShelvesSetup) {
  const simulator = await startAmazon({})
  t.after(() => simulator.close())
  const pipeline = await openPipeline(t, {
    db,
    storeRoot,
    name: 'marketplace',
    connector: createAmazon(),
    settings: { ...settingsOf(simulator), requestsPerSecond: 10 },
    credentials: variablesOf(DEFAULTS.credential),
  })
  await pipeline.syncKeys(Array.from({ length: 12 }, (_, at) => toAsin(at)))
  return pipeline
}
