// Requests of the connector: tokens of both generations, batches, and the item that each part of a
// response belongs to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GET_ITEMS, openAmazon, readAmazon, recordsOf } from '../../../test/support/amazon.ts'
import { fetchHttp, listLines } from '../../../test/support/shopify.ts'
import { RESPONSES } from '../../../simulators/amazon/faults.ts'
import { ESP32, toAsin } from '../../../simulators/amazon/product.ts'
import { SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import { MARKETPLACES } from './marketplaces.ts'
import { TokenCache } from './tokens.ts'

const asins = (count: number): string[] => Array.from({ length: count }, (_, at) => toAsin(at))
const TEN = asins(10)

const isError = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SyncError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('credentials of 2.x get a token by a form and those of 3.x by JSON, and both read items', async (t) => {
  for (const version of ['2.1', '3.1']) {
    const credential = { id: 'an-id', secret: 'a&secret=+', version }
    const simulator = await openAmazon(t, { credential })
    const sent: string[] = []
    const http: Http = (request, signal) => {
      if (request.url.endsWith(GET_ITEMS)) sent.push(request.headers?.['authorization'] ?? '')
      return fetchHttp(request, signal)
    }
    const pages = await readAmazon(simulator, TEN, { credentials: credential, http })
    assert.equal(listLines(pages).length, 10)
    const form = version === '2.1' ? /^Bearer eyJ\S+, Version 2\.1$/ : /^Bearer Atc\|\S+$/
    assert.match(sent[0] ?? '', form)
  }
})

test('25 items take three requests and one token, each with its marketplace and leaf resources', async (t) => {
  const simulator = await openAmazon(t)
  const pages = await readAmazon(simulator, [...asins(25), ...asins(25)])
  assert.deepEqual([...recordsOf(pages).keys()].sort(), asins(25))
  const { requests } = simulator.stats.snapshot()
  assert.deepEqual(requests, { '/auth/o2/token': 1, [GET_ITEMS]: 3 })
  assert.ok(pages.every(({ complete }) => !complete))
  const rest = await readAmazon(simulator, asins(25), { cursor: pages[1]?.cursor ?? null })
  assert.deepEqual([...recordsOf(rest).keys()].sort(), asins(25).slice(20))
})

test('concurrent fetches share one token, and an expired one is renewed before its last minute', async (t) => {
  let nowMs = 0
  const simulator = await openAmazon(t, { now: () => nowMs })
  const tokens = new TokenCache(() => nowMs)
  await Promise.all(TEN.map((asin) => readAmazon(simulator, [asin], { tokens })))
  const count = () => simulator.stats.snapshot().requests['/auth/o2/token']
  assert.equal(count(), 1)
  nowMs += 3_539_000
  await readAmazon(simulator, TEN, { tokens })
  assert.equal(count(), 1)
  nowMs += 1_000
  await readAmazon(simulator, TEN, { tokens })
  assert.equal(count(), 2)
})

test('a token that the API refuses is renewed once, and a second refusal ends the fetch', async (t) => {
  const simulator = await openAmazon(t)
  const tokens = new TokenCache()
  await readAmazon(simulator, TEN, { tokens })
  simulator.tokens.revoke()
  assert.equal(listLines(await readAmazon(simulator, TEN, { tokens })).length, 10)
  assert.equal(simulator.stats.snapshot().requests['/auth/o2/token'], 2)
  const body = JSON.stringify({ type: 'UnauthorizedException', reason: 'TokenExpired' })
  simulator.faults.set({ kind: 'status', status: 401, body, path: '/getItems*', times: 2 })
  await assert.rejects(
    readAmazon(simulator, TEN, { tokens }),
    isError('source/unauthorized', /401 \(UnauthorizedException, TokenExpired\)/),
  )
  assert.equal(simulator.stats.snapshot().requests['/auth/o2/token'], 3)
})

test('concurrent fetches whose token is refused request one new token', async (t) => {
  const simulator = await openAmazon(t)
  const tokens = new TokenCache()
  await readAmazon(simulator, TEN, { tokens })
  simulator.tokens.revoke()
  await Promise.all(TEN.map((asin) => readAmazon(simulator, [asin], { tokens })))
  assert.equal(simulator.stats.snapshot().requests['/auth/o2/token'], 2)
})

test('each requested item has one line: an item, a refusal named in a message, or an omission', async (t) => {
  const [accessible = '', omitted = '', refused = ''] = asins(3)
  const unknown = 'B0UNKNOWN1'
  const simulator = await openAmazon(t, {
    omitted: [omitted],
    refused: { [refused]: 'ItemNotAccessible' },
  })
  const warnings: string[] = []
  const keys = [refused, unknown, omitted, accessible, 'not-an-asin', 'b08dqq8cbp']
  const records = recordsOf(await readAmazon(simulator, keys, { warnings }))
  const codes = [...records].map(([asin, { item, refusal }]) => [
    asin,
    item === null ? Object(refusal).code : 'item',
  ])
  assert.deepEqual(Object.fromEntries(codes), {
    [accessible]: 'item',
    [omitted]: 'Missing',
    [refused]: 'ItemNotAccessible',
    [unknown]: 'InvalidParameterValue',
  })
  assert.match(warnings.join(), /2 of the keys are not ASINs/)
})

test('when Amazon does not know any of several items, each is requested alone', async (t) => {
  const simulator = await openAmazon(t)
  const keys = ['B0UNKNOWN1', 'B0UNKNOWN2', 'B0UNKNOWN3']
  const records = recordsOf(await readAmazon(simulator, keys))
  assert.deepEqual(
    [...records.values()].map(({ refusal }) => Object(refusal).code),
    keys.map(() => 'ResourceNotFound'),
  )
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], 4)
})

