// The step that stores images, over a real Postgres, a host of pictures, and Supabase Storage or
// ImageKit.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startImageKit, PRIVATE_KEY, type ImageKitSetup } from '../../simulators/imagekit/server.ts'
import { startImages } from '../../simulators/images/server.ts'
import { SECRET_KEY, startStorage } from '../../simulators/storage/server.ts'
import { loadSettings } from '../../src/config/settings.ts'
import type { Db } from '../../src/db/pool.ts'
import { addSource } from '../../src/db/sources.ts'
import { images } from '../../src/downstream/images/images.ts'
import type { OpenStep } from '../../src/downstream/step.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import type { Lifetime } from './database.ts'

export interface ImageRow {
  readonly product: string
  readonly position: number
  readonly state: string
  readonly sha256: string | null
  readonly cdn_url: string | null
}

/** Rates so high that no request waits. */
const AT_ONCE = 'images=999999/s'
const TABLES =
  'catalog.images, catalog.image_addresses, catalog.image_channels, catalog.blobs, catalog.limits, catalog.circuit_breakers'

let sources = 0

/** A host of pictures, and one source that lists them. The tables of images are empty, or kept. */
export async function openImages(
  t: Lifetime,
  db: Db,
  env: Readonly<Record<string, string>>,
  { keep = false } = {},
) {
  if (!keep) await db.query(`truncate ${TABLES}`)
  const host = await startImages()
  t.after(host.close)
  const logged: string[] = []
  const log = createLog({
    level: 'info',
    destination: { write: (line) => void logged.push(line) },
    secrets: [],
  })
  const metrics = createMetrics()
  const settings = loadSettings({
    DATABASE_URL: 'postgres://unused',
    ALLOW_PRIVATE_HOSTS: '127.0.0.1,localhost',
    REQUEST_RATES: AT_ONCE,
    ...env,
  })
  const http = createHttp({
    guard: createAddressGuard(settings.allowPrivateHosts),
    userAgent: settings.userAgent,
  })
  t.after(() => http.close())
  const open = (): OpenStep => {
    const redact = createRedactor(settings.secrets, settings.secrets)
    const options = { wait: () => Promise.resolve() }
    const step = images.open({ settings, db, log, metrics, redact, http, options })
    if (step === null) throw new Error('IMAGES is not set')
    return step
  }
  const source = `shop-${++sources}`
  const { id } = await addSource(db, {
    name: source,
    connector: 'shopify',
    settings: {},
    schedule: NEVER,
  })
  return {
    host,
    source,
    sourceId: id,
    metrics,
    logged,
    open,
    /** Lists the addresses as the images of one product, as a run that settles does. */
    async list(product: string, ...addresses: readonly string[]): Promise<void> {
      await db.query(
        'delete from catalog.images where source_id = $1 and product_external_id = $2',
        [id, product],
      )
      for (const [position, url] of addresses.entries())
        await db.query(
          `insert into catalog.images (source_id, product_external_id, position, url) values ($1, $2, $3, $4)`,
          [id, product, position, url.startsWith('/') ? host.url + url : url],
        )
    },
    /** Works until nothing is due. */
    async work(step = open()): Promise<void> {
      while (await step.work(RUNNING));
    },
    async rows(): Promise<ImageRow[]> {
      const { rows } = await db.query<ImageRow>(
        `select product_external_id as product, position, state, encode(sha256, 'hex') as sha256, cdn_url
         from catalog.images where source_id = $1 order by 1, 2`,
        [id],
      )
      return rows
    },
    /** The addresses that are not stored, as text. */
    async problems(): Promise<string[]> {
      const { rows } = await db.query<{ problem: string }>(
        `select concat_ws(' ', state, code, 'after', attempts) as problem
         from catalog.image_addresses where state <> 'stored' order by url`,
      )
      return rows.map(({ problem }) => problem)
    },
    /** Makes every address and channel due, as if all waits were over. */
    async skipWaits(): Promise<void> {
      await db.query('update catalog.image_addresses set due_at = now()')
      await db.query(
        'update catalog.image_channels set due_at = now(), paused_until = null, leased_until = null',
      )
      await db.query('delete from catalog.circuit_breakers')
      await db.query('delete from catalog.limits')
    },
    async count(table: string): Promise<number> {
      const { rows } = await db.query<{ count: number }>(
        `select count(*)::int as count from catalog.${table}`,
      )
      return rows[0]?.count ?? 0
    },
  }
}

const RUNNING = new AbortController().signal
const NEVER = { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' } as const

export async function openBucket(t: Lifetime) {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-images-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const storage = await startStorage({ folder })
  t.after(storage.close)
  const env = {
    IMAGES: 'supabase:images',
    SUPABASE_URL: storage.url,
    SUPABASE_SECRET_KEY: SECRET_KEY,
  }
  return { storage, env, names: () => storage.objects.list('images').map(({ name }) => name) }
}

export async function openImageKit(t: Lifetime, setup: ImageKitSetup = {}) {
  const imageKit = await startImageKit(setup)
  t.after(imageKit.close)
  const env = {
    IMAGES: 'imagekit:coffee',
    IMAGEKIT_PRIVATE_KEY: PRIVATE_KEY,
    IMAGEKIT_ENDPOINT: imageKit.url,
  }
  return { imageKit, env }
}
