import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openBucket, openImageKit, openImages } from '../../../test/support/images.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { retryImages } from '../../db/write/images.ts'

const database = await openTestDatabase()
const db = database.pool

test('an address is fetched once for all products that show it, and uploaded once', async (t) => {
  const { env, storage, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  await shop.list('a', '/one.jpg', '/two.png')
  await shop.list('b', '/one.jpg#top', '/three.webp')
  await shop.work()
  const rows = await shop.rows()
  assert.deepEqual(
    rows.map(({ product, position, state }) => [product, position, state]),
    [
      ['a', 0, 'stored'],
      ['a', 1, 'stored'],
      ['b', 0, 'stored'],
      ['b', 1, 'stored'],
    ],
  )
  assert.deepEqual(host.stats.snapshot().requests, {
    '/one.jpg': 1,
    '/two.png': 1,
    '/three.webp': 1,
  })
  assert.equal(rows[0]?.cdn_url, rows[2]?.cdn_url)
  assert.equal(names().length, 3)
  const { sha256, cdn_url: address } = rows[0] ?? {}
  assert.equal(
    address,
    `${storage.url}/storage/v1/object/public/images/${sha256?.slice(0, 2)}/${sha256}.jpg`,
  )
  const copy = await fetch(address ?? '')
  assert.equal(copy.headers.get('content-type'), 'image/jpeg')
  const { rows: blobs } = await db.query(
    'select type, width, height from catalog.blobs order by type',
  )
  assert.deepEqual(blobs, [
    { type: 'image/jpeg', width: 640, height: 480 },
    { type: 'image/png', width: 640, height: 480 },
    { type: 'image/webp', width: 640, height: 480 },
  ])
})

test('the same bytes at two addresses of two hosts are one blob and one object', async (t) => {
  const { env, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  await shop.list(
    'a',
    '/one.jpg?picture=bag',
    `${host.url.replace('127.0.0.1', 'localhost')}/two.jpg?picture=bag`,
  )
  await shop.work()
  const rows = await shop.rows()
  assert.deepEqual([rows[0]?.sha256, rows[0]?.cdn_url], [rows[1]?.sha256, rows[1]?.cdn_url])
  assert.deepEqual([await shop.count('blobs'), names().length], [1, 1])
})

test('an address that did not change is not requested again when its products change', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  await shop.list('a', '/one.jpg', '/two.jpg')
  await shop.work()
  // The order changes, and another product shows it.
  await shop.list('a', '/two.jpg', '/one.jpg')
  await shop.list('b', '/one.jpg')
  await shop.work()
  assert.deepEqual(host.stats.snapshot().requests, { '/one.jpg': 1, '/two.jpg': 1 })
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['stored', 'stored', 'stored'],
  )
})

test('sizes of a Shopify picture are one request, and a newer version is a conditional one', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  const at = (name: string) => `/cdn/shop/files/${name}`
  await shop.list('a', at('bag_600x600.jpg?v=5&picture=x'), at('bag.jpg?v=5&width=300&picture=x'))
  await shop.work()
  await shop.list('b', at('bag_large.jpg?v=4&picture=x'))
  await shop.work()
  const requests = () => Object.entries(host.stats.snapshot().responses)
  assert.deepEqual(requests(), [['200', 1]])
  await shop.list('c', at('bag.jpg?v=6&picture=x'))
  await shop.work()
  assert.deepEqual(requests(), [
    ['200', 1],
    ['304', 1],
  ])
  assert.deepEqual(new Set((await shop.rows()).map(({ state }) => state)), new Set(['stored']))
  assert.equal(await shop.count('blobs'), 1)
})

test('only the first bytes decide the type: lies are corrected, and web pages and SVGs are refused', async (t) => {
  const { env, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'declare', type: 'text/html', path: '/lie.png', times: null })
  host.faults.set({ kind: 'text', text: '<svg onload="alert(1)">', path: '/a.jpg', times: null })
  host.faults.set({ kind: 'text', text: '<!doctype html><p>', path: '/b.jpg', times: null })
  await shop.list('a', '/lie.png', '/a.jpg', '/b.jpg', 'ftp://x.example/a.jpg')
  await shop.work()
  assert.deepEqual(await shop.problems(), [
    'waiting image/wrong-type after 1',
    'waiting image/wrong-type after 1',
  ])
  await shop.skipWaits()
  await shop.work()
  assert.deepEqual(await shop.problems(), [
    'failed image/wrong-type after 2',
    'failed image/wrong-type after 2',
  ])
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['stored', 'failed', 'failed', 'failed'],
  )
  assert.match(names().join(), /^[0-9a-f]{2}\/[0-9a-f]{64}\.png$/)
})