const withBody = (body: unknown) => ({
  kind: 'status' as const,
  status: 200,
  body: JSON.stringify(body),
  path: '/getItems*',
})

test('a response that does not say which items it omits makes no product unavailable', async (t) => {
  const simulator = await openAmazon(t)
  const warnings: string[] = []
  const keys = TEN.slice(0, 3)
  const [first, , third] = keys
  for (const body of [
    { itemsResult: { items: [{ asin: first }] }, errors: [{ code: 'InternalError', message: '' }] },
    { itemsResult: { items: [{ asin: first }, { asin: 'B0ELSEWHER' }] } },
    { itemsResult: { items: [{ asin: first }] }, errors: [{ code: 'Odd', message: `${third}` }] },
  ]) {
    simulator.faults.set(withBody(body))
    const records = recordsOf(await readAmazon(simulator, keys, { warnings }))
    assert.deepEqual([...records.keys()], [first])
  }
  assert.equal(warnings.length, 3)
  for (const body of [
    {},
    [],
    { itemsResult: { items: [] } },
    { itemsResult: null, errors: null },
  ]) {
    simulator.faults.set(withBody(body))
    await assert.rejects(readAmazon(simulator, keys), isError('source/malformed', /names no item/))
  }
})

test('one error may name several items, and items are read under the name that the page prints by mistake', async (t) => {
  const simulator = await openAmazon(t)
  const [first = '', second = '', third = ''] = TEN
  const message = `The ItemIds ${second}, ${third} provided in the request are invalid.`
  const errors = [{ code: 'InvalidParameterValue', message }]
  simulator.faults.set(withBody({ itemResults: { items: [{ asin: first }] }, errors }))
  const records = recordsOf(await readAmazon(simulator, [first, second, third]))
  assert.deepEqual([...records.keys()], [first, second, third])
})

test('each refusal has its own error, and waits are read from the header and from the body', async (t) => {
  const simulator = await openAmazon(t)
  const fail = async (fault: object): Promise<SyncError> => {
    simulator.faults.set({ ...fault, path: '/getItems*' } as never)
    const error: unknown = await readAmazon(simulator, TEN).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof SyncError, String(error))
    return error
  }
  const retired = { status: 403, body: '{"__type":"com.amazon.paapi5#AccessDeniedException"}' }
  const codes = {
    broken: 'source/unavailable',
    gateway: 'source/unavailable',
    maintenance: 'source/unavailable',
    throttled: 'source/rate-limited',
    throttledInBody: 'source/rate-limited',
    quota: 'source/rate-limited',
    notEligible: 'source/not-eligible',
    firewall: 'source/blocked',
  } as const
  for (const [name, code] of Object.entries(codes))
    assert.equal((await fail(RESPONSES[name as keyof typeof codes])).code, code, name)
  assert.match((await fail({ kind: 'status', ...retired })).message, /ended in May 2026/)
  assert.equal((await fail({ kind: 'status', status: 404 })).code, 'source/gone')
  assert.equal((await fail(RESPONSES.maintenance)).retryAfterMs, 60_000)
  assert.equal((await fail(RESPONSES.throttled)).retryAfterMs, null)
  assert.equal((await fail(RESPONSES.throttledInBody)).retryAfterMs, 60_000)
  const date = new Date(Date.now() + 3_600_000).toUTCString()
  const dated = await fail({ ...RESPONSES.throttled, headers: { 'retry-after': date } })
  assert.ok((dated.retryAfterMs ?? 0) > 3_500_000)
  const quota = await fail(RESPONSES.quota)
  assert.match(quota.message, /quota of the day/)
  assert.ok((quota.retryAfterMs ?? 0) > 0)
})

