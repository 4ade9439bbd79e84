import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { scanLine } from './scan.ts'

const fixtures = readFileSync(new URL('fixtures/stream.ndjson', import.meta.url), 'utf8').split(
  /(?<=\n)/,
)

/** The time at which the lines arrive, and two earlier times in unix seconds. */
const ARRIVED_MS = Date.UTC(2026, 0, 1)
const T = 1_700_000_000
const T2 = 1_700_000_005

function scan(line: string) {
  const bytes = Buffer.from(line)
  return scanLine(bytes, 0, bytes.length, ARRIVED_MS)
}

/** The record without its volatile values, as it is hashed. */
function masked(line: string): string | null {
  const bytes = Buffer.from(line)
  const found = scanLine(bytes, 0, bytes.length, ARRIVED_MS)
  if (found === null) return null
  const edges = [found.start, ...found.volatile, found.end]
  return edges
    .map((edge, n) => (n % 2 === 0 ? bytes.subarray(edge, edges[n + 1]).toString() : ''))
    .join('*')
}

function volatileOf(line: string): string[] | null {
  const bytes = Buffer.from(line)
  const found = scanLine(bytes, 0, bytes.length, ARRIVED_MS)
  if (found === null) return null
  return found.volatile.flatMap((from, n) =>
    n % 2 === 0 ? [bytes.subarray(from, found.volatile[n + 1]).toString()] : [],
  )
}

function lineOf(record: string, envelope = '{"meta":{"total":2,"index":1},"result":'): string {
  return `${envelope}${record}}\n`
}

test('the record, its position in the stream and its volatile values are found in every fixture', () => {
  for (const [n, line] of fixtures.entries()) {
    const { result } = JSON.parse(line)
    const found = scan(line)
    assert.ok(found)
    assert.deepEqual([found.total, found.index, found.updatedAt], [4, n, result.meta.updatedAt])
    assert.equal(
      Buffer.from(line).subarray(found.start, found.end).toString(),
      JSON.stringify(result),
    )
    assert.deepEqual(volatileOf(line), [
      String(result.meta.updatedAt),
      JSON.stringify(result.meta.embedUrl),
    ])
  }
})

test('whitespace between tokens, CRLF and the order of members do not matter', () => {
  const spaced = `{"meta": {"index": 1 , "total": 2}, "result": {"id": 1, "meta": { "embedUrl" : "u" , "updatedAt" : "${T}" } } }\r\n`
  assert.deepEqual(volatileOf(spaced), ['"u"', `"${T}"`])
  assert.deepEqual([scan(spaced)?.total, scan(spaced)?.index, scan(spaced)?.updatedAt], [2, 1, T])
})

test('a line inside a larger block is read within its own bounds', () => {
  const [first = '', second = ''] = fixtures
  const bytes = Buffer.from(first + second)
  const found = scanLine(bytes, Buffer.byteLength(first), bytes.length)
  assert.equal(found?.index, 1)
  assert.equal(
    bytes.subarray(found?.start, found?.end).toString(),
    JSON.stringify(JSON.parse(second).result),
  )
})

test('meta is found at any position in the record', () => {
  const meta = `"meta":{"updatedAt":${T},"embedUrl":"u"}`
  for (const record of [
    `{${meta}}`,
    `{${meta},"id":"A"}`,
    `{"id":"A",${meta},"b":[{"c":"}"}]}`,
    `{"x":{"meta":{"updatedAt":9}},${meta},"y":1}`,
  ]) {
    assert.deepEqual(volatileOf(lineOf(record)), [String(T), '"u"'], record)
  }
})

test('text that looks like meta is never read as meta', () => {
  const tail = `"meta":{"updatedAt":${T},"embedUrl":"u"}}`
  const tricks = [
    '\\"meta\\":{\\"updatedAt\\":1,\\"embedUrl\\":\\"x\\"}}}',
    '\\\\\\"meta\\":{\\"updatedAt\\":1}',
    '"meta":{"updatedAt":1,"embedUrl":"x"}'.replaceAll('"', '\\"'),
    '\\\\',
    '{,:}',
  ]
  for (const trick of tricks) {
    assert.deepEqual(volatileOf(lineOf(`{"name":"${trick}",${tail}`)), [String(T), '"u"'], trick)
    const inUrl = lineOf(`{"id":1,"meta":{"updatedAt":${T},"embedUrl":"${trick}"}}`)
    assert.deepEqual(volatileOf(inUrl), [String(T), `"${trick}"`], trick)
  }
})

