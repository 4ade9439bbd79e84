import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { pageBytesMax, readPages } from './stream.ts'
import { readPosition, type Position } from './stream-progress.ts'

interface Product {
  readonly index: number
  readonly at?: number | null
  readonly total?: number
}

function lineOf({ index, at = 1000 + index, total = 5 }: Product): string {
  return `{"meta":{"total":${total},"index":${index}},"result":{"id":"M${index}","meta":{"createdAt":1,"updatedAt":${at},"embedUrl":"u${index}"}}}\n`
}

function linesOf(...products: (number | Product)[]): string {
  return products
    .map((product) => lineOf(typeof product === 'number' ? { index: product } : product))
    .join('')
}

async function* bodyOf(text: string, failure?: Error): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
  if (failure) throw failure
}

interface Outcome {
  readonly pages: Page[]
  readonly text: string
  readonly last: Page | undefined
  readonly error: SyncError | null
  readonly warnings: string[]
}

async function read(
  body: AsyncIterable<Uint8Array> | string | null,
  resumed: Position | null = null,
): Promise<Outcome> {
  const pages: Page[] = []
  const warnings: string[] = []
  let error: SyncError | null = null
  try {
    for await (const page of readPages(
      typeof body === 'string' ? bodyOf(body) : body,
      resumed,
      (warning) => warnings.push(warning),
      (text) => text.replaceAll('hush', '…'),
    ))
      pages.push(page)
  } catch (thrown) {
    assert.ok(thrown instanceof SyncError, String(thrown))
    error = thrown
  }
  return {
    pages,
    text: Buffer.concat(pages.map(({ bytes }) => bytes)).toString(),
    last: pages.at(-1),
    error,
    warnings,
  }
}

test('a whole stream is archived byte by byte and ends with a complete page', async () => {
  const text = linesOf(0, 1, 2, 3, 4)
  const { text: archived, last, error, pages } = await read(text)
  assert.equal(error, null)
  assert.equal(archived, text)
  assert.deepEqual(
    pages.map(({ lineCount, complete }) => [lineCount, complete]),
    [
      [5, false],
      [0, true],
    ],
  )
  assert.deepEqual([last?.expected, last?.watermarkMs], [5, 1_004_000])
})

test('pages hold whole lines and about 1 MiB, also from tiny chunks', async () => {
  const text = linesOf(...Array.from({ length: 30_000 }, (_, index) => ({ index, total: 30_000 })))
  async function* chunks() {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 1009) yield bytes.subarray(at, at + 1009)
  }
  const { pages, text: archived, last } = await read(chunks())
  assert.ok(archived === text && last?.complete)
  for (const { bytes } of pages.slice(0, -2))
    assert.ok(
      bytes.length > pageBytesMax * 0.99 &&
        bytes.length < pageBytesMax * 1.01 &&
        bytes.at(-1) === 0x0a,
    )
})

test('204 is a complete page without lines', async () => {
  const { pages } = await read(null)
  assert.deepEqual(
    pages.map(({ bytes, lineCount, expected, complete }) => [
      bytes.length,
      lineCount,
      expected,
      complete,
    ]),
    [[0, 0, 0, true]],
  )
})

test('an empty body does not prove completeness', async () => {
  const { pages, error } = await read('')
  assert.deepEqual([pages.length, error?.code], [0, 'source/cut-short'])
})

test('a blank line is archived, and does not count as a product', async () => {
  const blank = linesOf(0, 1).concat('\n', ' \t\r\n', linesOf(2, 3))
  const short = await read(blank)
  assert.deepEqual(
    [short.text, short.error?.code, short.last?.complete],
    [blank, 'source/cut-short', false],
  )
  assert.equal((await read(blank + linesOf(4))).last?.complete, true)
})

test('CRLF is archived unchanged, and the record is compared as JSON', async () => {
  const text = linesOf(0, 1, 2, 3, 4).replaceAll('\n', '\r\n')
  const { text: archived, last } = await read(text)
  assert.ok(archived === text && last?.complete)
})

test('a last line without its line feed is archived if it is complete, and left out if it is cut', async () => {
  const whole = await read(linesOf(0, 1, 2, 3, 4).trimEnd())
  assert.ok(whole.last?.complete)
  assert.equal(whole.text, linesOf(0, 1, 2, 3, 4))
  const cut = await read(linesOf(0, 1, 2, 3, 4).slice(0, -3))
  assert.equal(cut.error?.code, 'source/cut-short')
  assert.equal(cut.text, linesOf(0, 1, 2, 3))
  const behind = await read(`${linesOf(0, 1, 2, 3, 4)}{"meta":{"tot`)
  assert.match(behind.error?.message ?? '', /ended after 5 of 5 products, inside a line/)
})

