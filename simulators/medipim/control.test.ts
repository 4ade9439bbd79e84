// Changes of the simulator over HTTP, as a test in another process or a person with curl makes
// them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MedipimSimulator } from './simulator.ts'
import { send, EVERYTHING, readStream, startFor } from './test-client.ts'

async function tell(
  simulator: MedipimSimulator,
  verb: string,
  body?: object,
  method = 'POST',
): Promise<Record<string, unknown>> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${simulator.url}/_control/${verb}`, { method, ...sent })
  return { status: response.status, ...(await response.json()) }
}

test('every mutation works over HTTP and returns the changed ids', async (t) => {
  const simulator = await startFor(t)
  const { now } = await tell(simulator, 'clock', {
    set: '2026-02-01T00:00:00Z',
    advanceSeconds: 30,
  })
  assert.equal(now, '2026-02-01T00:00:30.000Z')
  const [id = '', other = ''] = simulator.catalogue.touch({ count: 2 })
  const told = await tell(simulator, 'update', { select: [id], patch: { name: { en: 'Told' } } })
  assert.deepEqual(told, { status: 200, count: 1, ids: [id] })
  assert.deepEqual(await tell(simulator, 'price', { select: [id], cents: 820 }), {
    status: 200,
    count: 1,
    ids: [id],
  })
  assert.deepEqual((await tell(simulator, 'price', { select: [id], factor: 2 })).count, 1)
  assert.deepEqual((await tell(simulator, 'deactivate', { select: [id] })).ids, [id])
  const seen = (await readStream(simulator, { filter: { id }, sorting: { id: 'ASC' } }))[0]?.result
  assert.deepEqual(
    [seen?.name, seen?.publicPrice, seen?.status],
    [{ en: 'Told' }, 1_640, 'inactive'],
  )
  assert.equal(seen?.meta.updatedAt, Date.UTC(2026, 1, 1) / 1_000 + 30)
  assert.equal((await tell(simulator, 'activate', { select: [id] })).count, 1)
  assert.equal((await tell(simulator, 'replace', { select: [other], successor: id })).count, 1)
  assert.equal(
    (await readStream(simulator, { filter: { id: other }, sorting: { id: 'ASC' } }))[0]?.result
      .replacement,
    id,
  )
  assert.equal((await tell(simulator, 'remove', { select: [id] })).count, 1)
  assert.equal((await readStream(simulator)).length, 39)
  assert.deepEqual((await tell(simulator, 'restore', { select: 'all' })).ids, [id])
  assert.equal((await tell(simulator, 'add', { count: 5 })).count, 5)
  assert.equal((await tell(simulator, 'touch', { select: 'all' })).count, 45)
  assert.equal((await readStream(simulator)).length, 45)
})

test('faults, fields, switches and keys can be set over HTTP', async (t) => {
  const simulator = await startFor(t)
  await tell(simulator, 'faults', [
    { kind: 'cut', afterLines: 2 },
    { kind: 'product', change: 'no-id', times: null },
  ])
  assert.equal((await readStream(simulator)).length, 2)
  assert.equal(((await tell(simulator, 'faults', undefined, 'GET')).faults as unknown[]).length, 1)
  await tell(simulator, 'faults', undefined, 'DELETE')
  assert.deepEqual((await tell(simulator, 'faults', undefined, 'GET')).faults, [])
  await tell(simulator, 'fields', { add: ['scheduleCode'], remove: ['vat'] })
  assert.ok(simulator.fields.list().some(({ code }) => code === 'scheduleCode'))
  await tell(simulator, 'switches', { gzip: true })
  assert.equal(
    (await send(simulator, '/v4/products/stream', EVERYTHING)).headers.get('content-encoding'),
    'gzip',
  )
  await tell(simulator, 'keys', { id: '42', secret: 'secret', disabled: true })
  assert.equal((await send(simulator, '/v4/products/stream', EVERYTHING)).status, 401)
})

test('statistics contain the requests without secrets', async (t) => {
  const simulator = await startFor(t)
  await readStream(simulator)
  await send(simulator, '/v4/products/stream', EVERYTHING, '42:wrong-secret')
  const { requests, responses, bytesSent, last } = await tell(simulator, 'stats', undefined, 'GET')
  assert.deepEqual([requests, responses], [{ '/v4/products/stream': 2 }, { 200: 1, 401: 1 }])
  assert.ok(Number(bytesSent) > 40_000)
  assert.deepEqual((last as object[])[0], {
    method: 'POST',
    url: '/v4/products/stream',
    caller: '42',
    body: EVERYTHING,
  })
  assert.doesNotMatch(JSON.stringify(last), /secret/)
  await tell(simulator, 'stats', undefined, 'DELETE')
  assert.deepEqual((await tell(simulator, 'stats', undefined, 'GET')).requests, {})
})

test('an invalid request is rejected with the reason', async (t) => {
  const simulator = await startFor(t)
  assert.equal((await tell(simulator, 'nonsense', {})).status, 404)
  const wrong = {
    touch: {},
    update: { select: ['M000000000'] },
    faults: { kind: 'earthquake' },
    clock: { set: 'noon' },
  }
  for (const [verb, body] of Object.entries(wrong)) {
    const { status, error } = await tell(simulator, verb, body)
    assert.deepEqual([status, typeof error], [400, 'string'], verb)
  }
  assert.ok(
    ((await tell(simulator, '', undefined, 'GET')).verbs as string[]).includes(
      'POST /_control/touch',
    ),
  )
})