test('a line whose meta is ambiguous is not scanned', () => {
  const good = '{"id":1,"meta":{"updatedAt":5,"embedUrl":"u"}}'
  assert.ok(scan(lineOf(good)))
  const unproved = [
    '{"id":1}',
    '{"id":1,"meta":null}',
    '{"id":1,"meta":{}}',
    '{"id":1,"meta":{"updatedAt":5}}',
    '{"id":1,"meta":{"embedUrl":"u"}}',
    '{"id":1,"meta":{"updatedAt":5,"updatedAt":6,"embedUrl":"u"}}',
    '{"id":1,"meta":{"updatedAt":5,"embedUrl":"u","embedUrl":"v"}}',
    '{"id":1,"meta":{"updatedAt":5,"embedUrl":"u","by":{"id":1}}}',
    '{"id":1,"meta":{"updatedAt":5,"embedUrl":["u"]}}',
    '{"id":1,"meta":{"updated\\u0041t":5,"updatedAt":5,"embedUrl":"u"}}',
    '{"id":1,"x":{"meta":{"updatedAt":5,"embedUrl":"u"}}}',
    '{"id":1,"x\\"meta":{"updatedAt":5,"embedUrl":"u"}}',
    '{"id":1,"x,\\"meta":{"updatedAt":5,"embedUrl":"u"}}',
    '{"id":1,"notmeta":{"updatedAt":5,"embedUrl":"u"}}',
    '{"meta":{"updatedAt":5,"embedUrl":"u"},"m\\u0065ta":{"updatedAt":6,"embedUrl":"v"},"id":1}',
    '{"meta":{"updatedAt":5,"embedUrl":"u"},"meta":{"updatedAt":6,"embedUrl":"v"},"id":1}',
    '[{"updatedAt":5,"embedUrl":"u"}]',
    '"text"',
    '',
  ]
  for (const record of unproved) assert.equal(scan(lineOf(record)), null, record)
  for (const envelope of [
    '{"result":',
    '{"meta":{"total":2},"result":',
    '{"meta":{"total":2,"index":1,"index":1},"result":',
    '{"meta":{"total":-1,"index":1},"result":',
  ]) {
    assert.equal(scan(lineOf(good, envelope)), null, envelope)
  }
  for (const line of [
    '',
    '\n',
    '{}',
    '{"error":{"code":"x"}}\n',
    'garbage\n',
    lineOf(good).slice(0, -5),
    lineOf(good).slice(0, 40),
  ])
    assert.equal(scan(line), null, line)
  assert.equal(scan(`{"meta":{"total":2,"index":1},"result":${good},"more":{"a":1}}\n`), null)
})

test('a line cut at any byte is not scanned, and the scan does not throw', () => {
  const bytes = Buffer.from(fixtures[1] ?? '')
  for (let length = 0; length < bytes.length - 1; length++)
    assert.equal(scanLine(bytes.subarray(0, length), 0, length), null)
})

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc
    .array(fc.constantFrom('"', '\\', 'meta', '{', '}', ':', ',', 'updatedAt', 'embedUrl'), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
)
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const name = fc.constantFrom('id', 'a', 'meta', 'result', 'updatedAt', '"meta":{', '\\')
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4 }),
  ),
})).any
const times = fc.record({
  createdAt: fc.nat(),
  updatedAt: fc.oneof(fc.constantFrom(T, T2, String(T)), fc.nat(), scalar),
  embedUrl: scalar,
})
const record = fc
  .tuple(fc.dictionary(name, value, { maxKeys: 4 }), times, fc.boolean())
  .map(([members, meta, first]) => {
    const { meta: _, ...others } = members
    // A name written with escapes could be a second meta, so meta before such names is not scanned.
    return first && !/["\\]/.test(Object.keys(others).join())
      ? { meta, ...others }
      : { ...others, meta }
  })

function isTrusted(at: unknown): boolean {
  const isNumber = typeof at === 'number' || (typeof at === 'string' && /^\d{1,15}$/.test(at))
  return (
    isNumber &&
    Number.isInteger(Number(at)) &&
    Number(at) >= 1_009_843_200 &&
    Number(at) <= ARRIVED_MS / 1000 + 300
  )
}

/** The record without its volatile values: the link, and a time that can be trusted. */
function stable(item: { meta: { createdAt: number; updatedAt: unknown } }): string {
  const { createdAt, updatedAt } = item.meta
  return JSON.stringify({
    ...item,
    meta: { createdAt, updatedAt: isTrusted(updatedAt) || { untrusted: updatedAt }, embedUrl: 0 },
  })
}

test('two masked lines are equal if and only if their records differ at most in links and trusted times', () => {
  fc.assert(
    fc.property(record, record, times, fc.nat(), fc.nat(), (one, other, touch, total, index) => {
      const line = (item: object) => `${JSON.stringify({ meta: { total, index }, result: item })}\n`
      const [mask, volatile] = [masked(line(one)), volatileOf(line(one))]
      const { updatedAt, embedUrl } = one.meta
      assert.deepEqual(volatile, [
        ...(isTrusted(updatedAt) ? [JSON.stringify(updatedAt)] : []),
        JSON.stringify(embedUrl),
      ])
      for (const another of [
        other,
        { ...one, meta: { ...touch, createdAt: one.meta.createdAt } },
      ]) {
        assert.equal(masked(line(another)) === mask, stable(another) === stable(one))
      }
    }),
    { numRuns: 500 },
  )
})

test('an untrusted time is hashed, so that a record whose time became unknown differs', () => {
  const link = '"embedUrl":"u"'
  const maskOf = (updatedAt: string) =>
    masked(lineOf(`{"id":1,"meta":{"updatedAt":${updatedAt},${link}}}`))
  const future = ARRIVED_MS / 1000 + 301
  for (const at of [
    'null',
    '0',
    '28333333',
    '1700000000000',
    '"soon"',
    '1.5',
    '-1',
    'true',
    String(future),
  ])
    assert.notEqual(maskOf(at), maskOf(String(T)), at)
  assert.equal(maskOf(String(future - 1)), maskOf(String(T)))
  assert.equal(maskOf(String(T2)), maskOf(String(T)))
})