test('failures are retried with growing waits, then the image has failed with its reason', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'status', status: 500, path: '/a.jpg', times: 2 })
  host.faults.set({ kind: 'reset', path: '/b.jpg', times: null })
  host.faults.set({ kind: 'status', status: 404, path: '/c.jpg', times: null })
  await shop.list('a', '/a.jpg', '/b.jpg', '/c.jpg')
  for (let round = 0; round < 8; round++) {
    await shop.work()
    await shop.skipWaits()
  }
  assert.deepEqual(await shop.problems(), [
    'failed source/unavailable after 6',
    'failed image/missing after 2',
  ])
  assert.equal(host.stats.snapshot().requests['/c.jpg'], 2)
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['stored', 'failed', 'failed'],
  )
})

test('ImageKit stores by content, and a name that exists is a success', async (t) => {
  const { env, imageKit } = await openImageKit(t)
  const shop = await openImages(t, db, env)
  await shop.list('a', '/one.jpg', '/two.jpg?picture=/one.jpg')
  await shop.work()
  const [file] = [...imageKit.files.values()]
  const rows = await shop.rows()
  assert.equal(file?.filePath, `/coffee/${rows[0]?.sha256?.slice(0, 2)}/${rows[0]?.sha256}.jpg`)
  assert.deepEqual(
    rows.map(({ cdn_url: address }) => address),
    Array(2).fill(`${imageKit.url}/ik${file?.filePath}`),
  )
  // As after a kill between the upload and the row: the file exists, and its row does not.
  await db.query('truncate catalog.image_addresses, catalog.blobs')
  await shop.list('a', '/one.jpg')
  await shop.work()
  assert.equal(imageKit.files.size, 1)
  assert.equal((await shop.rows())[0]?.cdn_url, rows[0]?.cdn_url)
  const { requests } = imageKit.stats.snapshot()
  assert.deepEqual([requests['POST /api/v1/files/upload'], requests['GET /v1/files']], [2, 1])
})

test('the images of a host that refuses twice are fetched by ImageKit, and a host that refuses it too is flagged', async (t) => {
  const { env, imageKit } = await openImageKit(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'refuse-others', than: 'ImageKit', path: '*', times: null })
  await shop.list('a', '/1.jpg', '/2.jpg', '/3.jpg', '/4.jpg?picture=/3.jpg')
  await shop.work()
  await shop.skipWaits()
  await shop.work()
  assert.deepEqual(await shop.problems(), [])
  const { requests } = host.stats.snapshot()
  // Two refusals; each other address is requested by ImageKit only.
  assert.deepEqual(
    Object.values(requests).toSorted((a, b) => a - b),
    [1, 1, 2, 2],
  )
  assert.deepEqual([imageKit.files.size, await shop.count('blobs')], [3, 3])

  host.faults.clear()
  host.faults.set({ kind: 'status', status: 403, path: '*', times: null })
  await shop.list('b', '/5.jpg', '/6.jpg', '/7.jpg')
  await shop.work()
  const flagged = await db.query<{ reason: string }>(
    `select flag_reason as reason from catalog.image_channels where paused_until > now() + interval '23 hours'`,
  )
  assert.match(
    flagged.rows[0]?.reason ?? '',
    /refuses requests, and ImageKit cannot fetch an image/,
  )
  assert.equal(shop.logged.filter((line) => line.includes('left alone for a day')).length, 1)
  const before = host.stats.snapshot().requests
  await shop.work()
  assert.deepEqual(host.stats.snapshot().requests, before)

  host.faults.clear()
  assert.equal(
    await retryImages(db, { sourceId: null, host: new URL(host.url).host, all: false }),
    3,
  )
  await shop.work()
  assert.deepEqual(await shop.problems(), [])
})

test('a copy by ImageKit that does not contain an image is removed again', async (t) => {
  const { env, imageKit } = await openImageKit(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'refuse-others', than: 'ImageKit', path: '*', times: null })
  host.faults.set({ kind: 'text', text: '<html>', path: '/2.jpg', times: null })
  await shop.list('a', '/1.jpg', '/2.jpg', '/3.jpg')
  await shop.work()
  await shop.skipWaits()
  await shop.work()
  assert.match((await shop.problems()).join(), /^\w+ image\/wrong-type after \d$/)
  assert.deepEqual(imageKit.files.size, await shop.count('blobs'))
})

