// Tests against a simulator of Supabase Storage: a real tus server over a folder. Faults happen at an
// exact byte; waits are recorded instead of slept.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SECRET_KEY, startStorage } from '../../../simulators/storage/server.ts'
import { testStore } from '../../../test/conformance/store.ts'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import {
  countRequests,
  BUCKET,
  CREATE,
  MIB,
  openStorage,
  PART,
  type Patch,
  listPatches,
  streamSlowly,
} from '../../../test/support/supabase-storage.ts'
import type { Waiter } from '../../lib/back-off.ts'
import { SupabaseStore } from './supabase.ts'
import { UPLOAD_CHUNK_BYTES } from './resumable-upload.ts'

testStore('Supabase Storage', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-storage-'))
  const service = await startStorage({ folder })
  const store = new SupabaseStore({ url: service.url, secretKey: SECRET_KEY, bucket: BUCKET })
  const close = async (): Promise<void> => {
    await service.close()
    await rm(folder, { recursive: true })
  }
  return { store, close }
})

test('a part is uploaded in chunks of exactly 6 MiB and a shorter last one', async (context) => {
  const { store, service } = await openStorage(context)
  await store.put('part', PART)
  const expected = [
    { offset: 0, bytes: UPLOAD_CHUNK_BYTES },
    { offset: 6 * MIB, bytes: UPLOAD_CHUNK_BYTES },
    { offset: 12 * MIB, bytes: MIB },
  ]
  assert.deepEqual(listPatches(service), expected)
  service.stats.reset()
  await store.putStream('stream', streamSlowly(PART))
  assert.deepEqual(listPatches(service), expected)
  service.stats.reset()
  await store.put('two', PART.subarray(0, 12 * MIB))
  assert.deepEqual(listPatches(service), expected.slice(0, 2))
  assert.equal(UPLOAD_CHUNK_BYTES, 6 * 1024 * 1024)
})

test('a stream is read at most one chunk ahead of the bytes that the service has', async (context) => {
  const { store, service } = await openStorage(context)
  let aheadBytesMax = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let read = 0; read < 30 * MIB; read += MIB) {
      const sent = listPatches(service).reduce((sum, { bytes }) => sum + bytes, 0)
      aheadBytesMax = Math.max(aheadBytesMax, read - sent)
      yield PART.subarray(0, MIB)
    }
  }
  await store.putStream('long', source())
  assert.equal((await store.get('long')).length, 30 * MIB)
  assert.ok(aheadBytesMax <= UPLOAD_CHUNK_BYTES + MIB, `${aheadBytesMax} bytes ahead`)
})

test('an object is stored with its type and without a cache time', async (context) => {
  const { store, service } = await openStorage(context)
  const types = {
    'a.ndjson.zst': 'application/zstd',
    'b.ndjson.gz': 'application/gzip',
    'c.ndjson': 'application/x-ndjson',
    'd.json': 'application/json',
    e: 'application/octet-stream',
  }
  for (const [key, type] of Object.entries(types)) {
    await store.put(key, Buffer.from('x'))
    const row = service.objects.find(BUCKET, key)
    assert.deepEqual([row?.contentType, row?.cacheControl], [type, 'max-age=0'])
  }
})

test('no bytes are stored as an empty object, even when a response is lost', async (context) => {
  const { store, service } = await openStorage(context)
  service.faults.set({ kind: 'lose-response', path: 'PATCH *' })
  await store.put('empty', new Uint8Array())
  assert.equal((await store.get('empty')).length, 0)
  assert.equal(service.objects.find(BUCKET, 'empty')?.size, 0)
})

const WAYS: Readonly<Record<string, (store: SupabaseStore) => Promise<void>>> = {
  'in memory': (store) => store.put('part', PART),
  streamed: (store) => store.putStream('part', streamSlowly(PART)),
}

