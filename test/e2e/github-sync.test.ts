// The script of the sync workflow with small servers in place of the service: inputs that start
// nothing, responses that are not the service's, and runs that do not end.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Lifetime } from '../support/database.ts'
import { freePort } from '../support/processes.ts'
import { runSyncJob, SYNC_KEY } from './github-sync.ts'

interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const STARTED: Reply = { status: 202, body: { runs: [{ source: 'shop', run: 7, started: true }] } }
const NEVER_WAIT = { SYNC_RETRY_MINUTES: '0.0001', SYNC_POLL_SECONDS: '0.001' }

/** Replies to the requests in turn; the last reply repeats. A string is sent as HTML. */
async function serveReplies(
  t: Lifetime,
  ...replies: readonly Reply[]
): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const { status, body, headers } = replies[Math.min(requests.length, replies.length - 1)] ?? {
      status: 500,
      body: '',
    }
    requests.push(`${request.method} ${request.url} ${String(request.headers['x-admin-key'])}`)
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function runAs(state: string, errors: readonly object[] = []): Reply {
  const counts = { fetched: 9, applied: 8, inserted: 1, updated: 2, skipped: 5, removed: 0 }
  const progress = { phase: 'apply', total: null, held: 3, quarantined: 4, ...counts }
  const times = { startedAt: '2026-11-28T00:00:00.000Z', finishedAt: '2026-11-28T00:01:05.400Z' }
  return { status: 200, body: { state, ...times, progress, errors, removalsOff: null } }
}

test('inputs that are not valid are refused before any request', async (t) => {
  const { url, requests } = await serveReplies(t, STARTED)
  const wrong: (readonly [Record<string, string>, RegExp])[] = [
    [{ SYNC_OFFSET: '5' }, /choose the mode maintain-only/],
    [{ SYNC_MODE: 'full', SYNC_LIMIT: '5' }, /choose the mode maintain-only/],
    [{ SYNC_MODE: 'fetch-only', SYNC_OFFSET: '0' }, /choose the mode maintain-only/],
    [{ SYNC_MODE: 'half' }, /mode: expected auto, full, fetch-only, maintain-only/],
    [{ SYNC_CHUNK_SIZE: '0' }, /chunkSize: expected a whole number from 1/],
    [{ SYNC_MODE: 'maintain-only', SYNC_LIMIT: '1e3' }, /limit: expected a whole number from 1/],
    [{ MEDIPIM_ADMIN_KEY: ' ' }, /Add the secret MEDIPIM_ADMIN_KEY/],
    [{ SHELFSYNC_URL: '' }, /Add the variable SHELFSYNC_URL/],
    [{ SHELFSYNC_URL: 'http://shelf.example' }, /expected an https:\/\/ address/],
  ]
  const jobs = await Promise.all(wrong.map(([variables]) => runSyncJob(t, url, variables)))
  for (const [i, { code, output, summary }] of jobs.entries()) {
    const expected = wrong[i]?.[1] ?? /never/
    assert.equal(code, 1, output)
    assert.match(output, expected)
    assert.match(output, /^::error title=Shelfsync::/m)
    assert.match(summary, expected)
  }
  assert.deepEqual(requests, [])
})

test('a response that is not from the service ends the job with what to correct', async (t) => {
  const html = '<html>Sign in</html>'
  const cases: (readonly [Reply, RegExp])[] = [
    [{ status: 200, body: html }, /did not respond with JSON \(status 200, HTML\).*SHELFSYNC_URL/],
    [{ status: 404, body: html }, /did not respond with JSON \(status 404, HTML\)/],
    [{ status: 403, body: html }, /status 403.*firewall/],
    [{ status: 200, body: {} }, /is not the orchestrator/],
    [{ status: 200, body: { runs: [] } }, /is not the orchestrator/],
    [
      { status: 301, body: '', headers: { Location: 'https://other.example/sync' } },
      /redirects to https:\/\/other\.example\/sync/,
    ],
    [{ status: 503, body: html }, /not available \(status 503\)/],
    [
      {
        status: 400,
        body: { error: { message: `bad ${SYNC_KEY}\n::set-env::x`, hint: 'Mend it' } },
      },
      /refused the request \(status 400\)\. bad \*\*\* ::set-env::x\. Mend it/,
    ],
  ]
  const jobs = cases.map(async ([reply, expected]) => {
    const { url } = await serveReplies(t, reply)
    const { code, output, summary } = await runSyncJob(t, url, NEVER_WAIT)
    assert.equal(code, 1, output)
    assert.match(output, expected)
    assert.doesNotMatch(output + summary, new RegExp(SYNC_KEY))
    assert.doesNotMatch(output, /^::set-env/m)
  })
  await Promise.all(jobs)
})