test('blanks or a byte order mark after the last line do not count as a cut line', async () => {
  for (const end of ['\ufeff', ' ', '\r', '\ufeff \t']) {
    const { last, error, text } = await read(linesOf(0, 1, 2, 3, 4) + end)
    assert.deepEqual([error?.code, last?.complete], [undefined, true], JSON.stringify(end))
    assert.equal(text, `${linesOf(0, 1, 2, 3, 4)}${end}\n`)
  }
})

test(
  'a million blank lines take time in proportion to their length',
  { timeout: 60_000 },
  async () => {
    const { last, pages } = await read(`${linesOf(0, 1, 2, 3, 4)}${'\n'.repeat(1_000_000)}`)
    assert.deepEqual(
      [last?.complete, pages.reduce((sum, { lineCount }) => sum + lineCount, 0)],
      [true, 1_000_005],
    )
  },
)

test('the error of a stream that ends early states how many of the announced products arrived', async () => {
  const { error, last } = await read(linesOf(0, 1, 2))
  assert.equal(error?.code, 'source/cut-short')
  assert.match(error?.message ?? '', /3 of 5/)
  assert.deepEqual(error?.detail, { covered: 3, unreadable: 0, total: 5, missing: 2 })
  assert.equal(last?.complete, false)
})

test('duplicated lines and indexes out of order are tolerated, a gap is not', async () => {
  assert.ok((await read(linesOf(0, 1, 1, 2, 0, 3, 4))).last?.complete)
  assert.ok(
    (await read(linesOf(0, { index: 2, at: 1001 }, { index: 1, at: 1001 }, 3, 4))).last?.complete,
  )
  assert.equal((await read(linesOf(0, 1, 3, 4))).error?.code, 'source/cut-short')
  assert.equal((await read(linesOf(0, 1, 3, 4, 4))).error?.code, 'source/cut-short')
})

test('a line beyond its own total does not count', async () => {
  const { text, last } = await read(linesOf(0, 1, 2, 3, 4, { index: 5, at: 1009 }))
  assert.ok(text === linesOf(0, 1, 2, 3, 4, { index: 5, at: 1009 }) && last?.complete)
  assert.equal((await read(linesOf(0, 1, 3, 4, { index: 5 }))).error?.code, 'source/cut-short')
})

test('the total of the last line counts', async () => {
  assert.ok((await read(linesOf(0, 1, 2, 3) + lineOf({ index: 4, total: 5 }))).last?.complete)
  assert.ok((await read(linesOf(0, 1, 2) + lineOf({ index: 3, total: 4 }))).last?.complete)
  assert.equal(
    (await read(linesOf(0, 1, 2, 3) + lineOf({ index: 4, total: 6 }))).error?.code,
    'source/cut-short',
  )
})

test('an unreadable line is archived, and counts as one product', async () => {
  for (const garbage of [
    '{"meta":{"total":5,"inde',
    'Bad Gateway',
    '[]',
    '{"meta":{"total":5,"index":1e99},"result":{}}',
  ]) {
    const text = `${linesOf(0, 1)}${garbage}\n${linesOf(3, 4)}`
    const { text: archived, last } = await read(text)
    assert.equal(archived, text)
    assert.equal(last?.complete, true, garbage)
  }
})

test('a line of the documented format that the scan does not recognise counts like any other', async () => {
  const odd = '{"meta":{"total":5,"index":2},"results":[{"id":"M2","meta":{"updatedAt":"1002"}}]}\n'
  const { last, error } = await read(linesOf(0, 1) + odd)
  assert.deepEqual([error?.detail.covered, error?.detail.unreadable], [3, 0])
  assert.deepEqual(last?.cursor, { touchedAt: 1002, seen: 2, expected: 5 })
})

test('lines without a total are malformed', async () => {
  assert.equal(
    (await read('<html>\n<body>maintenance</body>\n</html>\n')).error?.code,
    'source/malformed',
  )
})

test('an error line ends the stream after the lines before it and is not archived', async () => {
  const rest = `{"error":{"status":500,"code":"internal","message":"oops"}}\n${linesOf(2, 3, 4)}`
  const { text, error, last } = await read(linesOf(0, 1) + rest)
  assert.equal(text, linesOf(0, 1))
  assert.equal(error?.code, 'source/unavailable')
  assert.match(error?.message ?? '', /2 of 5 products: internal: oops/)
  assert.deepEqual(last?.cursor, { touchedAt: 1001, seen: 1, expected: 5 })
  assert.equal(
    (await read(`${linesOf(0)} {"error": {"code":"too_many_requests"}}\n`)).error?.code,
    'source/rate-limited',
  )
  assert.equal((await read(`${linesOf(0)}{"error":"down"}`)).error?.code, 'source/unavailable')
})

