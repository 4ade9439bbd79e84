import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { measureBufferBytes } from '../../test/support/memory.ts'
import { SyncError } from '../core/errors.ts'
import type { Codec } from './codec.ts'
import { DiskStore } from './stores/disk.ts'
import { toLatestKey, writeLatest } from './latest-file.ts'
import { type Part, PartWriter } from './parts.ts'

const LINE = `{"id":"1","name":"${'Sun cream '.repeat(100)}"}\n`

async function open(context: TestContext): Promise<DiskStore> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-latest-'))
  context.after(() => rm(folder, { recursive: true }))
  return new DiskStore(folder)
}

async function archive(
  store: DiskStore,
  no: number,
  text: string,
  codec: Codec = 'zstd',
): Promise<Part> {
  const writer = new PartWriter(codec)
  await writer.add({ bytes: Buffer.from(text), lineCount: text.split('\n').length - 1 })
  const { bytes, ...packed } = await writer.finish()
  const key = `shop/run/part-${no}`
  await store.put(key, bytes)
  return { no, key, ...packed }
}

async function latestOf(store: DiskStore): Promise<string> {
  return Buffer.from(await store.get(toLatestKey('shop'))).toString()
}

test('latest.ndjson contains all parts in order, and the next run replaces it', async (context) => {
  const store = await open(context)
  const parts = [
    await archive(store, 1, '{"id":"a"}\n'),
    await archive(store, 2, '{"id":"b"}\n', 'gzip'),
  ]
  await writeLatest(store, 'shop', parts)
  await writeLatest(store, 'shop', parts)
  assert.equal(await latestOf(store), '{"id":"a"}\n{"id":"b"}\n')
  await writeLatest(store, 'shop', [await archive(store, 3, '{"id":"c"}\n')])
  assert.equal(await latestOf(store), '{"id":"c"}\n')
  assert.equal(toLatestKey('shop'), 'shop/latest.ndjson')
})

test('a corrupt part leaves the previous file', async (context) => {
  const store = await open(context)
  const parts = [await archive(store, 1, '{"id":"a"}\n'), await archive(store, 2, '{"id":"b"}\n')]
  await writeLatest(store, 'shop', parts)
  await store.put('shop/run/part-2', Buffer.from('corrupt'))
  await assert.rejects(
    writeLatest(store, 'shop', parts),
    (error) => error instanceof SyncError && error.code === 'artifact/corrupt',
  )
  assert.equal(await latestOf(store), '{"id":"a"}\n{"id":"b"}\n')
})

test('memory does not grow with the catalogue', async (context) => {
  const store = await open(context)
  const part = await archive(store, 1, LINE.repeat(20_000))
  const bytesBefore = measureBufferBytes()
  let heldBytesMax = 0
  const watched = {
    ...part,
    get key() {
      heldBytesMax = Math.max(heldBytesMax, measureBufferBytes() - bytesBefore)
      return part.key
    },
  }
  await writeLatest(
    store,
    'shop',
    Array.from({ length: 10 }, () => watched),
  )
  assert.ok(heldBytesMax < 2 * part.rawBytes, `${heldBytesMax} bytes held of ${10 * part.rawBytes}`)
})
