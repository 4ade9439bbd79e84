import assert from 'node:assert/strict'
import { test } from 'node:test'
import { medipim } from '../../connectors/medipim/connector.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import { hashRecord } from '../../node/hash.ts'
import { HashedPart, type HashTools } from './hashed-part.ts'
import { KnownRecords } from './known-records.ts'

const TIME_MS = 1_800_000_000_000
const TOLERANCE_MS = 5 * 60_000
const DAY_MS = 86_400_000
const SCRATCH = Buffer.alloc(1 << 16)

const lineOf = (id: string, seconds = 1_700_000_000): Buffer =>
  Buffer.from(
    `{"meta":{"total":9,"index":0},"result":{"id":"${id}","meta":{"updatedAt":${seconds},"embedUrl":"u"}}}`,
  )

/** Knows the hash that each line has at that instant; the numbers of the products are 0, 1, … */
function openTools(lines: readonly Buffer[], atMs: number, other: Partial<HashTools> = {}) {
  const known = new KnownRecords(lines.length)
  for (const [seq, line] of lines.entries()) {
    const scan = medipim.scan(line, atMs)
    assert.ok(scan)
    known.add(hashRecord(line, scan, SCRATCH), seq)
  }
  const rest = { scratch: SCRATCH, recordBytesMax: 1000, reserve: () => true }
  return { connector: medipim, known, ...rest, ...other }
}

/** The lines in the part: the number of a product, or the bytes. */
function listLines(
  part: HashedPart,
  rawBytes: number,
  { createdAtMs = TIME_MS, isStaged = (_: number): boolean => false } = {},
): { lines: (number | string)[]; isWhole: boolean } {
  const packed = { codec: 'none', sha256: '', storedBytes: 0, rawBytes, lineCount: 0 } as const
  const createdAt = new Date(createdAtMs)
  const stored: StoredPart = { no: 1, key: '', ...packed, cursorAfter: null, createdAt }
  const lines: (number | string)[] = []
  const batches = part.lines(stored, isStaged)
  for (let next = batches.next(); ; next = batches.next()) {
    if (next.done) return { lines, isWhole: next.value }
    const batch = next.value
    assert.equal(batch.firstLine, lines.length + 1)
    if (batch.kind === 'known') lines.push(...batch.seqs)
    else
      for (let i = 0; i < batch.bounds.length; i += 2)
        lines.push(batch.bytes.toString('utf8', batch.bounds[i], batch.bounds[i + 1]))
  }
}

const join = (lines: readonly Buffer[]): Buffer => Buffer.from(`${lines.join('\n')}\n`)

test('known lines are kept as numbers of products, and others as their bytes', () => {
  const [a, b, c] = [lineOf('a'), lineOf('b'), lineOf('c')]
  const part = new HashedPart(openTools([a, c], TIME_MS), TIME_MS)
  const pages = [join([a, b]), join([Buffer.alloc(0), c])]
  for (const page of pages) part.add(page)
  assert.deepEqual(listLines(part, Buffer.concat(pages).length), {
    lines: [0, b.toString(), '', 1],
    isWhole: true,
  })
})

test('a time that can be trusted only later leaves its line unknown', () => {
  const line = lineOf('a', TIME_MS / 1000)
  const page = join([line])
  const hashAt = (requestedMs: number): (number | string)[] => {
    const part = new HashedPart(openTools([line], requestedMs), requestedMs)
    part.add(page)
    return listLines(part, page.length).lines
  }
  assert.deepEqual(hashAt(TIME_MS - TOLERANCE_MS), [0])
  assert.deepEqual(hashAt(TIME_MS - TOLERANCE_MS - 1), [line.toString()])
})

test('a time far in the future does not make its line unknown', () => {
  const line = lineOf('a', 4_102_444_800)
  const part = new HashedPart(openTools([line], TIME_MS), TIME_MS)
  part.add(join([line]))
  assert.deepEqual(listLines(part, 0).lines, [0])
})

test('a part that took more than a day, or came before the clock was set back, is not used', () => {
  const page = join([lineOf('a')])
  const part = new HashedPart(openTools([lineOf('a')], TIME_MS), TIME_MS)
  part.add(page)
  for (const [waitMs, lines] of [
    [-1, []],
    [0, [0]],
    [DAY_MS, [0]],
    [DAY_MS + 1, []],
  ] as const)
    assert.deepEqual(listLines(part, page.length, { createdAtMs: TIME_MS + waitMs }), {
      lines,
      isWhole: lines.length > 0,
    })
})

test('the lines end before a known one whose product was staged meanwhile', () => {
  const lines = [lineOf('a'), lineOf('b'), lineOf('c')]
  const part = new HashedPart(openTools(lines, TIME_MS), TIME_MS)
  part.add(join(lines))
  const isStaged = (seq: number): boolean => seq === 1
  assert.deepEqual(listLines(part, 0, { isStaged }), { lines: [0], isWhole: false })
})

test('the lines end before one that is too long, and before one without memory', () => {
  const [a, b, long] = [lineOf('a'), lineOf('b'), lineOf('x'.repeat(1000))]
  const short = new HashedPart(openTools([a, b], TIME_MS), TIME_MS)
  short.add(join([a, long]))
  short.add(join([b]))
  assert.deepEqual(listLines(short, 0).lines, [0])

  const unknown = lineOf('c')
  let left = 1000
  const reserve = (bytes: number): boolean => (left -= bytes) >= 0
  const full = new HashedPart(openTools([a, b], TIME_MS, { reserve }), TIME_MS)
  full.add(join([a, unknown, b]))
  assert.deepEqual(listLines(full, 0).lines, [0])
  assert.equal(full.reservedBytes, 768)
})

test('at most 4 MiB of a part are kept, and its memory grows with them', () => {
  const part = new HashedPart(openTools([], TIME_MS, { recordBytesMax: 1 << 20 }), TIME_MS)
  const page = Buffer.from(`${'x'.repeat((1 << 20) - 1)}\n`)
  part.add(Buffer.from('x\n'))
  assert.equal(part.reservedBytes, 768 + 4096)
  for (let i = 0; i < 5; i++) part.add(page)
  assert.equal(listLines(part, 0).lines.length, 4)
  assert.equal(part.reservedBytes, 768 + (4 << 20))
})
