// Serves many shops in one process: each is a server with its own port, a latency, and faults. Each request
// is logged with the times of its beginning and its end. The responses come from one simulator of each
// platform, which renders each of them once.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../simulators/support/random.ts'
import { listen } from '../simulators/support/server.ts'
import { startShopify } from '../simulators/shopify/server.ts'
import { startWoocommerce } from '../simulators/woocommerce/server.ts'
import type { LoggedRequest } from './request-log.ts'

export interface ShopsOptions {
  readonly shopify: number
  readonly woocommerce: number
  readonly products: number
  readonly latencyMs: number
  /** The share of requests that fail. */
  readonly faults: number
}

export interface ServedShop {
  readonly platform: 'shopify' | 'woocommerce'
  readonly url: string
}

interface Rendered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body, cut where it contains the address of the simulator. */
  readonly pieces: readonly Buffer[]
}

type Renderer = (path: string) => Promise<Rendered>

const [json] = process.argv.slice(2)
if (json === undefined) throw new Error('usage: serve-shops.ts OPTIONS')
const options = JSON.parse(json) as ShopsOptions
const random = createRandom(1)
const log: LoggedRequest[] = []
const simulators = {
  shopify: await startShopify({ products: options.products }),
  woocommerce: await startWoocommerce({ products: options.products }),
}
const renderers = {
  shopify: createRenderer(simulators.shopify.url),
  woocommerce: createRenderer(simulators.woocommerce.url),
}
const shops: ServedShop[] = []
for (const platform of ['shopify', 'woocommerce'] as const)
  for (let index = 0; index < options[platform]; index++) {
    const shop = shops.length
    const { url } = await listen((request, response) => serve(shop, request, response))
    shops.push({ platform, url })
  }
process.send?.(shops)
process.on('message', () => process.send?.(log))
process.on('disconnect', () => process.exit())

async function serve(
  shop: number,
  { url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { platform, url: origin } = shops[shop] ?? { platform: 'shopify', url: '' }
  const entry = { shop, startedMs: performance.now(), endedMs: Number.NaN }
  log.push(entry)
  response.on('close', () => (entry.endedMs = performance.now()))
  await sleep(options.latencyMs)
  const { status, headers, pieces } = await renderers[platform](url)
  const body = joinPieces(pieces, origin)
  const fault = random.chance(options.faults) ? random.below(4) : null
  if (fault === 0) return void response.writeHead(503).end()
  if (fault === 1) return void response.writeHead(429, { 'retry-after': '1' }).end()
  if (fault === 2) return void response.destroy()
  response.writeHead(status, { ...headers, 'content-length': body.length })
  if (fault === null) response.end(body)
  else response.write(body.subarray(0, body.length / 2), () => response.destroy())
}

function createRenderer(url: string): Renderer {
  const rendered = new Map<string, Promise<Rendered>>()
  return (path) => {
    const known = rendered.get(path) ?? render(url, path)
    rendered.set(path, known)
    return known
  }
}

async function render(url: string, path: string): Promise<Rendered> {
  const response = await fetch(`${url}${path}`, { redirect: 'manual' })
  const text = await response.text()
  const kept = ['content-type', 'x-wp-total', 'x-wp-totalpages', 'link', 'powered-by']
  return {
    status: response.status,
    headers: Object.fromEntries(
      kept.flatMap((name) => {
        const value = response.headers.get(name)
        return value === null ? [] : [[name, value]]
      }),
    ),
    pieces: cutAtAddress(text, url),
  }
}

/** JSON may escape the slashes of an address. */
function cutAtAddress(text: string, url: string): Buffer[] {
  const host = url.replace('http://', '')
  return text.split(host).map((piece) => Buffer.from(piece))
}

function joinPieces(pieces: readonly Buffer[], origin: string): Buffer {
  const host = Buffer.from(origin.replace('http://', ''))
  return Buffer.concat(pieces.flatMap((piece, index) => (index === 0 ? [piece] : [host, piece])))
}
