// The Creators API on loopback: both token endpoints, getItems, the address of the retired PA-API
// 5.0, and `/_control/…` to change items and to set faults and switches.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { sendBody, sendFaultResponse } from '../support/body.ts'
import { handleControl, isControl, type Verbs } from '../support/control.ts'
import { createFaultBook, type FaultBook } from '../support/faults.ts'
import { createRandom } from '../support/random.ts'
import { listen, readPath, readText } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createThrottle, type Throttle } from '../support/throttle.ts'
import { refuse, RETIRED, type Answer } from './answers.ts'
import { AmazonFault, type AmazonFaultInput } from './faults.ts'
import { getItems, type State } from './get-items.ts'
import { makeItem, OFFERS, toAsin, type AmazonItem } from './product.ts'
import { DEFAULTS, type AmazonSwitches } from './switches.ts'
import { createTokens, type Tokens } from './tokens.ts'

export interface AmazonOptions extends AmazonSwitches {
  /** 0: a free port. */
  readonly port?: number
  readonly products?: number
  readonly seed?: number
  /** Epoch milliseconds, for tokens and quotas. */
  readonly now?: () => number
}

export interface AmazonSimulator {
  readonly url: string
  readonly items: ReadonlyMap<string, AmazonItem>
  readonly faults: FaultBook<AmazonFault, AmazonFaultInput>
  readonly stats: Stats
  readonly tokens: Tokens
  update(asin: string, changes: Partial<AmazonItem>): void
  set(switches: AmazonSwitches): void
  close(): Promise<void>
}

const A_DAY_MS = 86_400_000

const Change = z.strictObject({
  asin: z.string(),
  title: z.string().optional(),
  priceMinor: z.int().nonnegative().optional(),
  offer: z.enum(OFFERS).optional(),
})

const SWITCHES = Object.keys(DEFAULTS)
const Switches = z.record(
  z.string().refine((name) => SWITCHES.includes(name), `must be one of ${SWITCHES.join(', ')}`),
  z.json(),
)

/** @throws Error when the port is taken */
export async function startAmazon(options: AmazonOptions = {}): Promise<AmazonSimulator> {
  const { port = 0, products = 50, seed = 1, now = Date.now, ...given } = options
  let switches: Required<AmazonSwitches> = { ...DEFAULTS, ...given }
  const random = createRandom(seed)
  const items = new Map(
    Array.from({ length: products }, (_, index) => [toAsin(index), makeItem(index, random)]),
  )
  const faults = createFaultBook(AmazonFault)
  const stats = createStats()
  const tokens = createTokens(() => switches, now)
  const limit = (requests: number | null, windowMs: number): Throttle | null =>
    requests === null ? null : createThrottle({ requests, windowMs }, now)
  const limits = () => ({
    perSecond: limit(switches.perSecond, 1_000),
    perDay: limit(switches.perDay, A_DAY_MS),
  })
  let counters = limits()
  const simulator = {
    items,
    faults,
    stats,
    tokens,
    update(asin: string, changes: Partial<AmazonItem>) {
      const item = items.get(asin)
      if (item === undefined) throw new Error(`The marketplace has no item ${asin}`)
      Object.assign(item, changes)
    },
    set(changed: AmazonSwitches) {
      switches = { ...switches, ...changed }
      if ('perSecond' in changed || 'perDay' in changed) counters = limits()
    },
  }
  const verbs = createVerbs(simulator)
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      await respond(request, response, { switches, tokens, items, ...counters, faults, stats })
    },
    { port },
  )
  return { ...simulator, url, close }
}

function createVerbs({
  items,
  faults,
  stats,
  tokens,
  update,
  set,
}: Omit<AmazonSimulator, 'url' | 'close'>): Verbs {
  return {
    'GET stats': () => stats.snapshot(),
    'GET products': () => [...items.values()],
    'POST changes': (body) => {
      const { asin, ...changes } = Change.parse(body)
      update(asin, Object.fromEntries(Object.entries(changes)))
    },
    'POST switches': (body) => set(Switches.parse(body)),
    'POST tokens/revoke': () => tokens.revoke(),
    'POST faults': (body) => {
      faults.set(...([body].flat() as AmazonFaultInput[]))
      return faults.list()
    },
    'DELETE faults': () => {
      faults.clear()
      return faults.list()
    },
  }
}

interface Parts extends State {
  readonly faults: FaultBook<AmazonFault, AmazonFaultInput>
  readonly stats: Stats
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Parts,
): Promise<void> {
  const path = readPath(request)
  const text = await readText(request)
  const isGetItems = path === '/catalog/v1/getItems'
  const body = isGetItems ? parse(text) : null
  const first = isGetItems ? `/getItems?first=${readFirst(body)}` : path
  const note = { method: request.method ?? '', url: request.url ?? '', caller: null, body }
  parts.stats.recordRequest(path, note)
  const taken = parts.faults.take(first)
  if (await sendFaultResponse(response, taken)) {
    parts.stats.recordResponse(response.statusCode, 0)
    return
  }
  const answer = answerOf(request, path, text, parts)
  const bytes = await sendBody(response, [Buffer.from(JSON.stringify(answer.body))], {
    status: answer.status,
    headers: { 'content-type': 'application/json', ...answer.headers },
    taken,
  })
  parts.stats.recordResponse(response.statusCode, bytes)
}

function answerOf(request: IncomingMessage, path: string, text: string, parts: Parts): Answer {
  if (parts.switches.isRetired || path.startsWith('/paapi5/')) return RETIRED
  if (request.method !== 'POST') return refuse(404, 'UnknownOperation', { type: 'NotFound' })
  const token = parts.tokens.issue(path, request.headers['content-type'] ?? '', text)
  if (token !== null) return token
  if (path === '/catalog/v1/getItems') return getItems(request, text, parts)
  return refuse(400, 'UnknownOperation')
}

function readFirst(body: unknown): string {
  const ids: unknown = Object(body)['itemIds']
  return Array.isArray(ids) ? String(ids[0]) : ''
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