test('an image whose delivery ImageKit refuses is uploaded once, and its host is flagged', async (t) => {
  const { env, imageKit } = await openImageKit(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'refuse-others', than: 'ImageKit', path: '*', times: null })
  await shop.list('a', '/1.jpg', '/2.jpg')
  await shop.work()
  imageKit.faults.set({ kind: 'status', status: 403, path: 'GET /ik/*', times: null })
  await shop.list('b', '/3.jpg')
  await shop.work()
  assert.equal((await shop.problems()).at(-1), 'waiting image/refused after 1')
  assert.equal(host.stats.snapshot().requests['/3.jpg'], 1)
})

test('a copy that was fetched by ImageKit stays when its address no longer has an image', async (t) => {
  const { env } = await openImageKit(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'refuse-others', than: 'ImageKit', path: '*', times: null })
  await shop.list('a', '/1.jpg', '/2.jpg')
  await shop.work()
  await shop.skipWaits()
  await shop.work()
  const [before] = await shop.rows()
  host.faults.set({ kind: 'text', text: '<html>', path: '/1.jpg', times: null })
  await retryImages(db, { sourceId: shop.sourceId, host: null, all: true })
  await shop.work()
  await shop.skipWaits()
  await shop.work()
  const [after] = await shop.rows()
  assert.ok(before?.cdn_url, 'it was stored')
  const response = await fetch(before.cdn_url)
  assert.deepEqual([response.status, (await response.bytes())[0]], [200, 0xff])
  assert.equal(after?.state, 'failed')
})

test('a host that limits requests gets none until its Retry-After, and no attempt is lost', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '120' },
    path: '*',
    times: 1,
  })
  await shop.list('a', '/1.jpg', '/2.jpg', '/3.jpg')
  await shop.work()
  assert.equal(host.stats.snapshot().responses['429'], 1)
  const { rows } = await db.query<{ pause: number }>(
    'select extract(epoch from paused_until - now())::int as pause from catalog.image_channels',
  )
  assert.ok((rows[0]?.pause ?? 0) > 110, 'the pause is that of the header')
  const waiting = ['waiting after 0', 'waiting after 0', 'waiting source/rate-limited after 0']
  assert.deepEqual((await shop.problems()).toSorted(), waiting)
  await shop.skipWaits()
  await shop.work()
  assert.deepEqual(await shop.problems(), [])
})

test('while the target does not respond, nothing is requested or lost', async (t) => {
  const { env, imageKit } = await openImageKit(t)
  const { host, ...shop } = await openImages(t, db, env)
  imageKit.faults.set({ kind: 'status', status: 429, headers: { 'x-ratelimit-reset': '60000' } })
  await shop.list('a', '/1.jpg', '/2.jpg')
  const step = shop.open()
  await assert.rejects(shop.work(step), { code: 'image/store-unavailable', retryAfterMs: 60_000 })
  await shop.work(step)
  assert.deepEqual(Object.values(host.stats.snapshot().requests), [1])
  assert.deepEqual(await shop.problems(), ['waiting after 0', 'waiting after 0'])
  await shop.work()
  assert.deepEqual(await shop.problems(), [])

  const other = await openImages(t, db, { ...env, IMAGEKIT_PRIVATE_KEY: 'private_wrong-key' })
  await other.list('b', '/3.jpg')
  await assert.rejects(other.work(), ({ code, message }: Error & { code: string }) => {
    assert.equal(code, 'settings/invalid')
    assert.match(message, /Check IMAGEKIT_PRIVATE_KEY/)
    assert.doesNotMatch(message, /private_wrong/)
    return true
  })
})

test('images of a source whose policy forbids storing them are never requested, and lose their copies', async (t) => {
  const { env, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, { ...env, IMAGES_KEEP_DAYS: '30' })
  const forbid = (value: boolean) =>
    db.query(`update catalog.sources set policy = $2 where id = $1`, [
      shop.sourceId,
      JSON.stringify({ storeImages: value }),
    ])
  await forbid(false)
  await shop.list('a', '/1.jpg')
  await shop.work()
  assert.deepEqual(host.stats.snapshot().requests, {})
  await forbid(true)
  await shop.work()
  assert.equal(names().length, 1)
  await forbid(false)
  await shop.work()
  const [row] = await shop.rows()
  assert.deepEqual([row?.state, row?.cdn_url, names().length], ['new', null, 0])
})

