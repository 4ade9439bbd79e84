// The simulator against independent clients: Supabase's library, and requests by the text of the
// protocol.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { SECRET_KEY, startStorage, type StorageSimulator } from './server.ts'

let folder: string
let service: StorageSimulator

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulated-storage-'))
  service = await startStorage({ folder })
})

after(async () => {
  await service.close()
  await rm(folder, { recursive: true })
})

const KEYS = { apikey: SECRET_KEY, authorization: `Bearer ${SECRET_KEY}` }

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body: string | null = null,
): Promise<Response> {
  return fetch(new URL(path, `${service.url}/storage/v1/`), {
    method,
    headers: { ...KEYS, 'tus-resumable': '1.0.0', ...headers },
    body,
  })
}

function metadata(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

async function create(
  objectName: string,
  length: number,
  headers: Record<string, string> = {},
): Promise<string> {
  const created = await ask('POST', 'upload/resumable', {
    'upload-length': String(length),
    'upload-metadata': metadata({
      bucketName: 'raw',
      objectName,
      contentType: 'text/plain',
      cacheControl: '60',
    }),
    ...headers,
  })
  assert.equal(created.status, 201, await created.text())
  return pathTo(created)
}

/**
 * Converts the address of an upload, which the service builds without the proxy, to a local one.
 */
function pathTo(created: Response): string {
  return `upload/resumable/${new URL(created.headers.get('location') ?? '').pathname.split('/').at(-1)}`
}

async function refusalOf(response: Response): Promise<unknown[]> {
  const { statusCode, code, error } = (await response.json()) as Record<string, unknown>
  return [response.status, statusCode, code, error]
}

function makeBucket(wish: Record<string, unknown>): Promise<Response> {
  return ask('POST', 'bucket', { 'content-type': 'application/json' }, JSON.stringify(wish))
}

function patch(
  url: string,
  offset: number,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return ask(
    'PATCH',
    url,
    {
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      ...headers,
    },
    body,
  )
}

test('the library of Supabase creates a bucket, lists, downloads and removes', async () => {
  const { storage } = createClient(service.url, SECRET_KEY)
  assert.equal(
    (await storage.createBucket('raw', { public: false, fileSizeLimit: 1000 })).error,
    null,
  )
  assert.equal((await storage.createBucket('raw')).error?.message, 'The resource already exists')
  assert.deepEqual(
    [
      (await storage.getBucket('raw')).data?.file_size_limit,
      (await storage.getBucket('none')).error?.message,
    ],
    [1000, 'Bucket not found'],
  )
  await patch(await create('a/b.txt', 5), 0, 'hello')
  const files = storage.from('raw')
  assert.deepEqual(
    (await files.list('')).data?.map(({ name, id }) => [name, id]),
    [['a', null]],
  )
  assert.deepEqual(
    (await files.list('a')).data?.map(({ name, metadata: facts }) => [
      name,
      facts?.['size'],
      facts?.['mimetype'],
    ]),
    [['b.txt', 5, 'text/plain']],
  )
  assert.equal(await (await files.download('a/b.txt')).data?.text(), 'hello')
  assert.deepEqual(
    (await files.remove(['a/b.txt', 'never'])).data?.map(({ name }) => name),
    ['a/b.txt'],
  )
  assert.notEqual((await files.download('a/b.txt')).error, null)
})

test('an upload becomes an object after its last byte and not before', async () => {
  const url = await create('two', 6)
  assert.equal((await patch(url, 0, 'one')).status, 204)
  assert.equal((await ask('GET', 'object/authenticated/raw/two')).status, 400)
  assert.equal((await patch(url, 0, 'two')).status, 409)
  const head = await ask('HEAD', url)
  assert.deepEqual(
    [head.headers.get('upload-offset'), head.headers.get('upload-length')],
    ['3', '6'],
  )
  const last = await patch(url, 3, 'two')
  assert.deepEqual([last.status, last.headers.get('tus-complete')], [204, '1'])
  const whole = await ask('GET', 'object/authenticated/raw/two')
  assert.deepEqual(
    [await whole.text(), whole.headers.get('cache-control')],
    ['onetwo', 'max-age=60'],
  )
})

test('an object is replaced only by an upload with x-upsert on every request', async () => {
  const early = await create('taken', 3)
  await patch(await create('taken', 3), 0, 'old')
  const refused = await ask('POST', 'upload/resumable', {
    'upload-length': '3',
    'upload-metadata': metadata({ bucketName: 'raw', objectName: 'taken' }),
  })
  assert.deepEqual([refused.status, await refused.text()], [409, 'The resource already exists'])
  assert.equal(
    (await patch(await create('taken', 3, { 'x-upsert': 'true' }), 0, 'new')).status,
    409,
  )
  assert.equal((await patch(early, 0, 'new', { 'x-upsert': 'true' })).status, 204)
  assert.equal(await (await ask('GET', 'object/authenticated/raw/taken')).text(), 'new')
})

test('a finished upload cannot be deleted, an unfinished one can, and an invalid id is a bad request', async () => {
  const finished = await create('ended', 5)
  await patch(finished, 0, 'hello')
  assert.deepEqual(
    [
      (await ask('DELETE', finished)).status,
      (await ask('DELETE', finished, { 'x-upsert': 'true' })).status,
    ],
    [409, 400],
  )
  assert.equal(await (await ask('GET', 'object/authenticated/raw/ended')).text(), 'hello')
  const open = await create('open', 5)
  assert.equal((await ask('DELETE', open)).status, 204)
  assert.equal((await ask('HEAD', open)).status, 404)
  for (const method of ['HEAD', 'PATCH', 'DELETE']) {
    const headers = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
    assert.equal((await ask(method, 'upload/resumable/none', headers)).status, 400, method)
  }
})

test('the address of an upload has https, and a prefix only if the proxy sends it', async () => {
  const headers = {
    'upload-length': '1',
    'upload-metadata': metadata({ bucketName: 'raw', objectName: 'where' }),
  }
  const locationOf = async (more: Record<string, string>): Promise<string> =>
    (
      (await ask('POST', 'upload/resumable', { ...headers, ...more })).headers.get('location') ?? ''
    ).replace(/[^/]+$/, '')
  assert.equal(await locationOf({}), `${service.url.replace('http', 'https')}/upload/resumable/`)
  const forwarded = { 'x-forwarded-prefix': '/storage/v1/', 'x-forwarded-host': 'ref.supabase.co' }
  assert.equal(await locationOf(forwarded), 'https://ref.supabase.co/storage/v1/upload/resumable/')
})

test('the limit of the project needs no key, and an upload without bytes makes no object', async () => {
  const told = await fetch(`${service.url}/storage/v1/upload/resumable`, { method: 'OPTIONS' })
  assert.deepEqual([told.status, told.headers.get('tus-max-size')], [204, String(50 * 1024 * 1024)])
  const empty = {
    'upload-length': '0',
    'upload-metadata': metadata({ bucketName: 'raw', objectName: 'empty' }),
  }
  assert.equal((await ask('POST', 'upload/resumable', empty)).status, 404)
})

test('a bucket has a name, a size and types that the platform accepts, and is removed only when empty', async () => {
  const invalid = [400, '400', 'InvalidBucketName', 'Invalid Input']
  for (const name of ['', 'a/b', 'ä', 'x'.repeat(101)])
    assert.deepEqual(await refusalOf(await makeBucket({ name })), invalid, name)
  const tooLarge = [400, '413', 'EntityTooLarge', 'Payload too large']
  for (const file_size_limit of [50 * 1024 * 1024 + 1, '1GB'])
    assert.deepEqual(await refusalOf(await makeBucket({ name: 'big', file_size_limit })), tooLarge)
  const strange = await makeBucket({ name: 'typed', allowed_mime_types: ['text'] })
  assert.deepEqual(await refusalOf(strange), [400, '415', 'InvalidMimeType', 'invalid_mime_type'])
  assert.equal(
    (
      await makeBucket({
        name: 'typed',
        file_size_limit: '1MB',
        allowed_mime_types: ['image/*', 'text/csv'],
      })
    ).status,
    200,
  )
  assert.deepEqual(await refusalOf(await makeBucket({ name: 'typed' })), [
    400,
    '409',
    'BucketAlreadyExists',
    'Duplicate',
  ])
  const begin = (contentType: string): Promise<Response> =>
    ask('POST', 'upload/resumable', {
      'upload-length': '3',
      'upload-metadata': metadata({ bucketName: 'typed', objectName: 'x', contentType }),
    })
  const refused = await begin('text/plain')
  assert.deepEqual(
    [refused.status, await refused.text()],
    [415, 'mime type text/plain is not supported'],
  )
  assert.equal((await begin('image/png')).status, 201)
  await patch(pathTo(await begin('text/csv')), 0, 'a,b')
  assert.deepEqual(await refusalOf(await ask('DELETE', 'bucket/typed')), [
    400,
    '409',
    'ResourceNotEmpty',
    'ResourceNotEmpty',
  ])
  await ask(
    'DELETE',
    'object/typed',
    { 'content-type': 'application/json' },
    JSON.stringify({ prefixes: ['x'] }),
  )
  assert.equal((await ask('DELETE', 'bucket/typed')).status, 200)
  assert.deepEqual(await refusalOf(await ask('GET', 'bucket/typed')), [
    400,
    '404',
    'NoSuchBucket',
    'Bucket not found',
  ])
})

test('limits, missing buckets, expired uploads and wrong keys have the errors of the platform', async () => {
  const large = await ask('POST', 'upload/resumable', {
    'upload-length': '1001',
    'upload-metadata': metadata({ bucketName: 'raw', objectName: 'x' }),
  })
  assert.deepEqual([large.status, await large.text()], [413, 'Maximum size exceeded\n'])
  const nowhere = await ask('POST', 'upload/resumable', {
    'upload-length': '1',
    'upload-metadata': metadata({ bucketName: 'none', objectName: 'x' }),
  })
  assert.equal(nowhere.status, 404)
  const url = await create('slow', 6)
  await patch(url, 0, 'one')
  service.objects.expireUploads()
  assert.equal((await patch(url, 3, 'two')).status, 410)
  const missing = await ask('GET', 'object/authenticated/raw/none')
  const told = {
    statusCode: '404',
    code: 'NoSuchKey',
    error: 'not_found',
    message: 'Object not found',
  }
  assert.deepEqual([missing.status, await missing.json()], [400, told])
  assert.equal((await ask('GET', 'bucket/raw', { apikey: 'wrong' })).status, 401)
  for (const path of ['bucket/raw', url]) {
    assert.deepEqual(await refusalOf(await ask('GET', path, { authorization: 'Bearer wrong' })), [
      400,
      '403',
      'AccessDenied',
      'Unauthorized',
    ])
  }
  assert.equal((await ask('GET', 'nothing')).status, 404)
})

test('a list ignores case and has 100 entries by default', async () => {
  const row = service.objects.find('raw', 'taken')
  assert.ok(row)
  service.objects.save(
    ...Array.from({ length: 120 }, (_, i) => ({
      ...row,
      name: `Many/${String(i).padStart(3, '0')}`,
      upload: `gone-${i}`,
    })),
  )
  const list = async (wish: Record<string, unknown>): Promise<string[]> => {
    const answered = await ask(
      'POST',
      'object/list/raw',
      { 'content-type': 'application/json' },
      JSON.stringify(wish),
    )
    return ((await answered.json()) as { name: string }[]).map(({ name }) => name)
  }
  assert.equal((await list({ prefix: 'many/' })).length, 100)
  assert.deepEqual(await list({ prefix: 'Many', limit: 2, offset: 118 }), ['118', '119'])
})

test('objects survive a restart with the same folder', async () => {
  const url = await create('kept', 6)
  await patch(url, 0, 'one')
  await service.close()
  service = await startStorage({ folder })
  assert.equal((await ask('HEAD', url)).headers.get('upload-offset'), '3')
  assert.equal((await patch(url, 3, 'two')).status, 204)
  assert.equal(await (await ask('GET', 'object/authenticated/raw/taken')).text(), 'new')
})
