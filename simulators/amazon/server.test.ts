// The simulated API responds as the documentation of the Creators API says: every form that a
// client must be able to read, and every refusal.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { RESPONSES, type AmazonFaultInput } from './faults.ts'
import { amazon } from './main.ts'
import { listMarketplaces } from './marketplaces.ts'
import { ESP32, OFFERS, toAsin } from './product.ts'
import { startAmazon, type AmazonOptions } from './server.ts'
import { DEFAULTS } from './switches.ts'

type Body = ReturnType<typeof JSON.parse>

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Body
}

const ITEMS = '/catalog/v1/getItems'
const PRICE = 'offersV2.listings.price'

async function open(t: TestContext, options: AmazonOptions = {}) {
  const simulator = await startAmazon(options)
  t.after(simulator.close)
  const credential = options.credential ?? DEFAULTS.credential
  const isForm = credential.version.startsWith('2')
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(simulator.url + path, { method: 'POST', body, headers })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const json: Body = isJson ? JSON.parse(text) : {}
    return { status: response.status, headers: response.headers, text, json } satisfies Answer
  }
  const requestToken = (fields: Record<string, string> = {}) => {
    const all = {
      grant_type: 'client_credentials',
      client_id: credential.id,
      client_secret: credential.secret,
      scope: isForm ? 'creatorsapi/default' : 'creatorsapi::default',
      ...fields,
    }
    return isForm
      ? post('/oauth2/token', new URLSearchParams(all).toString(), {
          'content-type': 'application/x-www-form-urlencoded',
        })
      : post('/auth/o2/token', JSON.stringify(all), { 'content-type': 'application/json' })
  }
  const { json: token } = await requestToken()
  const bearer = `Bearer ${token['access_token']}`
  const authorization = isForm ? `${bearer}, Version ${credential.version}` : bearer
  const [marketplace = ''] = listMarketplaces(credential.version).keys()
  const getItems = (
    itemIds: readonly string[],
    body: object = {},
    headers: Record<string, string> = {},
  ) =>
    post(ITEMS, JSON.stringify({ itemIds, partnerTag: 'simulated-20', ...body }), {
      authorization,
      'content-type': 'application/json',
      'x-marketplace': marketplace,
      ...headers,
    })
  const fail = (fault: AmazonFaultInput) => {
    simulator.faults.set({ ...fault, path: '/getItems*' })
    return getItems([toAsin(0)])
  }
  return { simulator, token, post, requestToken, getItems, fail }
}

const asins = (count: number): string[] => Array.from({ length: count }, (_, at) => toAsin(at))
const reasonOf = ({ status, json }: Answer) => [status, json['type'], json['reason']]
const listingsOf = ({ json }: Answer): Body[] => json['itemsResult'].items[0].offersV2.listings

test('a token is requested by JSON with 3.x and by a form with 2.x, and lasts for an hour', async (t) => {
  const lwa = await open(t)
  const { access_token: token, ...rest } = lwa.token
  assert.match(token, /^Atc\|/)
  assert.deepEqual(rest, { scope: 'creatorsapi::default', expires_in: 3600, token_type: 'bearer' })
  assert.equal((await lwa.requestToken({ client_secret: 'x' })).json['error'], 'invalid_client')
  assert.equal((await lwa.requestToken({ scope: 'creatorsapi/default' })).status, 400)
  assert.equal((await lwa.requestToken({ grant_type: 'x' })).status, 400)
  assert.equal((await lwa.post('/auth/o2/token', 'no JSON')).status, 400)
  const json = { 'content-type': 'application/json' }
  assert.equal((await lwa.post('/auth/o2/token', 'no JSON', json)).status, 400)
  const cognito = await open(t, { credential: { ...DEFAULTS.credential, version: '2.2' } })
  assert.deepEqual([cognito.token['token_type'], cognito.token['expires_in']], ['Bearer', 3600])
  assert.equal((await cognito.getItems([toAsin(0)])).status, 200)
  assert.equal((await cognito.post('/oauth2/token', '{}', json)).status, 400)
})

