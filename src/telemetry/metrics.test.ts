import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parseExposition, listSeries } from '../../test/support/exposition.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import type { Metric } from './metric.ts'
import { METRICS } from './metrics-table.ts'
import { countRequests, createMetrics, type Reading } from './metrics.ts'

const reviews = (source: string, value: number): Reading => ({
  name: 'shelfsync_open_reviews',
  labels: { source },
  value,
})

test('every metric name has a noun and a unit, and every help text is a sentence', () => {
  for (const [name, { type, labels, help, buckets = [] }] of Object.entries<Metric>(METRICS)) {
    assert.match(name, /^shelfsync_[a-z]+(_[a-z]+)+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    assert.match(help, /^[A-Z][^\\\n]+\.$/, name)
    for (const label of Object.keys(labels))
      assert.doesNotMatch(label, /^(id|url|run|product|host|le)$/, name)
    assert.equal(buckets.length > 0, type === 'histogram', name)
    assert.deepEqual(
      buckets,
      [...buckets].sort((a, b) => a - b),
      name,
    )
  }
})

test('counters, histograms and gauges are exported for Prometheus, with the metrics of Node', async () => {
  const metrics = createMetrics()
  metrics.count('shelfsync_auth_failures_total', { reason: 'wrong' })
  metrics.count('shelfsync_auth_failures_total', { reason: 'wrong' }, 2)
  metrics.count('shelfsync_leases_lost_total', {})
  metrics.observe('shelfsync_source_request_duration_seconds', { connector: 'medipim' }, 2)
  metrics.set('shelfsync_database_connections', { state: 'idle' }, 3)
  const text = await metrics.text()
  const values = parseExposition(text)
  assert.deepEqual(listSeries(text, 'shelfsync_auth_failures_total'), {
    'reason="missing"': 0,
    'reason="wrong"': 3,
    'reason="limited"': 0,
  })
  assert.equal(values.get('shelfsync_leases_lost_total'), 1)
  assert.equal(
    values.get('shelfsync_source_request_duration_seconds_bucket{connector="medipim",le="1"}'),
    0,
  )
  assert.equal(
    values.get('shelfsync_source_request_duration_seconds_bucket{connector="medipim",le="5"}'),
    1,
  )
  assert.equal(values.get('shelfsync_database_connections{state="idle"}'), 3)
  assert.equal(Object.values(listSeries(text, 'shelfsync_build_info'))[0], 1)
  assert.ok((values.get('process_resident_memory_bytes') ?? 0) > 1e6)
})

test('a name, a label or a value outside the table does not compile', () => {
  const metrics = createMetrics()
  const wrong = [
    // @ts-expect-error -- the metric does not exist
    () => metrics.count('shelfsync_wishes_total', {}),
    // @ts-expect-error -- the label does not exist
    () => metrics.count('shelfsync_leases_lost_total', { run: '7' }),
    // @ts-expect-error -- the label is missing
    () => metrics.count('shelfsync_auth_failures_total', {}),
    // @ts-expect-error -- the value is not in the table
    () => metrics.count('shelfsync_auth_failures_total', { reason: 'rainy' }),
    // @ts-expect-error -- a gauge is not a counter
    () => metrics.count('shelfsync_database_connections', { state: 'idle' }),
    // @ts-expect-error -- the metric has scope system
    () => metrics.set('shelfsync_open_reviews', { source: 'shop' }, 1),
  ]
  assert.equal(wrong.length, 6)
})

test('a gauge with a function is evaluated at every request', async () => {
  const metrics = createMetrics()
  let busy = 1
  metrics.set('shelfsync_database_connections', { state: 'busy' }, () => busy)
  assert.deepEqual(listSeries(await metrics.text(), 'shelfsync_database_connections'), {
    'state="busy"': 1,
  })
  busy = 4
  assert.deepEqual(listSeries(await metrics.text(), 'shelfsync_database_connections'), {
    'state="busy"': 4,
  })
})

test('two instances share no series', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.count('shelfsync_leases_lost_total', {})
  assert.deepEqual(listSeries(await other.text(), 'shelfsync_leases_lost_total'), { '': 0 })
})

test('a label value outside the table is exported as other, so no address or secret appears', async () => {
  const metrics = createMetrics()
  for (const connector of [
    'https://shop.example/?token=hunter2',
    'Bearer hunter2',
    'a"b',
    'a\nb',
    '',
    'x'.repeat(64),
  ]) {
    metrics.count('shelfsync_limit_wait_seconds_total', { connector })
  }
  metrics.collect({ name: 'odd', read: async () => [reviews('user:hunter2@host', 1)] })
  const text = await metrics.text()
  assert.deepEqual(listSeries(text, 'shelfsync_limit_wait_seconds_total'), {
    'connector="other"': 6,
  })
  assert.deepEqual(listSeries(text, 'shelfsync_open_reviews'), { 'source="other"': 1 })
  assert.doesNotMatch(text, /hunter2/)
})

