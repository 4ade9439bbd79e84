// Starts a sync on a Shelfsync service, watches its runs to their end, and exits with 0 only if all
// of them ended well. `.github/workflows/sync.yml` runs it, and `deploy/fly/sync-once.ts` imports it.
// One file without packages, for Node 20 or newer; docs/deploy/github-actions.md lists its variables.
// @ts-check

import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** @typedef {Record<string, string | undefined>} Variables */
/** @typedef {{ url: string, key: string, timeoutMs: number, retryMs: number, pollMs: number, names: Names }} Service */
/** @typedef {{ url: string, key: string }} Names where the operator corrects the address and the key */
/** @typedef {{ mode: string, source?: string, chunkSize?: number, offset?: number, limit?: number, debug?: boolean }} SyncRequest */
/** @typedef {{ phase: string, total: number | null } & Record<Count, number>} Progress */
/** @typedef {'fetched' | 'applied' | 'inserted' | 'updated' | 'skipped' | 'removed' | 'held' | 'quarantined'} Count */
/** @typedef {{ state: string, startedAt: string, finishedAt: string | null, progress: Progress, errors: { message: string, hint: string | null }[], removalsOff: string | null }} Run */
/** @typedef {{ source: string, run: number | null, state: string, ok: boolean, reason: string, details: Run | null }} Result */
/** @typedef {{ source: string, run: number, started: boolean }} RequestedRun */
/** @typedef {{ source: string, error: { code: string | null, message: string } }} RefusedRun */

const REQUEST_MS = 30_000
/** States that a worker or a later task may still change. */
const OPEN_STATES = ['running', 'interrupted', 'fetched']
const MODES = ['auto', 'full', 'fetch-only', 'maintain-only']
const NUMBERS = /** @type {const} */ ({
  chunkSize: ['SYNC_CHUNK_SIZE', 1],
  offset: ['SYNC_OFFSET', 0],
  limit: ['SYNC_LIMIT', 1],
})
/** @type {readonly Count[]} */
const COUNTS = ['fetched', 'inserted', 'updated', 'skipped', 'removed', 'held', 'quarantined']

export class Problem extends Error {}
/** A problem that may end by itself. */
class Outage extends Problem {}

let hideKey = (/** @type {string} */ text) => text

/** @returns {Promise<number>} the exit code */
async function main() {
  try {
    const request = readRequest(process.env)
    const service = readService(process.env)
    const results = await sync(service, request)
    writeSummary(formatSummary(request, results))
    const failed = results.filter(({ ok }) => !ok)
    for (const { source, run, state, reason } of failed)
      printError(`${source}${run === null ? '' : `, run ${run}`}: ${state}. ${reason}`)
    return failed.length === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    printError(error.message)
    writeSummary(`### Shelfsync: not synced\n\n${toCell(error.message)}\n`)
    return 1
  }
}

/**
 * Reads the inputs of the workflow. An empty one is absent.
 *
 * @param {Variables} env
 * @returns {SyncRequest}
 */
function readRequest(env) {
  const mode = env['SYNC_MODE'] || 'auto'
  if (!MODES.includes(mode)) throw new Problem(`mode: expected ${MODES.join(', ')}`)
  /** @type {SyncRequest} */
  const request = { mode }
  if (env['SYNC_SOURCE']) request.source = env['SYNC_SOURCE'].trim()
  if (env['SYNC_DEBUG'] === 'true') request.debug = true
  for (const [name, [variable, min]] of Object.entries(NUMBERS)) {
    const text = env[variable]?.trim()
    if (!text) continue
    if (!/^\d{1,9}$/.test(text) || Number(text) < min)
      throw new Problem(`${name}: expected a whole number from ${min}`)
    request[/** @type {keyof typeof NUMBERS} */ (name)] = Number(text)
  }
  if (mode !== 'maintain-only' && (request.offset ?? request.limit) !== undefined)
    throw new Problem('offset and limit select archived lines: choose the mode maintain-only')
  return request
}