test('a request without a valid token, or with the header of the other generation, is refused', async (t) => {
  let nowMs = 0
  const { simulator, token, getItems } = await open(t, { now: () => nowMs })
  const reason = async (authorization: string) =>
    reasonOf(await getItems([toAsin(0)], {}, { authorization }))[2]
  assert.equal(await reason(''), 'MissingCredential')
  assert.equal(await reason(`Bearer ${token['access_token']}, Version 2.1`), 'UnsupportedClient')
  assert.equal(await reason('Bearer wrong'), 'InvalidToken')
  nowMs += 3_600_000
  const expired = await getItems([toAsin(0)])
  assert.deepEqual(reasonOf(expired), [401, 'UnauthorizedException', 'TokenExpired'])
  simulator.tokens.revoke()
  assert.equal(reasonOf(await getItems([toAsin(0)]))[2], 'InvalidToken')
})

test('invalid requests name the field: marketplace, tag, 1 to 10 different ids, leaf resources', async (t) => {
  const { simulator, getItems, post } = await open(t)
  const refusals: readonly (readonly [field: string, Promise<Answer>])[] = [
    ['marketplace', getItems([toAsin(0)], {}, { 'x-marketplace': 'www.amazon.de' })],
    ['partnerTag', getItems([toAsin(0)], { partnerTag: ' ' })],
    ['itemIds', getItems([])],
    ['itemIds', getItems(asins(11))],
    ['itemIds', getItems([toAsin(0), toAsin(0)])],
    ['resources', getItems([toAsin(0)], { resources: ['offersV2'] })],
    ['resources', getItems([toAsin(0)], { resources: ['itemInfo.description'] })],
    ['condition', getItems([toAsin(0)], { condition: 'Used' })],
    ['languagesOfPreference', getItems([toAsin(0)], { languagesOfPreference: ['a', 'b'] })],
  ]
  for (const [field, request] of refusals) {
    const answer = await request
    assert.deepEqual(reasonOf(answer), [400, 'ValidationException', 'FieldValidationFailed'], field)
    assert.equal(answer.json['fieldList'][0].name, field)
  }
  const tag = await getItems([toAsin(0)], { partnerTag: 'other-20' })
  assert.equal(reasonOf(tag)[2], 'InvalidPartnerTag')
  assert.equal((await post('/catalog/v1/searchItems', '{}')).json['reason'], 'UnknownOperation')
  assert.equal((await fetch(simulator.url + ITEMS)).status, 404)
})

test('items are in another order, and a refused item is named only in the message of its error', async (t) => {
  const { simulator, getItems } = await open(t)
  const keys = asins(10)
  const { json } = await getItems(keys)
  const listed = json['itemsResult'].items.map(({ asin }: Body) => asin)
  assert.notDeepEqual(listed, keys)
  assert.deepEqual(listed.toSorted(), keys)
  assert.equal('errors' in json, false)
  const [refused = '', omitted = '', third = ''] = keys
  simulator.set({ refused: { [refused]: 'ItemNotAccessible' }, omitted: [omitted] })
  const partial = await getItems([refused, omitted, third, 'B0UNKNOWN1'])
  assert.equal(partial.status, 200)
  assert.deepEqual(
    partial.json['itemsResult'].items.map(({ asin }: Body) => asin),
    [third],
  )
  assert.deepEqual(partial.json['errors'], [
    {
      code: 'ItemNotAccessible',
      message: `The ItemId ${refused} is not accessible through the Creators API.`,
    },
    {
      code: 'InvalidParameterValue',
      message: 'The ItemId B0UNKNOWN1 provided in the request is invalid.',
    },
  ])
  const none = await getItems(['B0UNKNOWN1', 'B0UNKNOWN2'])
  assert.deepEqual(
    [...reasonOf(none), none.json['resourceType']],
    [404, 'ResourceNotFoundException', undefined, 'Item'],
  )
})

test('containers that were not requested are null or absent, and the largest image is hiRes', async (t) => {
  const { simulator, getItems } = await open(t)
  const read = async (resources?: readonly string[]): Promise<Body> =>
    (await getItems([toAsin(0)], resources && { resources })).json['itemsResult'].items[0]
  const title = await read()
  assert.equal(title['itemInfo'].title.displayValue, ESP32.title)
  assert.deepEqual(
    [title['offersV2'], title['images'], title['itemInfo'].features],
    [null, null, null],
  )
  const { primary, variants } = (await read(['images.primary.highRes']))['images']
  assert.match(primary.hiRes.url, /_SL1500_/)
  assert.deepEqual([primary.small, 'highRes' in primary, variants], [null, false, null])
  assert.equal((await read(['customerReviews.starRating']))['customerReviews'], null)
  const stock = await read(['offersV2.listings.availability'])
  assert.deepEqual(
    [stock['offersV2'].listings[0].availability.type, stock['offersV2'].listings[0].price],
    ['IN_STOCK', null],
  )
  simulator.set({ nulls: false, largest: 'highRes' })
  const absent = await read(['images.primary.highRes'])
  assert.deepEqual(['offersV2' in absent, 'highRes' in absent['images'].primary], [false, true])
})

