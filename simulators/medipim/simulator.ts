// MediPim's Australian API v4 as a real HTTP server: keys, rate limit, endpoints, faults. It was
// made from documents, never compared with the real one; what they leave open is a switch.

import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorResponse, sendBody } from '../support/body.ts'
import { createClock, type Clock } from '../support/clock.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { isLoopback, listen, pathOf, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createThrottle, type Limit } from '../support/throttle.ts'
import { ENDPOINTS, type Answer, type Api, type ApiSwitches } from './api.ts'
import { createCatalogue, type Catalogue } from './catalogue.ts'
import { control } from './control.ts'
import { MedipimFault, type MedipimFaultInput } from './faults.ts'
import { createFields, type Fields } from './fields.ts'
import { Refusal } from './violations.ts'

export interface ApiKey {
  readonly id: string
  readonly secret: string
  readonly disabled?: boolean
}

export interface Switches extends ApiSwitches {
  /** Compress for clients that accept it. Whether the supplier does is unknown. */
  readonly gzip: boolean
  /** Where the violations of a 422 stand: in the error object, or next to it. */
  readonly violations: 'inside' | 'beside'
  /** Whether a 429 says when to come back. Not documented. */
  readonly retryAfter: boolean
}

export interface RateLimit extends Limit {
  /** Which clock the window follows. */
  readonly clock: 'real' | 'simulated'
}

export interface MedipimOptions {
  /** 1 to 1,000,000. */
  readonly products: number
  readonly seed?: number
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Default: one key, `42:secret`. */
  readonly keys?: readonly ApiKey[]
  /** Epoch milliseconds at which the clock stands. Default 2026-01-15T16:00:00Z. */
  readonly startAtMs?: number
  /** Per key. Default: the documented 100 a minute; null for none. */
  readonly rateLimit?: RateLimit | null
  readonly switches?: Partial<Switches>
}

export interface MedipimSimulator {
  readonly url: string
  readonly port: number
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly fields: Fields
  readonly faults: FaultBook<MedipimFault, MedipimFaultInput>
  readonly stats: Stats
  setSwitches(switches: Partial<Switches>): void
  /** Adds a key, or changes the one with this id. */
  setKey(key: ApiKey): void
  /**
   * From now on every product stream is this file, byte by byte, whatever its filter; null: the
   * catalogue again.
   */
  setFeed(file: string | null): void
  close(): Promise<void>
}

const START_AT_MS = Date.UTC(2026, 0, 15, 16)
const AS_DOCUMENTED: RateLimit = { requests: 100, windowMs: 60_000, clock: 'real' }
const FEED_CHUNK_BYTES = 1_048_576
const SWITCHES: Switches = {
  updatedSince: 'inclusive',
  noSelectionFilter: false,
  queryTotal: 'real',
  beyondCap: 'error',
  gzip: false,
  violations: 'inside',
  retryAfter: false,
}

