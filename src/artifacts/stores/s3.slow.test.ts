// The S3 store against an independent implementation of the protocol.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { testStore } from '../../../test/conformance/store.ts'
import { cleanEnv } from '../../../test/support/processes.ts'
import { type S3Server, startS3 } from '../../../test/support/s3-server.ts'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import { type S3Options, S3Store } from './s3.ts'

let folder: string
let server: S3Server
let options: S3Options

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shelfsync-s3-'))
  server = await startS3(folder)
  options = {
    bucket: 'raw',
    prefix: '',
    region: 'us-east-1',
    endpoint: server.url,
    key: { id: 'S3RVER', secret: 'S3RVER' },
  }
})

after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

// A separate prefix for each store shows objects that another one left.
let opened = 0

testStore('S3', () => {
  const store = new S3Store({ ...options, prefix: `store-${(opened += 1)}/` })
  return Promise.resolve({
    store,
    close: async () => store.remove((await Array.fromAsync(store.list(''))).map(({ key }) => key)),
  })
})

test('a store lists only objects under its prefix', async () => {
  const [mine, neighbour] = [
    new S3Store({ ...options, prefix: 'mine/' }),
    new S3Store({ ...options, prefix: 'mine-too/' }),
  ]
  await mine.put('a', Buffer.from('x'))
  await neighbour.put('b', Buffer.from('x'))
  assert.deepEqual(
    (await Array.fromAsync(mine.list(''))).map(({ key }) => key),
    ['a'],
  )
  assert.deepEqual(
    (await Array.fromAsync(new S3Store(options).list('mine'))).map(({ key }) => key),
    ['mine-too/b', 'mine/a'],
  )
})

test('a list continues beyond a page of 1,000', async () => {
  const store = new S3Store({ ...options, prefix: 'many/' })
  const keys = Array.from({ length: 1003 }, (_, i) => `k/${String(i).padStart(4, '0')}`)
  for (let i = 0; i < keys.length; i += 50)
    await Promise.all(keys.slice(i, i + 50).map((key) => store.put(key, Buffer.from('x'))))
  assert.deepEqual(
    (await Array.fromAsync(store.list('k/'))).map(({ key }) => key),
    keys,
  )
})

test('a missing bucket is reported as settings/invalid and not created', async () => {
  const store = new S3Store({ ...options, bucket: 'elsewhere' })
  await assert.rejects(
    store.check(),
    isSyncError(
      'settings/invalid',
      /The bucket of s3:\/\/elsewhere\/ .*does not exist: create it, or correct ARTIFACTS/,
    ),
  )
  await assert.rejects(
    store.put('a', Buffer.from('x')),
    isSyncError('settings/invalid', /Cannot write a in s3:\/\/elsewhere\/ .*NoSuchBucket \(404\)/),
  )
})

test('a rejected access key is reported as settings/invalid and never shown', async () => {
  const key = { id: 'planted-id', secret: 'planted-secret' }
  const store = new S3Store({ ...options, key })
  const put = (): Promise<void> => store.put('a', Buffer.from('x'))
  for (const attempt of [
    put,
    () => store.get('a'),
    () => store.remove(['a']),
    () => Array.fromAsync(store.list('')),
  ]) {
    await assert.rejects(
      attempt,
      isSyncError('settings/invalid', /InvalidAccessKeyId \(403\)\. Check .*S3_ACCESS_KEY_ID/),
    )
  }
})

test('the error code of a server is repeated only when it is an identifier', async (t) => {
  let code = ''
  const proxy = createServer(
    (_, response) =>
      void response
        .writeHead(403, { 'content-type': 'application/xml' })
        .end(`<Error><Code>${code}</Code><Message>no</Message></Error>`),
  )
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const store = new S3Store({
    ...options,
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    key: { id: 'id', secret: 'planted-secret' },
  })
  for (code of ['x'.repeat(2_000_000), `you sent planted-secret`]) {
    await assert.rejects(
      store.get('a'),
      isSyncError('settings/invalid', /: an error without a name \(403\)\. Check/),
    )
  }
})

test('an unreachable server is reported as artifact/unavailable', async () => {
  const store = new S3Store({ ...options, endpoint: 'http://127.0.0.1:1' })
  await assert.rejects(
    store.get('a'),
    isSyncError(
      'artifact/unavailable',
      /^Cannot read a in s3:\/\/raw\/ at 127\.0\.0\.1:1: ECONNREFUSED$/,
    ),
  )
})

test('a failed import of the SDK, as with too many open files, is tried again', async () => {
  const script = `import { registerHooks } from 'node:module'
    let imports = 0
    registerHooks({ resolve(name, context, next) {
      if (name === '@aws-sdk/client-s3' && (imports += 1) === 1) throw new Error('EMFILE')
      return next(name, context)
    } })
    const { S3Store } = await import(${JSON.stringify(new URL('s3.ts', import.meta.url).href)})
    const store = new S3Store(${JSON.stringify({ ...options, prefix: 'import/' })})
    const put = () => store.put('a', Buffer.from('x')).then(() => 'stored', ({ message }) => message)
    console.log(await put(), await put())`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script],
    { env: cleanEnv({}) },
  )
  assert.equal(stdout.trim(), 'EMFILE stored')
})