test('offers are one, of several one with the buy box, without a price out of stock, or hidden', async (t) => {
  const { getItems } = await open(t)
  const leaves = ['availability', 'isBuyBoxWinner', 'dealDetails', 'price', 'type']
  const resources = leaves.map((leaf) => `offersV2.listings.${leaf}`)
  const all = await Promise.all(
    OFFERS.map(async (offer, at) => {
      const answer = await getItems([toAsin(at === 0 ? OFFERS.length : at)], { resources })
      return [offer, listingsOf(answer)] as const
    }),
  )
  const offers = Object.fromEntries(all)
  assert.equal(offers['several']?.filter(({ isBuyBoxWinner }) => isBuyBoxWinner).length, 1)
  assert.equal(offers['several']?.[0]?.['isBuyBoxWinner'], false)
  assert.equal(offers['out-of-stock']?.[0]?.['availability'].type, 'OUT_OF_STOCK')
  assert.equal(offers['out-of-stock']?.[0]?.['price'], null)
  assert.equal(offers['violates-map']?.[0]?.['violatesMAP'], true)
  assert.equal(offers['deal']?.[0]?.['dealDetails'].accessType, 'ALL')
  assert.deepEqual(offers['none'], [])
  assert.equal(offers['one']?.[0]?.['price'].money.currency, 'USD')
})

test('prices have the currency of the marketplace, and yen no decimals', async (t) => {
  const { getItems } = await open(t, { credential: { ...DEFAULTS.credential, version: '3.3' } })
  const priceIn = async (marketplace: string) =>
    listingsOf(
      await getItems([toAsin(1)], { resources: [PRICE] }, { 'x-marketplace': marketplace }),
    )[0]?.['price'].money
  assert.ok(Number.isInteger((await priceIn('www.amazon.co.jp')).amount))
  assert.equal((await priceIn('www.amazon.co.jp')).currency, 'JPY')
  assert.equal((await priceIn('www.amazon.sg')).currency, 'SGD')
  const counts = ['3.1', '3.2', '3.3'].map((version) => listMarketplaces(version).size)
  assert.deepEqual(counts, [4, 15, 3])
})

test('requests are counted by the second and by the day, and a 429 states its wait in four forms', async (t) => {
  let nowMs = 0
  const options = { perSecond: 2, perDay: 5, tokenSeconds: 200_000, now: () => nowMs }
  const { simulator, getItems } = await open(t, options)
  const read = () => getItems([toAsin(0)])
  const statuses = async (count: number) => {
    const list: number[] = []
    for (let request = 0; request < count; request++) list.push((await read()).status)
    return list
  }
  assert.deepEqual(await statuses(3), [200, 200, 429])
  nowMs += 1_000
  assert.deepEqual(await statuses(2), [200, 200])
  const [daily, later] = [await read(), nowMs + 86_400_000]
  assert.deepEqual([daily.status, daily.json['quotaCode']], [429, 'RequestsPerDay'])
  assert.ok(Number(daily.headers.get('retry-after')) > 80_000)
  simulator.set({ retryAfter: 'date' })
  assert.match((await read()).headers.get('retry-after') ?? '', /GMT$/)
  simulator.set({ retryAfter: 'body' })
  const inBody = await read()
  assert.equal(inBody.headers.get('retry-after'), null)
  assert.ok(inBody.json['retryAfterSeconds'] > 80_000)
  simulator.set({ retryAfter: 'none' })
  const none = await read()
  assert.deepEqual(
    [none.headers.get('retry-after'), none.json['retryAfterSeconds']],
    [null, undefined],
  )
  nowMs = later
  assert.deepEqual(await statuses(1), [200])
})