for (const [how, put] of Object.entries(WAYS)) {
  test(`${how}: after a connection breaks in a chunk, the upload resumes at the offset of the service`, async (context) => {
    const { store, service } = await openStorage(context)
    service.faults.set({ kind: 'break', path: 'PATCH *', skip: 1, afterBytes: 2 * MIB })
    await put(store)
    assert.ok(PART.equals(await store.get('part')))
    const [first, second, third] = listPatches(service)
    assert.deepEqual([first?.offset, second?.offset], [0, 6 * MIB])
    assert.ok(
      third !== undefined && third.offset > 6 * MIB && third.offset <= 8 * MIB,
      `resumed at ${third?.offset}`,
    )
    assert.equal(countRequests(service, CREATE), 1)
  })

  test(`${how}: an interrupted last chunk is resumed`, async (context) => {
    const { store, service } = await openStorage(context)
    service.faults.set({ kind: 'break', path: 'PATCH *', skip: 2, afterBytes: 500_000 })
    await put(store)
    assert.ok(PART.equals(await store.get('part')))
    assert.equal(countRequests(service, CREATE), 1)
  })

  for (const status of [409, 423, 429, 500, 503, 544]) {
    test(`${how}: a response with status ${status} is retried`, async (context) => {
      const { store, service, waits } = await openStorage(context)
      service.faults.set({
        kind: 'status',
        status,
        body: 'busy',
        path: 'PATCH *',
        skip: 1,
        times: 3,
      })
      await put(store)
      assert.ok(PART.equals(await store.get('part')))
      assert.equal(waits.length, 3)
      assert.ok(
        waits.every((ms, i) => ms <= 500 * 2 ** i),
        waits.join(),
      )
    })
  }

  test(`${how}: a chunk whose response is lost is not sent twice`, async (context) => {
    const { store, service } = await openStorage(context)
    service.faults.set({ kind: 'lose-response', path: 'PATCH *' })
    await put(store)
    assert.ok(PART.equals(await store.get('part')))
    assert.deepEqual(
      listPatches(service).map(({ offset }) => offset),
      [0, 6 * MIB, 12 * MIB],
    )
  })
}

test('Retry-After is the shortest wait, up to one minute', async (context) => {
  const { store, service, waits } = await openStorage(context)
  service.faults.set({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '7' },
    path: 'PATCH *',
  })
  service.faults.set({
    kind: 'status',
    status: 503,
    headers: { 'retry-after': '86400' },
    path: 'GET /object/*',
  })
  await store.put('part', Buffer.from('x'))
  await store.get('part')
  const [patient = 0, bounded = 0] = waits
  assert.ok(patient >= 7000 && patient <= 7500, `${patient}`)
  assert.ok(bounded >= 60_000 && bounded <= 60_500, `${bounded}`)
})

test('a service that stays down is reported as artifact/unavailable after a fixed number of attempts', async (context) => {
  const { store, service, waits } = await openStorage(context)
  await store.check()
  service.faults.set({
    kind: 'status',
    status: 503,
    body: '{"message":"SlowDown"}',
    path: 'PATCH *',
    times: null,
  })
  await assert.rejects(
    store.put('part', PART),
    isSyncError('artifact/unavailable', /^Cannot write part in .*: HTTP 503: SlowDown$/),
  )
  assert.equal(waits.length, 3)
  await assert.rejects(
    store.putStream('part', streamSlowly(PART)),
    isSyncError('artifact/unavailable', /HTTP 503/),
  )
  assert.equal(waits.length, 3 + 7)
  await service.close()
  await assert.rejects(
    store.get('part'),
    isSyncError('artifact/unavailable', /^Cannot read part in .*: no response \(ECONNREFUSED\)$/),
  )
})

test('an upload that expired is restarted', async (context) => {
  const expire: Waiter = () => Promise.resolve(service.objects.expireUploads())
  const { store, service } = await openStorage(context, {}, { wait: expire })
  service.faults.set({ kind: 'status', status: 503, path: 'PATCH *', skip: 1 })
  await store.put('part', PART)
  assert.ok(PART.equals(await store.get('part')))
  assert.equal(countRequests(service, CREATE), 2)
})