test('the buckets of a collected histogram are cumulative', async () => {
  const metrics = createMetrics()
  const labels = { source: 'shop', state: 'succeeded' } as const
  const counts = [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  metrics.collect({
    name: 'database',
    read: async () => [
      { name: 'shelfsync_run_duration_seconds', labels, value: { counts, sum: 20_050 } },
    ],
  })
  const text = await metrics.text()
  const buckets = Object.entries(listSeries(text, 'shelfsync_run_duration_seconds_bucket')).map(
    ([series, value]) => [/le="(.+?)"/.exec(series)?.[1], value],
  )
  assert.deepEqual(buckets.slice(0, 4), [
    ['1', 0],
    ['5', 2],
    ['15', 2],
    ['60', 3],
  ])
  assert.deepEqual(buckets.slice(-2), [
    ['14400', 3],
    ['+Inf', 4],
  ])
  assert.equal(
    parseExposition(text).get(
      'shelfsync_run_duration_seconds_count{source="shop",state="succeeded"}',
    ),
    4,
  )
  assert.equal(
    parseExposition(text).get(
      'shelfsync_run_duration_seconds_sum{source="shop",state="succeeded"}',
    ),
    20_050,
  )
})

test('concurrent requests share one read, and requests soon after get the same result', async () => {
  let now = 0
  let readings = 0
  const metrics = createMetrics({ nowMs: () => now })
  metrics.collect({
    name: 'database',
    everyMs: 1000,
    read: async () => [reviews('shop', ++readings)],
  })
  const shown = async () =>
    listSeries(await metrics.text(), 'shelfsync_open_reviews')['source="shop"']
  assert.deepEqual(await Promise.all([shown(), shown(), shown()]), [1, 1, 1])
  now = 999
  assert.equal(await shown(), 1)
  now = 1000
  assert.equal(await shown(), 2)
})

test('the series of a failed collector are absent, the failure is counted, and other collectors are not affected', async () => {
  let now = 0
  let broken = false
  const failures: string[] = []
  const metrics = createMetrics({
    nowMs: () => now,
    onFailure: (collector, error) => failures.push(`${collector}: ${String(error)}`),
  })
  const wal: Reading = { name: 'shelfsync_database_wal_bytes_total', labels: {}, value: 7 }
  metrics.collect({
    name: 'database',
    read: async () =>
      broken ? Promise.reject(new Error('the server is gone')) : [reviews('shop', 1)],
  })
  metrics.collect({ name: 'other', read: async () => [wal] })
  const before = await metrics.text()
  assert.deepEqual(listSeries(before, 'shelfsync_open_reviews'), { 'source="shop"': 1 })
  assert.deepEqual(listSeries(before, 'shelfsync_collect_failures_total'), {
    'collector="database"': 0,
    'collector="other"': 0,
  })
  broken = true
  now = 60_000
  const during = await metrics.text()
  assert.doesNotMatch(during, /shelfsync_open_reviews/)
  assert.deepEqual(listSeries(during, 'shelfsync_collect_failures_total'), {
    'collector="database"': 1,
    'collector="other"': 0,
  })
  assert.equal(parseExposition(during).get('shelfsync_database_wal_bytes_total'), 7)
  assert.deepEqual(failures, ['database: Error: the server is gone'])
  broken = false
  now = 120_000
  assert.deepEqual(listSeries(await metrics.text(), 'shelfsync_open_reviews'), {
    'source="shop"': 1,
  })
})

test('a collector that hangs times out, and does not start again before it ends', async () => {
  let begun = 0
  const { promise, resolve } = Promise.withResolvers<Reading[]>()
  const metrics = createMetrics()
  metrics.collect({
    name: 'database',
    everyMs: 0,
    timeoutMs: 1,
    read: () => (begun++ === 0 ? promise : Promise.resolve([reviews('shop', begun)])),
  })
  for (const failures of [1, 2]) {
    const text = await metrics.text()
    assert.doesNotMatch(text, /shelfsync_open_reviews/)
    assert.deepEqual(listSeries(text, 'shelfsync_collect_failures_total'), {
      'collector="database"': failures,
    })
  }
  assert.equal(begun, 1)
  resolve([])
  await promise
  assert.deepEqual(listSeries(await metrics.text(), 'shelfsync_open_reviews'), {
    'source="shop"': 2,
  })
})

test('requests to suppliers are counted by their result', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/cut')
      return void response
        .writeHead(200, { 'content-length': '9' })
        .write('half', () => response.destroy())
    response.writeHead(Number(request.url?.slice(1)), { location: '/200' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const metrics = createMetrics()
  const http = createHttp({
    guard: createAddressGuard(['127.0.0.1']),
    userAgent: 'test',
    onRequest: countRequests(metrics, 'medipim'),
  })
  t.after(async () => {
    await http.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const stop = new AbortController()
  for (const path of ['200', '302', '404', '429', '503', 'cut']) {
    const { body } = await http({ url: `http://127.0.0.1:${port}/${path}` }, stop.signal)
    await Array.fromAsync(body).catch(() => undefined)
  }
  const text = await metrics.text()
  assert.deepEqual(listSeries(text, 'shelfsync_source_requests_total'), {
    'connector="medipim",result="ok"': 3,
    'connector="medipim",result="refused"': 1,
    'connector="medipim",result="rate_limited"': 1,
    'connector="medipim",result="unavailable"': 1,
    'connector="medipim",result="failed"': 1,
  })
  assert.equal(
    parseExposition(text).get(
      'shelfsync_source_request_duration_seconds_count{connector="medipim"}',
    ),
    7,
  )
})