test('an error line that quotes the request does not reveal a secret', async () => {
  const { error } = await read(`{"error":{"code":"bad hush","message":"you sent hush"}}\n`)
  assert.match(error?.message ?? '', /bad …: you sent …/)
  assert.doesNotMatch(JSON.stringify(error?.detail), /hush/)
})

test('lines before the failure of a body are yielded with their cursor', async () => {
  const failure = new SyncError('source/unavailable', 'reset')
  const { text, error, last } = await read(bodyOf(linesOf(0, 1) + '{"meta', failure))
  assert.equal(error, failure)
  assert.equal(text, linesOf(0, 1))
  assert.deepEqual(last?.cursor, { touchedAt: 1001, seen: 1, expected: 5 })
})

test('the cursor counts only products touched before its second', async () => {
  const { last } = await read(
    linesOf({ index: 0, at: 7 }, { index: 1, at: 8 }, { index: 2, at: 8 }),
  )
  assert.deepEqual(last?.cursor, { touchedAt: 8, seen: 1, expected: 5 })
})

test('decreasing or absent timestamps leave no cursor; those of duplicates do not matter', async () => {
  assert.equal((await read(linesOf(0, { index: 1, at: 999 }, 2))).last?.cursor, null)
  assert.equal((await read(linesOf(0, { index: 1, at: null }, 2))).last?.cursor, null)
  assert.deepEqual((await read(linesOf(0, 1, 0))).last?.cursor, {
    touchedAt: 1001,
    seen: 1,
    expected: 5,
  })
})

test('after a gap the cursor stays unchanged, so that a resumed fetch includes the missing products', async () => {
  const resumed = { touchedAt: 1000, seen: 10, expected: 20 }
  assert.deepEqual((await read(linesOf(0, 2), resumed)).last?.cursor, resumed)
  assert.equal((await read(linesOf(0, 2))).last?.cursor, null)
})

test('a resumed stream keeps the first expected count, the watermark and the number of seen products', async () => {
  const resumed = { touchedAt: 1000, seen: 15, expected: 20 }
  const whole = await read(linesOf(0, 1, 2, 3, 4), resumed)
  assert.deepEqual(
    [whole.last?.complete, whole.last?.expected, whole.last?.watermarkMs],
    [true, 20, 1_004_000],
  )
  const cut = await read(linesOf(0, 1), resumed)
  assert.deepEqual(cut.last?.cursor, { touchedAt: 1001, seen: 16, expected: 20 })
  assert.deepEqual(readPosition(cut.last?.cursor ?? null), {
    touchedAt: 1001,
    seen: 16,
    expected: 20,
  })
})

test('a resumed stream that omits products of the first expected count is not complete', async () => {
  const { last, error, warnings } = await read(linesOf(0, 1, 2, 3, 4), {
    touchedAt: 1000,
    seen: 14,
    expected: 20,
  })
  assert.deepEqual([last?.complete, error], [false, null])
  assert.match(warnings.join(), /1 of 20 products are unaccounted for/)
  assert.equal(
    (await read(null, { touchedAt: 1000, seen: 19, expected: 20 })).last?.complete,
    false,
  )
  assert.equal((await read(null, { touchedAt: 1000, seen: 20, expected: 20 })).last?.complete, true)
})

const LONG_LINE = `{"meta":{"total":3,"index":1},"result":{"id":"M1","text":"${'x'.repeat(9_000_000)}","meta":{"updatedAt":1001,"embedUrl":"x"}}}`

test('a line that is too long for memory is archived in pieces and counted by its envelope', async () => {
  const whole = `${lineOf({ index: 0, total: 3 })}${LONG_LINE}\n${lineOf({ index: 2, total: 3 })}`
  const { pages, text, error, last } = await read(whole)
  assert.deepEqual([error, last?.complete, last?.expected], [null, true, 3])
  assert.equal(text, whole)
  assert.ok(pages.every(({ bytes }) => bytes.length < 9 * 1024 ** 2 + 1024 ** 2))
  assert.equal(
    pages.reduce((lines, { lineCount }) => lines + lineCount, 0),
    3,
  )
})

test('a long last line may lack its line feed, but is cut if it lacks more', async () => {
  const start = lineOf({ index: 0, total: 2 })
  const long = LONG_LINE.replace('"total":3', '"total":2')
  const { text, last } = await read(start + long)
  assert.deepEqual([text === `${start}${long}\n`, last?.complete], [true, true])
  const { error } = await read(start + long.slice(0, -1))
  assert.deepEqual(
    [error?.code, /inside a line/.test(error?.message ?? '')],
    ['source/cut-short', true],
  )
})