test('an upload that expires during every wait fails with artifact/unwritable', async (context) => {
  const expire: Waiter = () => Promise.resolve(service.objects.expireUploads())
  const { store, service } = await openStorage(context, {}, { wait: expire })
  service.faults.set({ kind: 'status', status: 503, path: 'PATCH *', times: null })
  await assert.rejects(store.put('part', PART), isSyncError('artifact/unwritable', /: HTTP 410: /))
  assert.equal(countRequests(service, CREATE), 4)
})

test('when the response to the last byte is lost, the upload succeeds only if the object exists', async (context) => {
  for (const kind of ['lose-response', 'unfinished'] as const) {
    const { store, service } = await openStorage(context)
    service.faults.set({ kind, path: 'PATCH *', skip: 2 })
    await store.put('part', PART)
    assert.ok(PART.equals(await store.get('part')))
    assert.equal(countRequests(service, CREATE), 2)
  }
})

test('a stream whose last response is lost fails with a retryable error', async (context) => {
  const { store, service } = await openStorage(context)
  service.faults.set({ kind: 'unfinished', path: 'PATCH *', skip: 2 })
  await assert.rejects(
    store.putStream('part', streamSlowly(PART)),
    isSyncError('artifact/unwritable', /it is unknown whether the upload was completed$/),
  )
  await assert.rejects(store.get('part'), isSyncError('artifact/missing', /Object not found/))
})

test('after the service is killed in a chunk and restarted, the same upload resumes', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-storage-'))
  const [first, url] = await spawnStorage(folder, 0)
  let child = first
  context.after(async () => {
    await stop(child)
    await rm(folder, { recursive: true })
  })
  let restarted: Promise<void> | null = null
  const wait: Waiter = () => {
    restarted ??= (async () => {
      if (child.signalCode === null) await once(child, 'exit')
      ;[child] = await spawnStorage(folder, Number(new URL(url).port))
    })()
    return restarted
  }
  const store = new SupabaseStore({ url, secretKey: SECRET_KEY, bucket: BUCKET, wait })
  await fetch(`${url}/_control/faults`, {
    method: 'POST',
    body: JSON.stringify({ kind: 'die', path: 'PATCH *', skip: 1, afterBytes: 3 * MIB }),
  })
  await store.put('part', PART)
  assert.ok(PART.equals(await store.get('part')))
  const stats = await fetch(`${url}/_control/stats`)
  const { requests, last } = (await stats.json()) as {
    requests: Record<string, number>
    last: { method: string; body: Patch }[]
  }
  assert.equal(requests[CREATE], undefined, 'the upload was restarted')
  const offsets = last.filter(({ method }) => method === 'PATCH').map(({ body }) => body.offset)
  assert.ok(offsets.length === 2 && (offsets[0] ?? 0) >= 6 * MIB, `resumed at ${offsets.join()}`)
})

test('a web page is never stored as an artifact, regardless of its status', async (context) => {
  const { store, service, waits } = await openStorage(context)
  await store.put('part', PART)
  service.faults.set(
    { kind: 'status', status: 200, path: 'GET /object/*' },
    { kind: 'status', status: 403, path: 'GET /object/*', skip: 1 },
  )
  assert.ok(PART.equals(await store.get('part')))
  assert.equal(waits.length, 2)
  service.faults.set({ kind: 'status', status: 200, path: 'GET /object/*', times: null })
  await assert.rejects(
    store.get('part'),
    isSyncError('artifact/unavailable', /HTTP 200: a web page instead of a response$/),
  )
})

