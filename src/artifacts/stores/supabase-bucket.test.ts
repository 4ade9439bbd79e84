// The bucket of the Supabase store: creation, checks, limits of size and type, and deletion during
// use.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BucketRow } from '../../../simulators/storage/objects.ts'
import { SECRET_KEY, type StorageSimulator } from '../../../simulators/storage/server.ts'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import {
  countRequests,
  BUCKET,
  CREATE,
  MIB,
  openStorage,
  PART,
  listPatches,
  streamSlowly,
} from '../../../test/support/supabase-storage.ts'
import type { Waiter } from '../../lib/back-off.ts'
import { SupabaseStore } from './supabase.ts'

test('a missing bucket is created once, as a private one, for all writers', async (context) => {
  const { store, service } = await openStorage(context)
  await Promise.all(['a', 'b', 'c'].map((key) => store.put(key, Buffer.from(key))))
  assert.equal(service.objects.findBucket(BUCKET)?.public, false)
  assert.equal(countRequests(service, 'POST /bucket'), 1)
})

test('a bucket that another process creates at the same time is used', async (context) => {
  const { store, service } = await openStorage(context)
  const other = new SupabaseStore({ url: service.url, secretKey: SECRET_KEY, bucket: BUCKET })
  await Promise.all([store.check(), other.check()])
})

test('a bucket that is public or too small for a part is reported as settings/invalid', async (context) => {
  const { store, service } = await openStorage(context)
  await store.check()
  changeBucket(service, { file_size_limit: 10 * MIB })
  const tooSmall =
    /accepts files of at most 10 MiB, but a part can have 32 MiB\. Raise the file size limit of the bucket/
  await assert.rejects(store.check(), isSyncError('settings/invalid', tooSmall))
  changeBucket(service, { file_size_limit: 32 * MIB })
  await store.check()
  changeBucket(service, { public: true })
  await assert.rejects(
    store.check(),
    isSyncError(
      'settings/invalid',
      /is a public bucket.*Make it private, or name another one in BUCKET/,
    ),
  )
})

test('both generations of keys are accepted', async (context) => {
  for (const secretKey of ['sb_secret_AbC-12_x', 'eyJhbGciOi.eyJpc3Mi.c2ln']) {
    const { store } = await openStorage(context, { secretKey }, { secretKey })
    await store.check()
    await store.put('a', PART)
    assert.ok(PART.equals(await store.get('a')))
  }
})

test('the next write repeats a failed check', async (context) => {
  const { store, service } = await openStorage(context)
  service.faults.set({ kind: 'status', status: 503, path: `GET /bucket/${BUCKET}`, times: 4 })
  await assert.rejects(
    store.put('a', Buffer.from('x')),
    isSyncError('artifact/unavailable', /^Cannot read the bucket in supabase:medipim-raw at 127/),
  )
  await store.put('a', Buffer.from('x'))
})

test('a project limit below the size of a part is reported before any upload', async (context) => {
  const { store, service } = await openStorage(context, { fileBytesMax: 8 * MIB })
  const message =
    /^The project at 127.* accepts files of at most 8 MiB, but a part can have 32 MiB\. Raise the file size limit/
  await assert.rejects(store.check(), isSyncError('settings/invalid', message))
  await assert.rejects(store.put('part', PART), isSyncError('settings/invalid', message))
  assert.equal(countRequests(service, CREATE), 0)
})

test('a server that reports no project limit passes the check', async (context) => {
  const { store, service } = await openStorage(context)
  service.faults.set(
    { kind: 'status', status: 405, path: 'OPTIONS *' },
    { kind: 'status', status: 204, path: 'OPTIONS *', skip: 1 },
  )
  await store.check()
  await store.check()
  service.faults.set({ kind: 'status', status: 503, path: 'OPTIONS *', times: 4 })
  await assert.rejects(
    store.check(),
    isSyncError('artifact/unavailable', /^Cannot read the file size limit/),
  )
})

