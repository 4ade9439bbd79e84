import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLineBlocks, type LineBlock } from './ndjson.ts'

const limits = { blockBytes: 16, lineBytesMax: 100 }

async function* chunksOf(bytes: Uint8Array, ...cuts: number[]): AsyncGenerator<Uint8Array> {
  const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
  let start = 0
  for (const end of ends) {
    yield bytes.subarray(start, end)
    start = end
  }
}

function collect(chunks: AsyncIterable<Uint8Array>, options = limits): Promise<LineBlock[]> {
  return Array.fromAsync(readLineBlocks(chunks, options))
}

function linesOf(blocks: readonly LineBlock[]): string[] {
  const lines = blocks.flatMap(({ bytes, ends }) =>
    ends.length === 0 ? [bytes] : ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end)),
  )
  return lines.map((line) => Buffer.from(line).toString('latin1'))
}

test('lines are unchanged for any split into chunks', async () => {
  const text = fc
    .array(fc.constantFrom('a', '\n', '\r', '\u2028', 'é', '°'), { maxLength: 90 })
    .map((letters) => letters.join(''))
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat(200)),
      fc.integer({ min: 1, max: 40 }),
      async (input, cuts, blockBytes) => {
        const bytes = Buffer.from(input)
        const blocks = await collect(chunksOf(bytes, ...cuts), { blockBytes, lineBytesMax: 1000 })
        assert.deepEqual(Buffer.concat(blocks.map((block) => block.bytes)), bytes)
        assert.deepEqual(
          linesOf(blocks),
          bytes
            .toString('latin1')
            .split(/(?<=\n)/)
            .filter((line) => line !== ''),
        )
      },
    ),
  )
})

test('plain Uint8Arrays are split like Buffers', async () => {
  assert.deepEqual(
    linesOf(await collect(chunksOf(new TextEncoder().encode('one\ntwo\nthr'), 2, 5))),
    ['one\n', 'two\n', 'thr'],
  )
})

test('a block is yielded at its size, also from one huge chunk', async () => {
  const blocks = await collect(chunksOf(Buffer.from('12345\n'.repeat(100))))
  assert.ok(blocks.length > 20)
  assert.ok(blocks.every(({ bytes }) => bytes.length < 16 + 16 + 6))
})

test('a line that is too long is yielded in pieces and its neighbours whole, for any split into chunks', async () => {
  const long = 'x'.repeat(250)
  const input = Buffer.from(`one\ntwo\n${long}\nfour\n${long}\nsix`)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(600)),
      fc.integer({ min: 1, max: 60 }),
      async (cuts, blockBytes) => {
        const blocks = await collect(chunksOf(input, ...cuts), { blockBytes, lineBytesMax: 100 })
        assert.deepEqual(Buffer.concat(blocks.map(({ bytes }) => bytes)), input)
        assert.deepEqual(linesOf(blocks.filter(({ kind }) => kind !== 'piece')), [
          'one\n',
          'two\n',
          'four\n',
          'six',
        ])
        const pieces = blocks.filter(({ kind }) => kind === 'piece')
        assert.ok(pieces.every(({ bytes }) => bytes.length <= 100 + blockBytes))
        assert.deepEqual(
          pieces.filter(({ ends }) => ends.length > 0).map(({ bytes }) => bytes.at(-1)),
          [10, 10],
        )
      },
    ),
  )
})

test('an unterminated long line is followed by an empty rest', async () => {
  const blocks = await collect(chunksOf(Buffer.from('x'.repeat(101)), 50))
  assert.deepEqual(
    blocks.map(({ kind, bytes }) => [kind, bytes.length]),
    [
      ['piece', 101],
      ['rest', 0],
    ],
  )
})

test('whole lines are yielded before the error of their source, a partial line is not', async () => {
  async function* cut() {
    yield Buffer.from('one\ntwo\nth')
    throw new Error('reset')
  }
  const blocks: LineBlock[] = []
  await assert.rejects(async () => {
    for await (const block of readLineBlocks(cut(), limits)) blocks.push(block)
  }, /reset/)
  assert.deepEqual(linesOf(blocks), ['one\n', 'two\n'])
})