/** Listens on loopback until closed; closing drops the answers that are under way. */
export async function startMedipim(options: MedipimOptions): Promise<MedipimSimulator> {
  const {
    products,
    seed = 1,
    port = 0,
    keys = [{ id: '42', secret: 'secret' }],
    startAtMs = START_AT_MS,
  } = options
  const { rateLimit = AS_DOCUMENTED } = options
  const clock = createClock(startAtMs)
  const catalogue = createCatalogue(seed, products, clock)
  const fields = createFields()
  const faults = createFaultBook(MedipimFault)
  const stats = createStats()
  const keyring = new Map(keys.map((key) => [key.id, key]))
  const throttle =
    rateLimit && createThrottle(rateLimit, rateLimit.clock === 'real' ? Date.now : clock.nowMs)
  let switches: Switches = { ...SWITCHES, ...options.switches }
  let feed: string | null = null
  let answers = 0
  const api: Api = {
    catalogue,
    fields,
    switches: () => switches,
    nowSeconds: clock.nowSeconds,
    feed: () =>
      feed === null ? null : createReadStream(feed, { highWaterMark: FEED_CHUNK_BYTES }),
  }

  const route = (
    request: IncomingMessage,
    text: string,
    keyId: string | null,
    struck: readonly MedipimFault[],
  ): Answer => {
    if (keyId === null)
      throw new Refusal(401, 'authentication.not_authenticated', 'Authentication is required.')
    const waitMs = throttle?.take(keyId) ?? 0
    if (waitMs > 0) throw new TooMany(waitMs)
    const endpoint = ENDPOINTS[`${request.method} ${pathOf(request)}`]
    if (endpoint === undefined) throw new Refusal(404, 'not_found', 'There is no such endpoint.')
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    return endpoint(api, {
      text,
      parameters: searchParams,
      keyId,
      number: ++answers,
      faults: struck,
    })
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<number> => {
    const text = await readText(request)
    const keyId = callerOf(request, keyring)
    stats.asked(pathOf(request), {
      method: request.method ?? '',
      url: request.url ?? '',
      caller: keyId,
      body: readable(text),
    })
    const taken = faults.take(pathOf(request))
    if (await errorResponse(response, taken)) return 0
    try {
      const answer = route(request, text, keyId, taken.faults)
      const gzip = switches.gzip && (request.headers['accept-encoding'] ?? '').includes('gzip')
      return await sendAnswer(response, answer, taken, gzip)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refuse(response, error, switches)
      return 0
    }
  }

  const listening = await listen(
    async (request, response) => {
      if (pathOf(request).startsWith('/_control/')) {
        if (isLoopback(request)) await control(simulator, request, response)
        else sendJson(response, 403, { error: 'Control is for this machine only.' })
        return
      }
      const bytes = await serve(request, response)
      stats.answered(response.statusCode, bytes)
    },
    { port },
  )

  const simulator: MedipimSimulator = {
    url: listening.url,
    port: listening.port,
    clock,
    catalogue,
    fields,
    faults,
    stats,
    setSwitches: (changes) => void (switches = { ...switches, ...changes }),
    setKey: (key) => void keyring.set(key.id, key),
    setFeed: (file) => void (feed = file),
    close: listening.close,
  }
  return simulator
}

class TooMany extends Refusal {
  readonly waitMs: number

  constructor(waitMs: number) {
    super(429, 'too_many_requests', 'Too many requests.')
    this.waitMs = waitMs
  }
}

async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  taken: Taken<MedipimFault>,
  gzip: boolean,
): Promise<number> {
  if ('nothing' in answer) {
    response.writeHead(204).end()
    return 0
  }
  const [type, chunks] =
    'lines' in answer
      ? ['x-json-stream', answer.lines]
      : ['json', [Buffer.from(JSON.stringify(answer.json))]]
  return sendBody(response, chunks, {
    headers: { 'content-type': `application/${type}` },
    taken,
    gzip,
  })
}

function refuse(response: ServerResponse, refusal: Refusal, switches: Switches): void {
  const { status, code, message, violations } = refusal
  const error = { status, code, message }
  const waitSeconds =
    refusal instanceof TooMany && switches.retryAfter ? Math.ceil(refusal.waitMs / 1_000) : null
  const headers = waitSeconds === null ? {} : { 'retry-after': String(waitSeconds) }
  if (violations.length === 0) sendJson(response, status, { error }, headers)
  else
    sendJson(
      response,
      status,
      switches.violations === 'inside'
        ? { error: { ...error, violations } }
        : { error, violations },
    )
}

/** The id of the key that the request carries, if it is known, right and enabled. */
function callerOf(request: IncomingMessage, keys: ReadonlyMap<string, ApiKey>): string | null {
  const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'basic') return null
  const [id = '', ...secret] = Buffer.from(token, 'base64').toString().split(':')
  const key = keys.get(id)
  return key !== undefined && key.disabled !== true && key.secret === secret.join(':') ? id : null
}

function readable(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}