test('a file over a limit that was lowered after the check fails with the limit and the remedy', async (context) => {
  const { store, service, waits } = await openStorage(context)
  await store.put('first', Buffer.from('x'))
  changeBucket(service, { file_size_limit: 8 * MIB })
  const message =
    /^Cannot write part in supabase:medipim-raw at .* HTTP 413: Maximum size exceeded\. Raise the file size limit/
  await assert.rejects(store.put('part', PART), isSyncError('settings/invalid', message))
  await assert.rejects(
    store.putStream('part', streamSlowly(PART)),
    isSyncError('settings/invalid', /413/),
  )
  assert.deepEqual(waits, [])
})

test('a bucket that does not accept the types of a run is reported as settings/invalid', async (context) => {
  const { store, service } = await openStorage(context)
  await store.put('first', Buffer.from('x'))
  for (const [allowed, refused] of [
    [[], 'application/zstd, application/json, application/x-ndjson'],
    [['image/*', 'application/zstd', 'Application/JSON; charset=utf-8'], 'application/x-ndjson'],
  ] as const) {
    changeBucket(service, { allowed_mime_types: allowed })
    await assert.rejects(
      store.check(),
      isSyncError(
        'settings/invalid',
        new RegExp(`does not accept files of type ${refused}\\. Allow application/zstd, `),
      ),
    )
  }
  const refused = isSyncError(
    'settings/invalid',
    /HTTP 415: mime type application\/x-ndjson is not supported\. Allow application\/zstd, /,
  )
  await assert.rejects(store.put('latest.ndjson', Buffer.from('x')), refused)
  await assert.rejects(store.putStream('latest.ndjson', streamSlowly(PART)), refused)
  changeBucket(service, { allowed_mime_types: ['application/*'] })
  await store.check()
  await store.put('latest.ndjson', Buffer.from('x'))
})

test('the next write recreates a deleted bucket', async (context) => {
  const { store, service } = await openStorage(context)
  await store.put('first', Buffer.from('x'))
  service.objects.remove(BUCKET, ['first'])
  service.objects.removeBucket(BUCKET)
  await store.put('put', PART)
  service.objects.remove(BUCKET, ['put'])
  service.objects.removeBucket(BUCKET)
  await store.putStream('stream', streamSlowly(PART))
  assert.equal(service.objects.findBucket(BUCKET)?.public, false)
  assert.ok(PART.equals(await store.get('stream')))
})

test('a bucket deleted during an upload is recreated for it, or for the next attempt', async (context) => {
  const { store, service } = await openStorage(context)
  await store.put('first', Buffer.from('x'))
  service.objects.remove(BUCKET, ['first'])
  let chunks = listPatches(service).length
  const deleting = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of streamSlowly(PART)) {
      if (listPatches(service).length > chunks) service.objects.removeBucket(BUCKET)
      yield piece
    }
  }
  await assert.rejects(
    store.putStream('stream', deleting()),
    isSyncError('artifact/unwritable', /HTTP 404: The related resource does not exist$/),
  )
  chunks = Infinity
  await store.putStream('stream', deleting())
  assert.ok(PART.equals(await store.get('stream')))
  service.objects.remove(BUCKET, ['stream'])
  service.faults.set({ kind: 'status', status: 503, path: 'PATCH *', skip: 1 })
  const remove: Waiter = () => Promise.resolve(service.objects.removeBucket(BUCKET))
  const other = new SupabaseStore({
    url: service.url,
    secretKey: SECRET_KEY,
    bucket: BUCKET,
    wait: remove,
  })
  await other.put('part', PART)
  assert.ok(PART.equals(await other.get('part')))
})

test('an invalid bucket name is reported as settings/invalid', async (context) => {
  const { store } = await openStorage(context, {}, { bucket: 'raw/more?' })
  const message =
    /^supabase:raw\/more\? at .*: HTTP 400: Bucket name invalid\. Name another bucket in BUCKET/
  await assert.rejects(store.check(), isSyncError('settings/invalid', message))
  await assert.rejects(store.put('a', Buffer.from('x')), isSyncError('settings/invalid', message))
})

function changeBucket(service: StorageSimulator, change: Partial<BucketRow>): void {
  const bucket = service.objects.findBucket(BUCKET)
  assert.ok(bucket)
  service.objects.saveBucket({ ...bucket, ...change })
}