test('an address without a server ends the job after the retries', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const { code, output } = await runSyncJob(t, url, NEVER_WAIT)
  assert.equal(code, 1)
  assert.ok(output.includes(`::${url} cannot be reached (ECONNREFUSED).`), output)
})

test('succeeded and partial are green, every other end of a run is red', async (t) => {
  const green = ['succeeded', 'partial']
  const red = ['held', 'failed', 'rejected', 'superseded', 'cancelled']
  const jobs = [...green, ...red].map(async (state) => {
    const { url } = await serveReplies(t, STARTED, runAs('running'), runAs(state))
    const { code, summary } = await runSyncJob(t, url)
    assert.equal(code, green.includes(state) ? 0 : 1, state)
    const cells = `| shop | 7 | ${green.includes(state) ? '✅' : '❌'} ${state} | 9 | 1 | 2 | 5 | 0 | 3 | 4 | 65 |`
    assert.ok(summary.includes(cells), summary)
  })
  await Promise.all(jobs)
})

test('an interrupted run may resume, and is red when it does not', async (t) => {
  const resumed = await serveReplies(
    t,
    STARTED,
    runAs('interrupted'),
    runAs('running'),
    runAs('succeeded'),
  )
  assert.equal((await runSyncJob(t, resumed.url)).code, 0)
  const { url } = await serveReplies(t, STARTED, runAs('interrupted'))
  const { code, output } = await runSyncJob(t, url, NEVER_WAIT)
  assert.deepEqual([code, /shop, run 7: interrupted/.test(output)], [1, true])
})

test('a fetched run is green only if nothing more was requested', async (t) => {
  const { url } = await serveReplies(t, STARTED, runAs('fetched'))
  assert.equal((await runSyncJob(t, url, { SYNC_MODE: 'fetch-only' })).code, 0)
  const full = await serveReplies(t, STARTED, runAs('fetched'))
  assert.equal((await runSyncJob(t, full.url, { ...NEVER_WAIT, SYNC_MODE: 'full' })).code, 1)
})

test('a run that does not end in time is red, and the summary says that it continues', async (t) => {
  const { url } = await serveReplies(t, STARTED, runAs('running'))
  const { code, summary } = await runSyncJob(t, url, { SYNC_TIMEOUT_MINUTES: '0.0001' })
  assert.equal(code, 1)
  assert.match(summary, /time-out.*It continues on the service/)
})

test('a source that could not start is red beside one that succeeded', async (t) => {
  const refused = { source: 'other', error: { code: 'run/no-artifact', message: 'no | artifact' } }
  const runs = [{ source: 'shop', run: 7, started: true }, refused]
  const { url } = await serveReplies(t, { status: 202, body: { runs } }, runAs('succeeded'))
  const { code, summary } = await runSyncJob(t, url)
  assert.equal(code, 1)
  assert.match(summary, /✅ succeeded/)
  assert.match(summary, /\| other \|.*❌ refused.*no \\\| artifact/)
})

test('an outage and an HTML page of a proxy while the run is watched are waited out', async (t) => {
  const { url, requests } = await serveReplies(
    t,
    { status: 502, body: '<html>' },
    STARTED,
    { status: 503, body: '<html>' },
    { status: 404, body: '<html>' },
    runAs('succeeded'),
  )
  assert.equal((await runSyncJob(t, url)).code, 0)
  assert.deepEqual(requests, [
    ...['POST /sync', 'POST /sync'].map((request) => `${request} ${SYNC_KEY}`),
    ...Array.from({ length: 3 }, () => `GET /runs/7 ${SYNC_KEY}`),
  ])
})