test('a wait in the body holds for all requests of the limits, and a 404 of another resource is not about items', async (t) => {
  const simulator = await openAmazon(t)
  const pauses: number[] = []
  const http: Http = async (request, signal) => ({
    ...(await fetchHttp(request, signal)),
    pause: async (waitMs) => void pauses.push(waitMs),
  })
  const read = () => readAmazon(simulator, TEN, { http })
  simulator.faults.set({ ...RESPONSES.throttledInBody, path: '/getItems*' })
  await assert.rejects(read(), isError('source/rate-limited', /too many requests/))
  assert.deepEqual(pauses, [60_000])
  const body = JSON.stringify({ type: 'ResourceNotFoundException', resourceType: 'Operation' })
  simulator.faults.set({ kind: 'status', status: 404, body, path: '/getItems*' })
  await assert.rejects(read(), isError('source/gone', /404 \(ResourceNotFoundException\)/))
})

test('variables of PA-API 5.0 that are still set are named with their successors', async (t) => {
  const simulator = await openAmazon(t)
  const warnings: string[] = []
  const oldVariables = ['PAAPI_PARTNER_TAG', 'PAAPI_MARKETPLACE']
  await readAmazon(simulator, [ESP32.asin ?? ''], { warnings, credentials: { oldVariables } })
  assert.deepEqual(warnings, [
    'PA-API 5.0 ended in May 2026, and its variables are not used: set AMAZON_PARTNER_TAG instead of PAAPI_PARTNER_TAG, AMAZON_MARKETPLACE instead of PAAPI_MARKETPLACE, and remove the old ones',
  ])
  await assert.rejects(
    readAmazon(simulator, TEN, { credentials: { oldVariables }, settings: { partnerTag: null } }),
    isError('settings/invalid', /AMAZON_PARTNER_TAG\. PAAPI_PARTNER_TAG is not used/),
  )
})

test('wrong credentials, tags and marketplaces end before or at the first request', async (t) => {
  const simulator = await openAmazon(t)
  const read = (options: Parameters<typeof readAmazon>[2]) =>
    readAmazon(simulator, [ESP32.asin ?? ''], options)
  await assert.rejects(
    read({ credentials: { secret: 'wrong' } }),
    isError('source/unauthorized', /invalid_client\): the id or the secret/),
  )
  await assert.rejects(
    read({ settings: { partnerTag: 'other-20' } }),
    isError('source/rejected', /InvalidPartnerTag, partnerTag\): the associate tag/),
  )
  simulator.stats.reset()
  await assert.rejects(
    read({ settings: { marketplace: 'www.amazon.de' } }),
    isError(
      'settings/invalid',
      /version 3\.1 is not valid for www\.amazon\.de: it needs 2\.2 or 3/,
    ),
  )
  await assert.rejects(
    read({ settings: { partnerTag: null } }),
    isError('settings/invalid', /set AMAZON_PARTNER_TAG_US or AMAZON_PARTNER_TAG/),
  )
  await assert.rejects(
    read({ credentials: { id: null, secret: null, oldVariables: ['PAAPI_ACCESS_KEY'] } }),
    isError('settings/invalid', /PA-API 5\.0 ended in May 2026/),
  )
  assert.deepEqual(simulator.stats.snapshot().requests, {})
})

test('the table has 22 marketplaces in three region groups', () => {
  assert.equal(MARKETPLACES.length, 22)
  const groups = Object.groupBy(MARKETPLACES, ({ group }) => group)
  const counts = Object.entries(groups).map(([group, list]) => [group, list?.length])
  assert.deepEqual(Object.fromEntries(counts), { NA: 4, EU: 15, FE: 3 })
  for (const { code, currency, languages, host } of MARKETPLACES) {
    assert.match(code, /^www\.amazon\.[a-z.]+$/)
    assert.match(host, /^webservices\.amazon\.[a-z.]+$/)
    assert.match(currency, /^[A-Z]{3}$/)
    for (const language of languages) assert.match(language, /^[a-z]{2}_[A-Z]{2}$/)
  }
})
