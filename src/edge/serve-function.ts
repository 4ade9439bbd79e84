// The parts that all edge functions share: method, key, body, errors, correlation id, log and time.
// A response to an error has the form that the orchestrator's have.

import './node-globals.ts'
import { checkValue, formatProblems } from '../core/check-value.ts'
import { listSecrets } from '../core/credentials.ts'
import { toErrorResponse } from '../core/error-response.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { DataApi } from '../db/data-api.ts'
import { toSyncError } from '../db/errors.ts'
import { readRequestText } from '../lib/read-request-text.ts'
import { redactJson } from '../telemetry/redact-json.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import { authenticate } from './authenticate.ts'
import { readEnvironment, readCredentials, type ReadVariable } from './environment.ts'
import type { EdgeFunction, EdgeResult, EdgeTools } from './function.ts'
import { createJsonLog, LineBudget, writeLeftOut, type JsonLogOptions } from './json-log.ts'

export interface EdgeHost {
  readonly read: ReadVariable
  /** Writes one line to the log of the function. */
  readonly write: (line: string) => void
  readonly now?: () => number
}

/** Enough for a list of keys; no function reads a product from its body. */
const BODY_BYTES_MAX = 16 * 1024
/** From the last batch that is begun to the abort of one that is still in progress. */
const GRACE_MS = 20_000
const CORRELATION_ID = /^[\w.:-]{1,100}$/

/** Hints that differ from those of the services, which have other keys. */
const HINTS: { readonly [Code in ErrorCode]?: string } = {
  'request/unauthorized':
    'Send a secret key of the project (sb_secret_…) in the header apikey. The schedule sends the secret CRON_TOKEN in the header x-cron-token.',
  'request/forbidden':
    'Send a secret key (sb_secret_…) instead, from a server: never from a browser or an app.',
  'request/invalid':
    'Correct what the message names. docs/deploy/supabase.md lists what each function takes.',
}

/** Returns the handler of a function. All requests of the process share its limit of log lines. */
export function serveFunction<Body>(
  fn: EdgeFunction<Body>,
  { read, write, now = Date.now }: EdgeHost,
): (request: Request) => Promise<Response> {
  const budget = new LineBudget(now)
  return async (request) => {
    const given = request.headers.get('x-correlation-id') ?? ''
    const cid = CORRELATION_ID.test(given) ? given : crypto.randomUUID()
    const facts = { cid, function: fn.name }
    const secrets = listAllSecrets(fn, read)
    let redact = createRedactor(secrets)
    const hide = (more: readonly string[]): void => {
      secrets.push(...more)
      redact = createRedactor(secrets)
    }
    const options: JsonLogOptions = { write, redact: (text) => redact(text), budget, now }
    const log = createJsonLog(options, facts)
    const startedMs = now()
    const result = await respond(fn, request, { read, log, correlationId: cid, secrets, hide, now })
    const { status } = result
    log.info({ method: request.method, status, ms: now() - startedMs }, 'request')
    writeLeftOut(options, facts)
    return toResponse(result, cid, options.redact)
  }
}

type Invocation = Pick<EdgeTools, 'read' | 'log' | 'correlationId' | 'secrets' | 'hide'>

/** Never throws: an error becomes its response. */
async function respond<Body>(
  fn: EdgeFunction<Body>,
  request: Request,
  { now, ...invocation }: Invocation & { readonly now: () => number },
): Promise<EdgeResult> {
  try {
    if (request.method !== fn.method)
      throw new SyncError('request/wrong-method', `${fn.name} takes ${fn.method} only`)
    const environment = readEnvironment(invocation.read)
    authenticate(environment, request.headers, fn.allowsCron)
    const body = await readRequest(fn, request)
    const { url, secretKeys, workMs } = environment
    const { secrets } = invocation
    const db = new DataApi({ url, secretKey: secretKeys[0], secrets })
    const untilMs = now() + workMs
    const signal = AbortSignal.timeout(workMs + GRACE_MS)
    return await fn.handle(body, { ...invocation, environment, db, untilMs, signal })
  } catch (thrown) {
    return toFailure(thrown, invocation)
  }
}

/** @throws SyncError `request/too-large` · `request/not-json` · `request/invalid` */
async function readRequest<Body>(
  { name, method, body: schema }: EdgeFunction<Body>,
  request: Request,
): Promise<Body> {
  const text = method === 'GET' ? '' : await readRequestText(request, BODY_BYTES_MAX)
  const { data, problems } = checkValue(schema, text === '' ? {} : parseJson(text))
  if (problems === null) return data
  throw new SyncError('request/invalid', `The body of ${name}: ${formatProblems(problems)}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyncError('request/not-json', 'The body is not JSON')
  }
}

function toFailure(thrown: unknown, { log, correlationId }: Invocation): EdgeResult {
  const error = toSyncError(thrown)
  if (error instanceof SyncError)
    log.warn({ code: error.code, cause: error.message }, 'the request failed')
  else log.error({ err: error }, 'internal error')
  return toErrorResponse(error, correlationId, HINTS)
}

function toResponse(
  { status, headers, body }: EdgeResult,
  correlationId: string,
  redact: Redactor,
): Response {
  return new Response(redactJson(body, redact), {
    status,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-correlation-id': correlationId,
    },
  })
}

/** The keys of the project and those of the supplier, as far as they are set. */
function listAllSecrets(
  { connector }: Pick<EdgeFunction, 'connector'>,
  read: ReadVariable,
): string[] {
  const names = ['SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY', 'CRON_TOKEN']
  const own = names.map((name) => read(name) ?? '').filter((value) => value !== '')
  const secretKeys = [...(read('SUPABASE_SECRET_KEYS') ?? '').matchAll(/sb_[\w-]+/g)].map(String)
  const supplier = listSecrets([connector.credentials], readCredentials(connector, null, read))
  return [...own, ...secretKeys, ...supplier]
}
