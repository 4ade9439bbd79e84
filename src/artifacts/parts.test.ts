// Parts in a real folder: a part is read back unchanged, and no byte of a corrupt one is yielded.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { measureBufferBytes } from '../../test/support/memory.ts'
import { SyncError } from '../core/errors.ts'
import { Codec, CHUNK_BYTES, decompress } from './codec.ts'
import { DiskStore } from './stores/disk.ts'
import {
  toArtifactKey,
  type ArtifactRun,
  Manifest,
  toManifestKey,
  saveManifest,
} from './manifest.ts'
import { readParts, Part, PartWriter, readPart, verifyArtifact } from './parts.ts'

const RUN: ArtifactRun = {
  source: 'medipim-au',
  run: '01J',
  startedAt: new Date('2026-11-22T23:59:59.999Z'),
}

let folder: string
let store: DiskStore

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shelfsync-parts-'))
  store = new DiskStore(folder)
})

after(() => rm(folder, { recursive: true }))

function page(from: number, lineCount: number): { bytes: Buffer; lineCount: number } {
  const lines = Array.from(
    { length: lineCount },
    (_, i) => `{"id":"${from + i}","name":"Sun cream ${from + i}"}\n`,
  )
  return { bytes: Buffer.from(lines.join('')), lineCount }
}

async function archive(
  no: number,
  codec: Codec,
  pages: readonly { bytes: Buffer; lineCount: number }[],
): Promise<Part> {
  const writer = new PartWriter(codec)
  for (const one of pages) await writer.add(one)
  const { bytes, ...packed } = await writer.finish()
  const key = toArtifactKey(RUN, no, packed)
  await store.put(key, bytes)
  return Part.parse({ no, key, ...packed })
}

async function rawOf(part: Part): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(readPart(store, part)))
}

function corrupt(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof SyncError && error.code === 'artifact/corrupt' && message.test(error.message)
}

for (const codec of Codec.options) {
  test(`${codec}: pages are read back byte for byte, with matching counts`, async () => {
    const pages = [page(0, 40_000), page(40_000, 1), page(40_001, 20_000)]
    const raw = Buffer.concat(pages.map(({ bytes }) => bytes))
    const part = await archive(1, codec, pages)
    assert.ok(raw.equals(await rawOf(part)))
    assert.deepEqual([part.codec, part.rawBytes, part.lineCount], [codec, raw.length, 60_001])
    assert.equal(part.storedBytes, (await store.get(part.key)).length)
    assert.ok(
      codec === 'none' ? part.storedBytes === part.rawBytes : part.storedBytes * 4 < part.rawBytes,
    )
    for await (const chunk of readPart(store, part)) assert.ok(chunk.length <= CHUNK_BYTES)
  })

  test(`${codec}: without pages the part is empty`, async () => {
    const part = await archive(2, codec, [])
    assert.equal((await rawOf(part)).length, 0)
    assert.deepEqual([part.rawBytes, part.lineCount], [0, 0])
  })

  test(`${codec}: a flipped bit is artifact/corrupt, and no byte is yielded`, async () => {
    const part = await archive(3, codec, [page(0, 50)])
    const stored = Buffer.from(await store.get(part.key))
    for (let at = 0; at < stored.length; at += 97) {
      const damaged = Buffer.from(stored)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      await store.put(part.key, damaged)
      const expected = new RegExp(`^${part.key} .* has SHA-256 [0-9a-f]{64} .* but ${part.sha256} `)
      await assert.rejects(readPart(store, part).next(), corrupt(expected))
    }
  })

  test(`${codec}: truncated bytes are artifact/corrupt`, async () => {
    const part = await archive(4, codec, [page(0, 50)])
    await store.put(part.key, (await store.get(part.key)).subarray(0, 20))
    await assert.rejects(rawOf(part), corrupt(/20 bytes/))
  })

  test(`${codec}: more or fewer raw bytes than archived are artifact/corrupt, and no more than archived are yielded`, async () => {
    const part = await archive(5, codec, [page(0, 100_000)])
    let yieldedBytes = 0
    const reading = async (rawBytes: number): Promise<void> => {
      for await (const chunk of readPart(store, { ...part, rawBytes })) yieldedBytes += chunk.length
    }
    await assert.rejects(reading(2_000_000), corrupt(/more than the 2000000 raw bytes/))
    assert.ok(yieldedBytes <= 2_000_000)
    await assert.rejects(reading(part.rawBytes + 1), corrupt(/fewer than/))
  })
}

test('bytes of another codec are artifact/corrupt even with the right checksum', async () => {
  const part = await archive(6, 'gzip', [page(0, 50)])
  await assert.rejects(rawOf({ ...part, codec: 'zstd' }), corrupt(/is not valid zstd data/))
})

test('a part that ends inside a line is rejected', async () => {
  const unfinished = new PartWriter('none')
  await unfinished.add({ bytes: Buffer.from('{"id":1}'), lineCount: 0 })
  await assert.rejects(unfinished.finish(), /must end with a line feed/)
})

