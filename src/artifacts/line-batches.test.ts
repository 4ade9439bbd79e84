// Compares readLines with a model that splits the whole input: any chunks give the same lines at the
// same offsets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { measureBufferBytes } from '../../test/support/memory.ts'
import { type Lines, type LongLine, readLines } from './line-batches.ts'

/** Collects its input as text. */
class Collector {
  text = ''
  length = 0
  push(bytes: Buffer): void {
    this.length += bytes.length
    if (this.length < 1000) this.text += bytes.toString('latin1')
  }
}

const MARK = '\xef\xbb\xbf'

interface Seen {
  line: number
  offset: number
  length: number
  text: string
}

function seenIn(batch: Lines | LongLine<Collector>): Seen[] {
  if (batch.kind === 'long') {
    const { line, offset, length, head, reader } = batch
    assert.equal(reader.text, head.toString('latin1'), 'the reader is given all of the line')
    return [{ line, offset, length, text: head.toString('latin1') }]
  }
  const seen: Seen[] = []
  for (let i = 0; i < batch.bounds.length; i += 2) {
    const [from = -1, to = -1] = batch.bounds.slice(i, i + 2)
    const text = batch.bytes.toString('latin1', from, to)
    seen.push({
      line: batch.firstLine + i / 2,
      offset: batch.offset + from,
      length: to - from,
      text,
    })
  }
  return seen
}

type Batches = (Lines | LongLine<Collector>)[]

/** Reads `text` cut at every one of `cuts`. */
async function read(
  text: string,
  cuts: readonly number[],
  lineBytesMax: number,
): Promise<{ batches: Batches; lines: Seen[] }> {
  const bytes = Buffer.from(text, 'latin1')
  const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
  const chunks = edges.slice(1).map((to, i) => bytes.subarray(edges[i], to))
  const batches = await Array.fromAsync(
    readLines(toAsync(chunks), lineBytesMax, () => new Collector()),
  )
  return { batches, lines: batches.flatMap(seenIn) }
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

function split(text: string): Seen[] {
  const pieces = text.split('\n')
  if (pieces.at(-1) === '') pieces.pop()
  let offset = 0
  return pieces.map((piece, i) => {
    const content = piece.startsWith(MARK) ? piece.slice(MARK.length) : piece
    const seen = {
      line: i + 1,
      offset: offset + piece.length - content.length,
      length: content.length,
      text: content,
    }
    offset += piece.length + 1
    return seen
  })
}

test('every line is read once, in order, at its offset, for any chunks, long lines and byte order marks', async () => {
  const text = fc
    .array(fc.constantFrom('\n', '\n', 'a', MARK, 'bcd', 'e'.repeat(20)), { maxLength: 30 })
    .map((pieces) => pieces.join(''))
  const property = fc.asyncProperty(
    text,
    fc.array(fc.nat(200), { maxLength: 12 }),
    fc.nat(25),
    async (whole, cuts, lineBytesMax) => {
      const { batches, lines } = await read(whole, cuts, lineBytesMax)
      assert.deepEqual(lines, split(whole))
      for (const batch of batches) {
        for (const { length } of seenIn(batch))
          assert.equal(batch.kind === 'long', length > lineBytesMax)
        assert.ok(batch.kind === 'long' || batch.bounds.length > 0)
      }
    },
  )
  await fc.assert(property, { numRuns: 500 })
})

test('a line of 40 MB is reported by its offset, its length and its first 64 KiB, and is not kept in memory', async () => {
  const chunkBytes = 1024 * 1024
  let heldBytes = 0
  async function* chunks(): AsyncGenerator<Buffer> {
    const before = measureBufferBytes()
    yield Buffer.from('first\n')
    for (let i = 0; i < 40; i++) yield Buffer.alloc(chunkBytes, 'x')
    heldBytes = measureBufferBytes() - before
    yield Buffer.from('y\nlast')
  }
  const [first, long, last] = await Array.fromAsync(
    readLines(chunks(), 2_000_000, () => new Collector()),
  )
  assert.ok(first?.kind === 'lines' && last?.kind === 'lines' && long?.kind === 'long')
  assert.deepEqual(
    [long.line, long.offset, long.length, long.head.length],
    [2, 6, 40 * chunkBytes + 1, 65_536],
  )
  assert.equal(long.reader.length, long.length)
  assert.deepEqual([last.firstLine, last.offset, last.bounds], [3, 6 + long.length + 1, [0, 4]])
  assert.ok(heldBytes < 5 * chunkBytes, `${heldBytes} bytes held`)
})

test('lines inside a chunk are not copied', async () => {
  const chunk = Buffer.from('{"a":1}\n{"b":2}\n')
  const [batch] = await Array.fromAsync(readLines(toAsync([chunk]), 100, () => new Collector()))
  assert.ok(batch?.kind === 'lines' && batch.bytes === chunk)
})

test('an empty stream has no lines', async () => {
  assert.deepEqual((await read('', [], 10)).batches, [])
})