test('an account without sales, and the retired API, have their own refusals', async (t) => {
  const { simulator, getItems, post } = await open(t, { isEligible: false })
  const refused = await getItems([toAsin(0)])
  assert.deepEqual(reasonOf(refused), [403, 'AccessDeniedException', 'AssociateNotEligible'])
  const old = await post('/paapi5/getitems', '{}')
  assert.deepEqual(
    [old.status, old.json['__type'], old.json['Errors'][0].Code],
    [403, 'com.amazon.paapi5#AccessDeniedException', 'AccessDenied'],
  )
  simulator.set({ isRetired: true })
  assert.equal((await getItems([toAsin(0)])).json['Errors'][0].Code, 'AccessDenied')
})

test('typical failures: 500, an HTML page with 502, a slow and a hung response', async (t) => {
  const { simulator, fail, getItems } = await open(t)
  assert.deepEqual(reasonOf(await fail(RESPONSES.broken)).slice(0, 2), [
    500,
    'InternalServerException',
  ])
  const gateway = await fail(RESPONSES.gateway)
  assert.equal(gateway.status, 502)
  assert.match(gateway.text, /<html/i)
  simulator.faults.set({ ...RESPONSES.slow, ms: 1, path: '/getItems*' })
  assert.equal((await getItems([toAsin(0)])).status, 200)
  const hung = fail(RESPONSES.hung)
  while (simulator.stats.snapshot().requests[ITEMS] !== 4)
    await new Promise((resolve) => setImmediate(resolve))
  simulator.faults.clear()
  await hung.catch(() => null)
})

test('the control changes items, switches and faults, and refuses names that do not exist', async (t) => {
  const { simulator, getItems, post } = await open(t, { products: 3 })
  const control = (verb: string, body: unknown) =>
    post(`/_control/${verb}`, JSON.stringify(body), { 'content-type': 'application/json' })
  const asin = toAsin(0)
  await control('changes', { asin, priceMinor: 1_900, offer: 'one', title: 'New' })
  const [listing] = listingsOf(await getItems([asin], { resources: [PRICE] }))
  assert.equal(listing?.['price'].money.amount, 19)
  await control('switches', { omitted: [asin] })
  assert.equal((await getItems([asin])).json['itemsResult'].items.length, 0)
  assert.match((await control('switches', { omited: [] })).text, /Invalid key .* omited/)
  assert.match((await control('changes', { asin: 'B0UNKNOWN1' })).text, /has no item B0UNKNOWN1/)
  await control('faults', { kind: 'status', status: 503, path: '/getItems*', times: null })
  assert.equal((await getItems([asin])).status, 503)
  await fetch(`${simulator.url}/_control/faults`, { method: 'DELETE' })
  await control('tokens/revoke', {})
  assert.equal(reasonOf(await getItems([asin]))[2], 'InvalidToken')
  const products = await fetch(`${simulator.url}/_control/products`)
  assert.equal(((await products.json()) as unknown[]).length, 3)
  const stats = await fetch(`${simulator.url}/_control/stats`)
  assert.equal(Object(await stats.json())['requests']['/auth/o2/token'], 1)
})

test('the command line starts the API of a region, prints how to use it, and reports invalid arguments', async (t) => {
  const running = await amazon.start(
    amazon.parseArguments(
      `--version 2.2 --products 3 --response notEligible --omit ${toAsin(1)} --refuse ${toAsin(2)} --absent --per-second 9`.split(
        ' ',
      ),
    ),
  )
  t.after(() => running.close())
  assert.match(running.greeting, /3 items at http:/)
  assert.match(running.greeting, /AMAZON_CREDENTIAL_VERSION=2\.2 AMAZON_PARTNER_TAG=simulated-20/)
  assert.match(running.greeting, /--marketplace www\.amazon\.co\.uk .*\/oauth2\/token/)
  const { status } = await fetch(running.url + ITEMS, { method: 'POST', body: '{}' })
  assert.equal(status, 403)
  assert.throws(() => amazon.parseArguments(['--version', '4.1']), /--version must be 2\.1 to/)
  assert.throws(() => amazon.parseArguments(['--retry-after', 'x']), /--retry-after must be/)
  assert.throws(() => amazon.parseArguments(['--response', 'x']), /--response must be one of/)
  const defaults = amazon.parseArguments([])
  assert.deepEqual([defaults.port, defaults.nulls, defaults.isEligible], [0, true, true])
})