test('a part is full at its limit, but accepts a first page of any size', async () => {
  const writer = new PartWriter('none', 100)
  assert.ok(writer.fits(1000))
  await writer.add({ bytes: Buffer.from(`${'x'.repeat(59)}\n`), lineCount: 1 })
  assert.ok(writer.fits(40))
  assert.ok(!writer.fits(41))
  writer.discard()
})

test('a part writer does not keep raw bytes', async () => {
  const writer = new PartWriter('zstd')
  const pageBytes = 1024 * 1024
  const bytesBefore = measureBufferBytes()
  for (let i = 0; i < 32; i++)
    await writer.add({ bytes: Buffer.alloc(pageBytes, `${'x'.repeat(63)}\n`), lineCount: 16_384 })
  const heldBytes = measureBufferBytes() - bytesBefore
  assert.ok(heldBytes < 6 * pageBytes, `${heldBytes} bytes held`)
  assert.equal((await writer.finish()).rawBytes, 32 * pageBytes)
})

test('a reader that stops early releases its resources', async () => {
  const part = await archive(7, 'zstd', [page(0, 100_000)])
  for await (const chunk of readPart(store, part)) {
    assert.ok(chunk.length > 0)
    break
  }
})

test('readParts yields all parts in order', async () => {
  const parts = [await archive(8, 'zstd', [page(0, 10)]), await archive(9, 'gzip', [page(10, 10)])]
  assert.equal(
    String(Buffer.concat(await Array.fromAsync(readParts(store, parts)))),
    String(page(0, 20).bytes),
  )
})

test('verifyArtifact reports each bad part and continues', async () => {
  const archiveNine = (no: number): Promise<Part> => archive(no, 'zstd', [page(no * 9, 9)])
  const [good, wrong, gone, miscounted] = await Promise.all([
    archiveNine(10),
    archiveNine(11),
    archiveNine(12),
    archiveNine(13),
  ])
  await store.put(wrong.key, Buffer.from('corrupt'))
  await store.remove([gone.key])
  const checks = await Array.fromAsync(
    verifyArtifact(store, [good, wrong, gone, { ...miscounted, lineCount: 8 }]),
  )
  const outcomes = checks.map(({ problem }) => problem?.code ?? 'as archived')
  assert.deepEqual(outcomes, [
    'as archived',
    'artifact/corrupt',
    'artifact/missing',
    'artifact/corrupt',
  ])
  assert.match(checks[3]?.problem?.message ?? '', /has 9 lines, but 8 were archived/)
})

test('two workers that archive the same part number with other bytes do not overwrite each other', async () => {
  const [late, current] = [
    await archive(14, 'zstd', [page(0, 3)]),
    await archive(14, 'zstd', [page(5, 3)]),
  ]
  assert.notEqual(late.key, current.key)
  assert.equal(String(await rawOf(late)), String(page(0, 3).bytes))
})

test('keys sort by source, UTC day, run and part', () => {
  const sha256 = 'abcdef01'.repeat(8)
  assert.equal(
    toArtifactKey(RUN, 12, { sha256, codec: 'zstd' }),
    'medipim-au/2026/11/22/01J/part-00012-abcdef01.ndjson.zst',
  )
  assert.equal(
    toArtifactKey(RUN, 1, { sha256, codec: 'gzip' }),
    'medipim-au/2026/11/22/01J/part-00001-abcdef01.ndjson.gz',
  )
  assert.equal(
    toArtifactKey(RUN, 1, { sha256, codec: 'none' }),
    'medipim-au/2026/11/22/01J/part-00001-abcdef01.ndjson',
  )
  assert.equal(toManifestKey(RUN), 'medipim-au/2026/11/22/01J/manifest.json')
})

test('a manifest is written unchanged, and an invalid one is rejected', async () => {
  const part = await archive(15, 'zstd', [page(0, 3)])
  const { rawBytes, storedBytes } = part
  const manifest: Manifest = {
    source: RUN.source,
    run: RUN.run,
    mode: 'full',
    parts: [part],
    complete: true,
    expected: 3,
    lines: 3,
    rawBytes,
    storedBytes,
    watermark: null,
    startedAt: RUN.startedAt.toISOString(),
    finishedAt: '2026-11-23T00:10:00.000Z',
    shelfsync: '0.1.0',
  }
  await saveManifest(store, toManifestKey(RUN), manifest)
  assert.deepEqual(
    Manifest.parse(JSON.parse(String(await store.get(toManifestKey(RUN))))),
    manifest,
  )
  await assert.rejects(saveManifest(store, 'other.json', { ...manifest, lines: -1 }))
  await assert.rejects(store.get('other.json'))
})

test('chunks of an uncompressed part are views, not copies', async () => {
  const stored = Buffer.alloc(CHUNK_BYTES + 1)
  const chunks = await Array.fromAsync(decompress('none', stored))
  assert.deepEqual(
    chunks.map(({ length }) => length),
    [CHUNK_BYTES, 1],
  )
  assert.equal(chunks[0]?.buffer, stored.buffer)
})