/** @type {(env: Variables) => Service} */
function readService(env) {
  const key = env['MEDIPIM_ADMIN_KEY']?.trim()
  if (!key) throw new Problem('Add the secret MEDIPIM_ADMIN_KEY to the repository or environment.')
  const text = env['SHELFSYNC_URL']?.trim().replace(/\/+$/, '')
  if (!text) throw new Problem('Add the variable SHELFSYNC_URL to the repository or environment.')
  if (!/^https:\/\/[^@\s]+$|^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/.test(text))
    throw new Problem(
      'SHELFSYNC_URL: expected an https:// address, because http sends the key unencrypted',
    )
  return {
    url: text,
    key,
    timeoutMs: 60_000 * Number(env['SYNC_TIMEOUT_MINUTES'] || 330),
    retryMs: 60_000 * Number(env['SYNC_RETRY_MINUTES'] || 10),
    pollMs: 1000 * Number(env['SYNC_POLL_SECONDS'] || 10),
    names: { url: 'the variable SHELFSYNC_URL', key: 'the secret MEDIPIM_ADMIN_KEY' },
  }
}

/** @type {(service: Service, request: SyncRequest) => Promise<Result[]>} */
export async function sync(service, request) {
  hideKey = (text) => text.replaceAll(service.key, '***')
  const deadlineMs = Date.now() + service.timeoutMs
  const { runs } = /** @type {{ runs?: (RequestedRun | RefusedRun)[] }} */ (
    await sendWithRetries(service, '/sync', request)
  )
  // Without a run, nothing would be red.
  if (!runs?.length)
    throw new Problem(`${service.url} is not the orchestrator of a Shelfsync service`)
  return Promise.all(
    runs.map(async (one) => {
      const { source } = one
      if ('error' in one) return toFailure({ source, state: 'refused' }, one.error.message)
      return watchRun({ service, request, deadlineMs }, one).catch((error) => {
        if (!(error instanceof Problem)) throw error
        return toFailure({ source, run: one.run, state: 'unknown' }, error.message)
      })
    }),
  )
}

/** @type {(result: { source: string, run?: number, state: string }, reason: string) => Result} */
function toFailure({ source, run, state }, reason) {
  return { source, run: run ?? null, state, ok: false, reason, details: null }
}

/**
 * Requests the run until its end, or until the time-out.
 *
 * @param {{ service: Service, request: SyncRequest, deadlineMs: number }} watch
 * @param {RequestedRun} requested
 * @returns {Promise<Result>}
 */
async function watchRun({ service, request, deadlineMs }, { source, run, started }) {
  print(`${source}: run ${run} ${started ? 'has started' : 'was already active'}`)
  let shown = ''
  let stalledAtMs = Infinity
  for (;;) {
    const details = /** @type {Run} */ (await sendWithRetries(service, `/runs/${run}`))
    const { state, progress } = details
    const line = `${source}: run ${run} is ${state}, ${progress.phase}, ${progress.applied} of ${progress.total ?? progress.fetched} lines`
    if (line !== shown) print((shown = line))
    const isFetched = state === 'fetched' && request.mode === 'fetch-only'
    // A restarted service resumes an interrupted run within a minute.
    stalledAtMs = state === 'running' ? Infinity : Math.min(stalledAtMs, Date.now())
    const isStalled = Date.now() - stalledAtMs >= service.retryMs
    if (!OPEN_STATES.includes(state) || isFetched || isStalled) {
      const ok = state === 'succeeded' || state === 'partial' || isFetched
      const error = details.errors[0]
      const reason = [error?.message, error?.hint, details.removalsOff].filter(Boolean).join('. ')
      return { source, run, state, ok, reason, details }
    }
    if (Date.now() >= deadlineMs) {
      const reason = `The run is ${state} after ${service.timeoutMs / 60_000} minutes. It continues on the service.`
      return { source, run, state: 'time-out', ok: false, reason, details }
    }
    await sleep(service.pollMs)
  }
}

/**
 * Repeats the request while the service is unavailable. Repeating `POST /sync` is safe: it returns
 * the same run.
 *
 * @param {Service} service
 * @param {string} path
 * @param {SyncRequest} [body]
 * @returns {Promise<object>}
 */
