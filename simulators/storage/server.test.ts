// The stand-in against clients that know nothing of it: Supabase's own library, and requests as the protocol's text has them.

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

function ask(method: string, path: string, headers: Record<string, string> = {}, body: string | null = null): Promise<Response> {
  return fetch(new URL(path, `${service.url}/storage/v1/`), { method, headers: { ...KEYS, 'tus-resumable': '1.0.0', ...headers }, body })
}

function metadata(pairs: Record<string, string>): string {
  return Object.entries(pairs).map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`).join(',')
}

async function create(objectName: string, length: number, headers: Record<string, string> = {}): Promise<string> {
  const created = await ask('POST', 'upload/resumable', {
    'upload-length': String(length), 'upload-metadata': metadata({ bucketName: 'raw', objectName, contentType: 'text/plain', cacheControl: '60' }), ...headers,
  })
  assert.equal(created.status, 201, await created.text())
  return created.headers.get('location') ?? ''
}

function patch(url: string, offset: number, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return ask('PATCH', url, { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers }, body)
}

test('the library of Supabase makes a bucket, lists, downloads and removes', async () => {
  const { storage } = createClient(service.url, SECRET_KEY)
  assert.equal((await storage.createBucket('raw', { public: false, fileSizeLimit: 1000 })).error, null)
  assert.equal((await storage.createBucket('raw')).error?.message, 'The resource already exists')
  assert.deepEqual([(await storage.getBucket('raw')).data?.file_size_limit, (await storage.getBucket('none')).error?.message], [1000, 'Bucket not found'])
  await patch(await create('a/b.txt', 5), 0, 'hello')
  const files = storage.from('raw')
  assert.deepEqual((await files.list('')).data?.map(({ name, id }) => [name, id]), [['a', null]])
  assert.deepEqual((await files.list('a')).data?.map(({ name, metadata: facts }) => [name, facts?.['size'], facts?.['mimetype']]), [['b.txt', 5, 'text/plain']])
  assert.equal(await (await files.download('a/b.txt')).data?.text(), 'hello')
  assert.deepEqual((await files.remove(['a/b.txt', 'never'])).data?.map(({ name }) => name), ['a/b.txt'])
  assert.notEqual((await files.download('a/b.txt')).error, null)
})

test('an upload is an object after its last byte and not before', async () => {
  const url = await create('two', 6)
  assert.equal((await patch(url, 0, 'one')).status, 204)
  assert.equal((await ask('GET', 'object/authenticated/raw/two')).status, 400)
  assert.equal((await patch(url, 0, 'two')).status, 409)
  const head = await ask('HEAD', url)
  assert.deepEqual([head.headers.get('upload-offset'), head.headers.get('upload-length')], ['3', '6'])
  const last = await patch(url, 3, 'two')
  assert.deepEqual([last.status, last.headers.get('tus-complete')], [204, '1'])
  const whole = await ask('GET', 'object/authenticated/raw/two')
  assert.deepEqual([await whole.text(), whole.headers.get('cache-control')], ['onetwo', 'max-age=60'])
})

test('an object is replaced only by an upload whose last request says so', async () => {
  await patch(await create('taken', 3), 0, 'old')
  assert.equal((await patch(await create('taken', 3, { 'x-upsert': 'true' }), 0, 'new')).status, 409)
  assert.equal((await patch(await create('taken', 3), 0, 'new', { 'x-upsert': 'true' })).status, 204)
  assert.equal(await (await ask('GET', 'object/authenticated/raw/taken')).text(), 'new')
})

test('limits, missing buckets, expired uploads and wrong keys are refused as the platform does', async () => {
  const large = await ask('POST', 'upload/resumable', { 'upload-length': '1001', 'upload-metadata': metadata({ bucketName: 'raw', objectName: 'x' }) })
  assert.deepEqual([large.status, await large.text()], [413, 'Maximum size exceeded\n'])
  const nowhere = await ask('POST', 'upload/resumable', { 'upload-length': '1', 'upload-metadata': metadata({ bucketName: 'none', objectName: 'x' }) })
  assert.equal(nowhere.status, 404)
  const url = await create('slow', 6)
  await patch(url, 0, 'one')
  service.objects.expireUploads()
  assert.equal((await patch(url, 3, 'two')).status, 410)
  const missing = await ask('GET', 'object/authenticated/raw/none')
  assert.deepEqual([missing.status, await missing.json()], [400, { statusCode: '404', error: 'not_found', message: 'Object not found' }])
  assert.equal((await ask('GET', 'bucket/raw', { apikey: 'wrong' })).status, 401)
  const halfKeyed = await ask('GET', 'bucket/raw', { authorization: 'Bearer wrong' })
  assert.deepEqual([halfKeyed.status, ((await halfKeyed.json()) as { statusCode: string }).statusCode], [400, '403'])
})

test('a list folds case, and has a hundred entries unless asked for more', async () => {
  const row = service.objects.find('raw', 'taken')
  assert.ok(row)
  service.objects.save(...Array.from({ length: 120 }, (_, i) => ({ ...row, name: `Many/${String(i).padStart(3, '0')}`, upload: `gone-${i}` })))
  const list = async (wish: Record<string, unknown>): Promise<string[]> => {
    const answered = await ask('POST', 'object/list/raw', { 'content-type': 'application/json' }, JSON.stringify(wish))
    return ((await answered.json()) as { name: string }[]).map(({ name }) => name)
  }
  assert.equal((await list({ prefix: 'many/' })).length, 100)
  assert.deepEqual(await list({ prefix: 'Many', limit: 2, offset: 118 }), ['118', '119'])
})

test('what it holds survives a new start on the same folder', async () => {
  const url = new URL(await create('kept', 6)).pathname
  await patch(`${service.url}${url}`, 0, 'one')
  await service.close()
  service = await startStorage({ folder })
  assert.equal((await ask('HEAD', `${service.url}${url}`)).headers.get('upload-offset'), '3')
  assert.equal((await patch(`${service.url}${url}`, 3, 'two')).status, 204)
  assert.equal(await (await ask('GET', 'object/authenticated/raw/taken')).text(), 'new')
})
