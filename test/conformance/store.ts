// The conformance suite of artifact stores. Each store's test file calls `testStore`.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ArtifactStore } from '../../src/artifacts/store.ts'
import { SyncError } from '../../src/core/errors.ts'

const MIB = 1024 * 1024
/**
 * Sizes at which uploads and reads are split: an empty object, one byte, around the 6 MiB of a
 * resumable upload's chunk, and several chunks.
 */
const SIZES = [0, 1, 6 * MIB - 1, 6 * MIB, 6 * MIB + 1, 12 * MIB, 13 * MIB]

const UNSAFE_KEYS = [
  '',
  '/etc/passwd',
  '../up',
  'a/../../up',
  'a//b',
  'a/',
  './a',
  'a/.',
  'a\\b',
  'a\0b',
  'a b',
  'ä',
  'a/b.tmp',
  'a'.repeat(1001),
]

/** Runs the suite on empty stores that `open` creates. `close` removes one. */
export function testStore(
  name: string,
  open: () => Promise<{ store: ArtifactStore; close: () => Promise<void> }>,
): void {
  const check = (promise: string, body: (store: ArtifactStore) => Promise<void>): void => {
    test(promise, async () => {
      const { store, close } = await open()
      try {
        await body(store)
      } finally {
        await close()
      }
    })
  }

  describe(`${name} fulfils the contract of an artifact store`, () => {
    check('an empty store passes its check repeatedly', async (store) => {
      await store.check()
      await store.check()
      assert.deepEqual(await keysOf(store, ''), [])
    })

    check('get returns the bytes of put, for any size', async (store) => {
      for (const size of SIZES) {
        await store.put(`sizes/${size}`, pattern(size, 7))
        assert.deepEqual(Buffer.from(await store.get(`sizes/${size}`)), pattern(size, 7))
      }
    })

    check('get returns the bytes of putStream, for any size and pieces', async (store) => {
      for (const size of SIZES) {
        const bytes = pattern(size, 3)
        await store.putStream(`streams/${size}`, pieces(bytes, 1_000_003))
        assert.ok(bytes.equals(await store.get(`streams/${size}`)), `${size} bytes`)
      }
      await store.putStream('streams/small', pieces(pattern(5000, 4), 7))
      await store.putStream('streams/small', pieces(pattern(40, 5), 7))
      assert.deepEqual(Buffer.from(await store.get('streams/small')), pattern(40, 5))
    })

    check(
      'when the source of a stream throws, putStream rejects with that error and readers see the previous object',
      async (store) => {
        await store.put('kept', text('old'))
        for (const good of [0, 1, 7 * MIB]) {
          const failing = async function* (): AsyncGenerator<Uint8Array> {
            yield* pieces(pattern(good, 1), MIB)
            throw new SyncError('artifact/corrupt', 'the source broke')
          }
          await assert.rejects(
            store.putStream('kept', failing()),
            named('artifact/corrupt', /^the source broke$/),
          )
          await assert.rejects(store.putStream('never', failing()), named('artifact/corrupt'))
        }
        assert.equal(String(Buffer.from(await store.get('kept'))), 'old')
        assert.deepEqual(await keysOf(store, ''), ['kept'])
      },
    )

    check('only the bytes of a view of a larger buffer are stored', async (store) => {
      await store.put('view', new Uint8Array(pattern(100, 1).buffer, 10, 20))
      assert.equal((await store.get('view')).length, 20)
    })

    check('storing the same bytes twice keeps one object', async (store) => {
      await store.put('a/b.ndjson', text('once'))
      await store.put('a/b.ndjson', text('once'))
      assert.deepEqual(await keysOf(store, ''), ['a/b.ndjson'])
      assert.equal(String(Buffer.from(await store.get('a/b.ndjson'))), 'once')
    })

    check('a reader receives the old or the new bytes, never a mixture', async (store) => {
      const [old, young] = [pattern(300_000, 1), pattern(200_000, 2)]
      await store.put('k', old)
      let writing = true
      const writer = (async () => {
        for (let i = 0; i < 20; i++) await store.put('k', i % 2 === 0 ? young : old)
        writing = false
      })()
      while (writing) {
        const seen = await store.get('k')
        assert.ok(
          old.equals(seen) || young.equals(seen),
          `${seen.length} bytes that no writer wrote`,
        )
      }
      await writer
    })

    check(
      'concurrent writers of the same or of adjacent keys do not affect each other',
      async (store) => {
        const writes = Array.from({ length: 24 }, (_, i) =>
          store.put(`deep/${i % 3}/file-${i % 12}`, text(`${i % 12}`)),
        )
        await Promise.all(writes)
        assert.equal((await keysOf(store, 'deep/')).length, 12)
        assert.equal(String(Buffer.from(await store.get('deep/2/file-11'))), '11')
      },
    )

    check(
      'reading a missing object fails with artifact/missing and names the key',
      async (store) => {
        await assert.rejects(
          store.get('no/such.ndjson'),
          named('artifact/missing', /no\/such\.ndjson/),
        )
      },
    )

    check('list returns every key with the prefix, ascending, with its size', async (store) => {
      for (const key of ['b/2', 'a/b/1', 'a.b', 'a/b-c', 'a/c', 'ab', 'a/b.d'])
        await store.put(key, text(key))
      assert.deepEqual(await keysOf(store, ''), [
        'a.b',
        'a/b-c',
        'a/b.d',
        'a/b/1',
        'a/c',
        'ab',
        'b/2',
      ])
      assert.deepEqual(await keysOf(store, 'a/'), ['a/b-c', 'a/b.d', 'a/b/1', 'a/c'])
      assert.deepEqual(await keysOf(store, 'a/b'), ['a/b-c', 'a/b.d', 'a/b/1'])
      assert.deepEqual(await keysOf(store, 'a/b/'), ['a/b/1'])
      assert.deepEqual(await keysOf(store, 'none/'), [])
      for await (const { key, bytes, modifiedAt } of store.list('')) {
        assert.equal(bytes, key.length)
        assert.ok(modifiedAt.getTime() > 0)
      }
    })

    check('removing a listed key at once does not hide the remaining keys', async (store) => {
      const keys = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/4']
      for (const key of keys) await store.put(key, text(key))
      const seen: string[] = []
      for await (const { key } of store.list('')) {
        seen.push(key)
        await store.remove([key])
      }
      assert.deepEqual(seen, keys)
      assert.deepEqual(await keysOf(store, ''), [])
    })

    check(
      'removed objects are gone, all others stay, and removing again is safe',
      async (store) => {
        for (const key of ['r/1', 'r/2', 'r/deep/3']) await store.put(key, text(key))
        await store.remove(['r/1', 'r/deep/3', 'r/never-there', 'nowhere/at/all'])
        await store.remove(['r/1'])
        await store.remove([])
        assert.deepEqual(await keysOf(store, ''), ['r/2'])
        await assert.rejects(store.get('r/1'), named('artifact/missing'))
      },
    )

    check('a removed object can be stored again', async (store) => {
      await store.put('x/y/z', text('1'))
      await store.remove(['x/y/z'])
      await store.put('x/y/z', text('2'))
      assert.equal(String(Buffer.from(await store.get('x/y/z'))), '2')
    })

    check('every method rejects a key that could lead outside the store', async (store) => {
      for (const key of UNSAFE_KEYS) {
        await assert.rejects(store.put(key, text('x')), named('usage/invalid'), JSON.stringify(key))
        await assert.rejects(
          store.putStream(key, pieces(pattern(1, 1), 1)),
          named('usage/invalid'),
          JSON.stringify(key),
        )
        await assert.rejects(store.get(key), named('usage/invalid'), JSON.stringify(key))
        await assert.rejects(store.remove([key]), named('usage/invalid'), JSON.stringify(key))
      }
      await assert.rejects(keysOf(store, '../'), named('usage/invalid'))
      assert.deepEqual(await keysOf(store, ''), [])
    })

    check('sweep keeps every complete object', async (store) => {
      await store.put('whole', text('x'))
      assert.equal(await store.sweep(new Date(8.64e15)), 0)
      assert.deepEqual(await keysOf(store, ''), ['whole'])
    })
  })
}

function named(code: string, message = /./): (error: unknown) => boolean {
  return (error) => error instanceof SyncError && error.code === code && message.test(error.message)
}

async function keysOf(store: ArtifactStore, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key)
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** Bytes that differ from the adjacent ones, so that a shifted or repeated piece is detected. */
function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + seed) & 255
  return bytes
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