async function sendWithRetries(service, path, body) {
  const endMs = Date.now() + service.retryMs
  for (;;) {
    try {
      return await send(service, path, body)
    } catch (error) {
      if (!(error instanceof Outage) || Date.now() >= endMs) throw error
      print(`${error.message} Trying again.`)
      await sleep(service.pollMs)
    }
  }
}

/** @type {typeof sendWithRetries} */
async function send({ url, key, names }, path, body) {
  // A header is sent as Latin-1. The service reads its bytes as UTF-8.
  const header = Buffer.from(key).toString('latin1')
  const response = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { 'X-ADMIN-KEY': header, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : null,
    // fetch would send the key to another host.
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_MS),
  }).catch((error) => {
    throw new Outage(`${url} cannot be reached (${error.cause?.code ?? error.name}).`)
  })
  const { status } = response
  if (status >= 300 && status < 400)
    throw new Problem(
      `${url} redirects to ${response.headers.get('Location')}. Set ${names.url} to the final address.`,
    )
  const text = await response.text().catch(() => '')
  const json = parseObject(text)
  if (json && response.ok) return json
  throw explainResponse({ url, path, status, text, json, names })
}

/** @param {string} text */
function parseObject(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/** @param {{ url: string, path: string, status: number, text: string, json: any, names: Names }} response */
function explainResponse({ url, path, status, text, json, names }) {
  const { code = null, message = '', hint = '' } = json?.error ?? {}
  const said = [message, hint].filter(Boolean).join('. ')
  if (status === 401 || code === 'request/too-many-failures')
    return new Problem(
      `${url} refuses the key (status ${status}). Set ${names.key} to the value of SYNC_KEY or ADMIN_KEY of the service.`,
    )
  if (status === 403)
    return new Problem(
      `${url} forbids the request (status 403). ${said || 'A proxy or firewall in front of the service may block the runner.'}`,
    )
  if (status >= 500 || status === 429 || (json === null && path !== '/sync'))
    return new Outage(`${url} is not available (status ${status}). ${said}`.trimEnd())
  if (json === null)
    return new Problem(
      `${url}${path} did not respond with JSON (status ${status}, ${/^\s*</.test(text) ? 'HTML' : 'another format'}). Set ${names.url} to the address of the orchestrator, port 3003 by default.`,
    )
  if (code === 'run/active') return new Problem(`Another run is active (status 409). ${said}`)
  return new Problem(`${url}${path} refused the request (status ${status}). ${said}`)
}

/** @type {(request: SyncRequest, results: readonly Result[]) => string} */
function formatSummary({ mode }, results) {
  const rows = results.map(({ source, run, state, ok, reason, details }) => [
    source,
    run ?? '',
    `${ok ? '✅' : '❌'} ${state}`,
    ...COUNTS.map((name) => details?.progress[name] ?? ''),
    details ? secondsOf(details) : '',
    reason,
  ])
  const header = ['source', 'run', 'state', ...COUNTS, 'seconds', 'reason']
  const lines = [header, header.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map(toCell).join(' | ')} |`,
  )
  return `### Shelfsync: ${mode}\n\n${lines.join('\n')}\n`
}

/** @param {Run} run */
function secondsOf({ startedAt, finishedAt }) {
  const endMs = finishedAt === null ? Date.now() : Date.parse(finishedAt)
  return Math.round((endMs - Date.parse(startedAt)) / 1000)
}

/** @param {string | number} value */
function toCell(value) {
  return toOneLine(String(value)).replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

/**
 * A line break in a message would let the rest of it be a command of the runner.
 *
 * @param {string} text
 */
function toOneLine(text) {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** @param {string} text */
function print(text) {
  console.log(hideKey(toOneLine(text)))
}

/** @param {string} text */
function printError(text) {
  print(`::error title=Shelfsync::${text.replaceAll('%', '%25')}`)
}

/** @param {string} markdown */
function writeSummary(markdown) {
  const file = process.env['GITHUB_STEP_SUMMARY']
  if (file) appendFileSync(file, hideKey(markdown))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main()
