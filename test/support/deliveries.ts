// The step that delivers changes, over a real Postgres and a receiver that may misbehave. Changes are
// published by SQL, as a run that settles publishes them.

import {
  startReceiver,
  type ReceiverFaultInput,
  type Receiver,
} from '../../simulators/webhooks/server.ts'
import { loadSettings } from '../../src/config/settings.ts'
import type { FeedKind } from '../../src/core/change-message.ts'
import type { Json } from '../../src/core/json.ts'
import type { Db } from '../../src/db/pool.ts'
import { listDeliveries, type Delivery } from '../../src/db/read/webhooks.ts'
import { addSource } from '../../src/db/sources.ts'
import { addWebhook, type NewWebhook } from '../../src/db/write/webhooks.ts'
import { deliver } from '../../src/downstream/deliver/deliver.ts'
import type { OpenStep } from '../../src/downstream/step.ts'
import { createAddressGuard, type Resolve } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import type { Lifetime } from './database.ts'

export const HOOK_SECRET = `whsec_${Buffer.from('the secret of the test receiver!').toString('base64')}`

export interface PublishedChange {
  readonly kind?: FeedKind
  readonly detail?: Readonly<Record<string, Json>>
  /** Default: now. */
  readonly daysAgo?: number
  /** The currency of the prices in `detail`. Default: EUR. */
  readonly currency?: string
  readonly expiresAt?: Date
}

export type Deliveries = Awaited<ReturnType<typeof openDeliveries>>

let sources = 0

/**
 * A receiver of webhooks and a source without changes. The tables of webhooks are empty. `resolve`: DNS.
 */
export async function openDeliveries(
  t: Lifetime,
  db: Db,
  env: Readonly<Record<string, string>> = {},
  resolve?: Resolve,
) {
  await db.query('truncate catalog.deliveries, catalog.rules, catalog.webhooks, catalog.limits')
  const receiver = await startReceiver({ secret: HOOK_SECRET })
  t.after(receiver.close)
  const logged: string[] = []
  const log = createLog({
    level: 'debug',
    destination: { write: (line) => void logged.push(line) },
    secrets: [],
  })
  const metrics = createMetrics()
  const settings = loadSettings({
    DATABASE_URL: 'postgres://unused',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    WEBHOOK_SECRET_ORDERS: HOOK_SECRET,
    ...env,
  })
  const http = createHttp({
    guard: createAddressGuard(settings.allowPrivateHosts, resolve),
    userAgent: settings.userAgent,
  })
  t.after(() => http.close())
  const redact = createRedactor(settings.secrets, settings.secrets)
  const options = { wait: () => Promise.resolve() }
  const open = (): OpenStep => {
    const step = deliver.open({ settings, db, log, metrics, redact, http, options })
    if (step === null) throw new Error('The step is off')
    return step
  }
  const source = `shop-${process.pid}-${++sources}`
  const { id } = await addSource(db, {
    name: source,
    connector: 'shopify',
    settings: {},
    schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' },
  })
  return {
    db,
    receiver,
    source,
    sourceId: id,
    metrics,
    logged,
    /** Sends single messages. */
    sender: { http, variables: settings.webhooks, redact },
    open,
    /** Adds a webhook that gets every change, unless the members differ. */
    add: (name: string, members: Partial<NewWebhook> = {}) =>
      addWebhook(db, {
        name,
        format: 'standard',
        url: `${receiver.url}/${name}`,
        getsChanges: true,
        sources: null,
        kinds: null,
        after: null,
        by: 'ada',
        ...members,
      }),
    /** Writes a product; the changes of one without a row have no title. */
    stock: (product: string, row: StockedProduct = {}) => stock(db, id, product, row),
    /** Publishes one change, and returns its position. */
    publish: (product: string, change: PublishedChange = {}) => publish(db, id, product, change),
    /** Works until nothing is due. */
    async work(step = open()): Promise<void> {
      while (await step.work(RUNNING));
    },
    /** Makes every waiting message due, as if all pauses were over. */
    async skipWaits(): Promise<void> {
      await db.query(
        `update catalog.deliveries set due_at = clock_timestamp() - interval '1 second'
         where due_at is not null`,
      )
      await db.query('update catalog.webhooks set paused_until = null')
      await db.query('delete from catalog.limits')
    },
    /** The messages of a webhook, the oldest first. */
    async list(name: string): Promise<readonly Delivery[]> {
      const page = await listDeliveries(db, { name, state: null }, { limit: 500 })
      return page.items.toReversed()
    },
    misbehave: (fault: ReceiverFaultInput) => receiver.faults.set(fault),
    /** The ids of the messages in the order in which they arrived at a path. */
    arrivals: (name: string) => listArrivals(receiver, name),
  }
}

const RUNNING = new AbortController().signal

interface Arrival {
  readonly id: string
  readonly product: string | null
  readonly status: number | null
}

function listArrivals({ received }: Receiver, name: string): Arrival[] {
  return received
    .filter(({ path }) => path === `/${name}`)
    .map(({ id, body, status }) => ({ id: id ?? '', product: productOf(body), status }))
}

function productOf(body: unknown): string | null {
  const { data } = body as { data?: { product?: string; change?: { product?: string } } }
  return data?.product ?? data?.change?.product ?? null
}

export interface StockedProduct {
  readonly title?: string
  readonly brand?: string
  readonly expiresAt?: Date
}

async function stock(
  db: Db,
  source: number,
  product: string,
  { title = product, brand, expiresAt }: StockedProduct,
): Promise<void> {
  await db.query(
    `insert into catalog.products (source_id, external_id, seq, status, title, brand, expires_at, first_seen_at,
       changed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash)
     select $1, $2, count(*), 'active', $3, $4, $5, now(), now(), 1, 0, 0, 1, '', ''
     from catalog.products where source_id = $1`,
    [source, product, title, brand ?? null, expiresAt ?? null],
  )
}

let runs = 1_000

async function publish(
  db: Db,
  source: number,
  product: string,
  { kind = 'updated', detail = {}, daysAgo = 0, currency = 'EUR', expiresAt }: PublishedChange,
): Promise<number> {
  const run = ++runs
  return db.transaction(async (client) => {
    const { rows } = await client.query<{ position: number }>(
      `insert into catalog.changes
         (source_id, run_id, product_external_id, kind, position, detail, changed_at, expires_at)
       select $1, $2, $3, $4, catalog.lock_feed() + 1, $5, clock_timestamp() - make_interval(days => $6), $7
       returning position::integer`,
      [source, run, product, kind, JSON.stringify(detail), daysAgo, expiresAt ?? null],
    )
    const position = rows[0]?.position ?? 0
    for (const [member, pair] of Object.entries(detail)) {
      const [, variant, type] = /^price:(.*):([^:]*)$/.exec(member) ?? []
      if (variant !== undefined && Array.isArray(pair))
        await client.query(
          `insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
             amount_minor, currency, state, observed_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, 'past', clock_timestamp() - make_interval(days => $8), $9)`,
          [source, product, variant, type, run, pair[1], currency, daysAgo, expiresAt ?? null],
        )
    }
    await client.query('select catalog.advance_feed($1)', [position])
    return position
  })
}