test('a truncated response is requested again', async (context) => {
  const bodies = [(whole: Buffer) => whole.subarray(0, 5000), (whole: Buffer) => whole]
  const bytes = randomBytes(100_000)
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    const sent = bodies.shift()?.(bytes) ?? bytes
    response.write(sent, () => (sent.length < bytes.length ? response.destroy() : response.end()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const store = new SupabaseStore({
    url: `http://127.0.0.1:${port}`,
    secretKey: SECRET_KEY,
    bucket: BUCKET,
    wait: () => turn(),
  })
  assert.ok(bytes.equals(await store.get('part')))
})

test('a folder of more than one page is listed and removed completely', async (context) => {
  const { store, service } = await openStorage(context)
  await store.put('k/0000', Buffer.from('x'))
  const row = service.objects.find(BUCKET, 'k/0000')
  assert.ok(row)
  const names = Array.from({ length: 2345 }, (_, i) => `k/${String(i + 1).padStart(4, '0')}`)
  service.objects.save(...names.map((name) => ({ ...row, name, upload: `${name}.gone` })))
  const keys = (await Array.fromAsync(store.list('k/'))).map(({ key }) => key)
  assert.deepEqual(keys, ['k/0000', ...names])
  await store.remove(keys)
  assert.equal(countRequests(service, `DELETE /object/${BUCKET}`), 3)
  assert.deepEqual(await Array.fromAsync(store.list('')), [])
})

test('without a bucket, list is empty, remove succeeds and get fails with artifact/missing', async (context) => {
  const { store } = await openStorage(context)
  assert.deepEqual(await Array.fromAsync(store.list('')), [])
  await store.remove(['a'])
  await assert.rejects(
    store.get('a'),
    isSyncError('artifact/missing', /HTTP 404: Bucket not found$/),
  )
})

test('a rejected API key is reported as settings/invalid and never shown, even when the service repeats it', async (context) => {
  for (const secretKey of ['sb_secret_planted', 'eyJplanted.payload.signature']) {
    const { store, service } = await openStorage(context, {}, { secretKey })
    const put = (): Promise<void> => store.put('a', Buffer.from('x'))
    for (const attempt of [
      () => store.check(),
      put,
      () => store.get('a'),
      () => store.remove(['a']),
      () => Array.fromAsync(store.list('')),
    ]) {
      await assert.rejects(
        attempt,
        isSyncError(
          'settings/invalid',
          /HTTP 401: Invalid API key\. Check that SUPABASE_SECRET_KEY/,
        ),
      )
    }
    service.faults.set({
      kind: 'status',
      status: 400,
      body: `{"message":"bad key ${secretKey}"}`,
      path: 'GET /object/*',
    })
    await assert.rejects(store.get('a'), isSyncError('artifact/missing', /bad key \[redacted\]$/))
    service.faults.clear()
    service.faults.set({
      kind: 'status',
      status: 400,
      body: `{"message":"${'x'.repeat(190)} ${secretKey}${'y'.repeat(500)}"}`,
      path: 'GET /object/*',
    })
    await assert.rejects(store.get('a'), isSyncError('artifact/missing', /x{190} \[redacte…$/))
    await service.close()
    await assert.rejects(store.get('a'), isSyncError('artifact/unavailable', /no response/))
  }
})

test('a service-role token is sent in the same two headers', async (context) => {
  const secretKey = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.signature'
  const { store } = await openStorage(context, { secretKey }, { secretKey })
  await store.put('a', Buffer.from('x'))
  assert.equal((await store.get('a')).length, 1)
})

test('a redirect is not followed, because it would receive the key', async (context) => {
  const { store, service } = await openStorage(context)
  service.faults.set({
    kind: 'status',
    status: 301,
    headers: { location: 'http://127.0.0.1:1/' },
    path: 'GET *',
  })
  await assert.rejects(
    store.get('a'),
    isSyncError('settings/invalid', /HTTP 301: a redirect; correct SUPABASE_URL$/),
  )
})

test('concurrent writers store their parts independently', async (context) => {
  const { store } = await openStorage(context)
  const parts = Array.from({ length: 6 }, (_, i) => PART.subarray(i * MIB, i * MIB + 7 * MIB))
  await Promise.all(parts.map((bytes, i) => store.put(`part-${i}`, bytes)))
  for (const [i, bytes] of parts.entries()) assert.ok(bytes.equals(await store.get(`part-${i}`)))
})

/** Starts the simulator as a separate process, which the fault `die` kills. */
async function spawnStorage(
  folder: string,
  port: number,
): Promise<[ReturnType<typeof spawn>, string]> {
  const args = ['simulators/cli.ts', 'storage', '--folder', folder, '--port', String(port)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [greeting] = (await once(child.stdout, 'data')) as [Buffer]
  return [child, /listens on (\S+)/.exec(String(greeting))?.[1] ?? '']
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