test('a copy that no image names is removed after the grace period, and not before', async (t) => {
  const { env, names } = await openBucket(t)
  const { host: _, ...shop } = await openImages(t, db, { ...env, IMAGES_KEEP_DAYS: '30' })
  await shop.list('a', '/1.jpg', '/2.jpg')
  await shop.list('b', '/1.jpg')
  await shop.work()
  await shop.list('a')
  await shop.work()
  assert.equal(names().length, 2)
  const age = (days: number) =>
    db.query(`update catalog.image_addresses set unused_since = unused_since - make_interval(days => ${days});
      update catalog.blobs set stored_at = stored_at - make_interval(days => ${days})`)
  await age(29)
  await shop.work()
  assert.equal(names().length, 2)
  await age(2)
  await shop.work()
  assert.deepEqual(
    [names().length, await shop.count('blobs'), await shop.count('image_addresses')],
    [1, 1, 1],
  )
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['stored'],
  )
})

test('after a change of the target, new images go there, and the others when they are fetched again', async (t) => {
  const bucket = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, bucket.env)
  await shop.list('a', '/1.jpg')
  await shop.work()
  const [old] = await shop.rows()
  const { env, imageKit } = await openImageKit(t)
  const moved = await openImages(t, db, env, { keep: true })
  await shop.list('b', '/1.jpg', '/2.jpg')
  await moved.work()
  const [, kept, fresh] = await shop.rows()
  assert.equal(kept?.cdn_url, old?.cdn_url)
  assert.ok(fresh?.cdn_url?.startsWith(imageKit.url))
  assert.equal(await retryImages(db, { sourceId: shop.sourceId, host: null, all: true }), 2)
  await moved.work()
  for (const { state, cdn_url: address } of await shop.rows()) {
    assert.equal(state, 'stored')
    assert.ok(address?.startsWith(imageKit.url))
  }
  assert.deepEqual(host.stats.snapshot().requests, { '/1.jpg': 2, '/2.jpg': 2 })
  assert.equal(imageKit.files.size, 2)
})

test('a process that lost its channel writes nothing, and the next one stores the images', async (t) => {
  const { env, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'latency', ms: 300, path: '*', times: 1 })
  await shop.list('a', '/1.jpg', '/2.jpg')
  const lost = shop.work()
  // Another process takes over while the first one waits for its response.
  await waitUntil(async () => Object.keys(host.stats.snapshot().requests).length > 0)
  await db.query('update catalog.image_channels set token = token + 1')
  await lost
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['new', 'new'],
  )
  await shop.skipWaits()
  await shop.work()
  assert.deepEqual(
    (await shop.rows()).map(({ state }) => state),
    ['stored', 'stored'],
  )
  assert.equal(names().length, 2)
})

test('a new text or order of an image keeps its copy, and a new address replaces it', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  const upsert = (...images: readonly (readonly [path: string, alt: string])[]) =>
    db.query(`select * from api.rpc_upsert_product($1, 'tea', 'Tea', p_images => $2)`, [
      shop.source,
      JSON.stringify(images.map(([path, alt]) => ({ url: host.url + path, alt }))),
    ])
  const shown = async () =>
    (
      await db.query<{ url: string; alt: string; is_stored: boolean }>(
        `select url, alt, cdn_url is not null as is_stored from api.images where source = $1 order by position`,
        [shop.source],
      )
    ).rows.map(({ url, alt, is_stored: isStored }) => [url.slice(host.url.length), alt, isStored])
  await upsert(['/1.jpg', 'Front'], ['/2.jpg', 'Back'])
  await shop.work()
  await upsert(['/1.jpg', 'The front'], ['/2.jpg', 'Back'])
  assert.deepEqual(await shown(), [
    ['/1.jpg', 'The front', true],
    ['/2.jpg', 'Back', true],
  ])
  await upsert(['/2.jpg', 'Back'], ['/1.jpg', 'Front'], ['/3.jpg', 'Side'])
  await shop.work()
  assert.deepEqual(await shown(), [
    ['/2.jpg', 'Back', true],
    ['/1.jpg', 'Front', true],
    ['/3.jpg', 'Side', true],
  ])
  assert.deepEqual(host.stats.snapshot().requests, { '/1.jpg': 1, '/2.jpg': 1, '/3.jpg': 1 })
  await upsert(['/4.jpg', 'Back'])
  assert.deepEqual(await shown(), [['/4.jpg', 'Back', false]])
  await shop.work()
  assert.deepEqual(await shown(), [['/4.jpg', 'Back', true]])
})
