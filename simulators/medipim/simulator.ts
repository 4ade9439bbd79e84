// MediPim's Australian API v4 as an HTTP server: keys, rate limit, endpoints and faults. It follows
// the documentation and was not compared with the real API; undocumented behaviour is a switch.

import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendFaultResponse, sendBody } from '../support/body.ts'
import { createClock, type Clock } from '../support/clock.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { handleControl, isControl } from '../support/control.ts'
import { listen, readPath, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { createThrottle, type Limit, type Throttle } from '../support/throttle.ts'
import { ENDPOINTS, type Result, type Api, type ApiSwitches } from './api.ts'
import { createCatalogue, type Catalogue } from './catalogue.ts'
import { createVerbs } from './control.ts'
import { MedipimFault, type MedipimFaultInput } from './faults.ts'
import { createFields, type Fields } from './fields.ts'
import { Refusal } from './violations.ts'

export interface ApiKey {
  readonly id: string
  readonly secret: string
  readonly disabled?: boolean
}

export interface Switches extends ApiSwitches {
  /** Compresses for clients that accept it. Unknown for the real API. */
  readonly gzip: boolean
  /** Place of the violations of a 422: inside the error object or beside it. */
  readonly violations: 'inside' | 'beside'
  /** Adds Retry-After to a 429. Not documented. */
  readonly retryAfter: boolean
}

export interface RateLimit extends Limit {
  /** Clock of the window. */
  readonly clock: 'real' | 'simulated'
}

export interface MedipimOptions {
  /** 1 to 1,000,000. */
  readonly products: number
  readonly seed?: number
  /** Default 0: a free port. */
  readonly port?: number
  /** Default: one key, `42:secret`. */
  readonly keys?: readonly ApiKey[]
  /** Start of the clock in epoch milliseconds. Default 2026-01-15T16:00:00Z. */
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
  /** Adds a key or replaces the one with this id. */
  setKey(key: ApiKey): void
  /** Sends this file for every product stream, for any filter. Null: the catalogue. */
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

/** Listens on loopback until it is closed, which also ends responses in progress. */
export async function startMedipim(options: MedipimOptions): Promise<MedipimSimulator> {
  const state = createState(options)
  const listening = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, createVerbs(simulator))
      const bytes = await serve(state, request, response)
      state.stats.recordResponse(response.statusCode, bytes)
    },
    { port: options.port ?? 0 },
  )
  const { clock, fields, faults, stats, keys } = state
  const simulator: MedipimSimulator = {
    url: listening.url,
    port: listening.port,
    clock,
    catalogue: state.api.catalogue,
    fields,
    faults,
    stats,
    setSwitches: (changes) => void (state.switches = { ...state.switches, ...changes }),
    setKey: (key) => void keys.set(key.id, key),
    setFeed: (file) => void (state.feed = file),
    close: listening.close,
  }
  return simulator
}

interface State {
  readonly api: Api
  readonly clock: Clock
  readonly fields: Fields
  readonly faults: FaultBook<MedipimFault, MedipimFaultInput>
  readonly stats: Stats
  readonly keys: Map<string, ApiKey>
  readonly throttle: Throttle | null
  switches: Switches
  feed: string | null
  responses: number
}

function createState(options: MedipimOptions): State {
  const { rateLimit = AS_DOCUMENTED, keys = [{ id: '42', secret: 'secret' }] } = options
  const clock = createClock(options.startAtMs ?? START_AT_MS)
  const fields = createFields()
  const state: State = {
    api: {
      catalogue: createCatalogue(options.seed ?? 1, options.products, clock),
      fields,
      switches: () => state.switches,
      nowSeconds: clock.nowSeconds,
      feed: () =>
        state.feed === null
          ? null
          : createReadStream(state.feed, { highWaterMark: FEED_CHUNK_BYTES }),
    },
    clock,
    fields,
    faults: createFaultBook(MedipimFault),
    stats: createStats(),
    keys: new Map(keys.map((key) => [key.id, key])),
    throttle:
      rateLimit && createThrottle(rateLimit, rateLimit.clock === 'real' ? Date.now : clock.nowMs),
    switches: { ...SWITCHES, ...options.switches },
    feed: null,
    responses: 0,
  }
  return state
}

/** Returns the size of the response's body. */
async function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const text = await readText(request)
  const path = readPath(request)
  const keyId = findCaller(request, state.keys)
  state.stats.recordRequest(path, {
    method: request.method ?? '',
    url: request.url ?? '',
    caller: keyId,
    body: parseBodyOrText(text),
  })
  const taken = state.faults.take(path)
  if (await sendFaultResponse(response, taken)) return 0
  try {
    const result = route(state, request, { text, keyId, faults: taken.faults })
    const gzip = state.switches.gzip && (request.headers['accept-encoding'] ?? '').includes('gzip')
    return await sendResult(response, result, taken, gzip)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    sendRefusal(response, error, state.switches)
    return 0
  }
}

interface Received {
  readonly text: string
  readonly keyId: string | null
  readonly faults: readonly MedipimFault[]
}

/** @throws Refusal */
function route(state: State, request: IncomingMessage, { text, keyId, faults }: Received): Result {
  if (keyId === null)
    throw new Refusal(401, 'authentication.not_authenticated', 'Authentication is required.')
  const waitMs = state.throttle?.take(keyId) ?? 0
  if (waitMs > 0) throw new TooManyRequests(waitMs)
  const endpoint = ENDPOINTS[`${request.method} ${readPath(request)}`]
  if (endpoint === undefined) throw new Refusal(404, 'not_found', 'The endpoint does not exist.')
  const parameters = new URL(request.url ?? '/', 'http://localhost').searchParams
  return endpoint(state.api, { text, parameters, keyId, number: ++state.responses, faults })
}

class TooManyRequests extends Refusal {
  readonly waitMs: number

  constructor(waitMs: number) {
    super(429, 'too_many_requests', 'Too many requests.')
    this.waitMs = waitMs
  }
}

async function sendResult(
  response: ServerResponse,
  result: Result,
  taken: Taken<MedipimFault>,
  gzip: boolean,
): Promise<number> {
  if ('nothing' in result) {
    response.writeHead(204).end()
    return 0
  }
  const [type, chunks] =
    'lines' in result
      ? ['x-json-stream', result.lines]
      : ['json', [Buffer.from(JSON.stringify(result.json))]]
  return sendBody(response, chunks, {
    headers: { 'content-type': `application/${type}` },
    taken,
    gzip,
  })
}

function sendRefusal(response: ServerResponse, refusal: Refusal, switches: Switches): void {
  const { status, code, message, violations } = refusal
  const error = { status, code, message }
  const waitSeconds =
    refusal instanceof TooManyRequests && switches.retryAfter
      ? Math.ceil(refusal.waitMs / 1_000)
      : null
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

/** Returns the id of the request's key if it is known, correct and enabled. */
function findCaller(request: IncomingMessage, keys: ReadonlyMap<string, ApiKey>): string | null {
  const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'basic') return null
  const [id = '', ...secret] = Buffer.from(token, 'base64').toString().split(':')
  const key = keys.get(id)
  return key !== undefined && key.disabled !== true && key.secret === secret.join(':') ? id : null
}

function parseBodyOrText(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}
