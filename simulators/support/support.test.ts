// The shared parts of the simulators: faults of bytes, lines and connections at exact positions.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { z } from 'zod'
import { sendFaultResponse, sendBody } from './body.ts'
import { createClock } from './clock.ts'
import { CommonFault, createFaultBook } from './faults.ts'
import { splitLines, applyLineFaults } from './lines.ts'
import { mix, createRandom } from './random.ts'
import { listen, readPath } from './server.ts'
import { createStats } from './stats.ts'
import { createThrottle } from './throttle.ts'

type Input = z.input<typeof CommonFault>

const LINES = ['{"name":"one °"}', '{"name":"two ’é"}', '{"name":"three 漢"}', '{"name":"four"}']
const [LINE_ONE = ''] = LINES
const TEXT = LINES.map((line) => `${line}\n`).join('')

/** Starts a server that sends TEXT, or `body`, with the current faults. */
async function serve(
  t: TestContext,
  faults: readonly Input[],
  body: () => Iterable<Uint8Array> = () => [Buffer.from(TEXT)],
) {
  const book = createFaultBook(CommonFault)
  book.set(...faults)
  const sent: number[] = []
  const server = await listen(async (request, response) => {
    const taken = book.take(readPath(request))
    if (await sendFaultResponse(response, taken)) return
    sent.push(
      await sendBody(response, body(), { headers: { 'content-type': 'text/plain' }, taken }),
    )
  })
  t.after(server.close)
  return { ...server, book, sent }
}

/** Returns the text that arrived, and whether the connection failed. */
async function readUntilCut(response: Response): Promise<{ text: string; cut: boolean }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
    return { text: Buffer.concat(chunks).toString(), cut: false }
  } catch {
    return { text: Buffer.concat(chunks).toString(), cut: true }
  }
}

async function linesWith(...faults: readonly Input[]): Promise<string> {
  const chunks: Buffer[] = []
  for await (const line of applyLineFaults(
    [Buffer.from(TEXT)],
    faults.map((fault) => CommonFault.parse(fault)),
  ))
    chunks.push(line)
  return Buffer.concat(chunks).toString('latin1')
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const [one = '', two = '', three = '', four = ''] = LINES.map(latin1)

test('the same seed gives the same numbers, another seed gives others', () => {
  const draw = (seed: number): number[] => Array.from({ length: 5 }, createRandom(seed).next)
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
  assert.ok(draw(7).every((number) => number >= 0 && number < 1))
  assert.notEqual(mix(1, 2), mix(2, 1))
})

test('numbers stay inside their bounds and include both', () => {
  const random = createRandom(3)
  const drawn = new Set(Array.from({ length: 300 }, () => random.between(2, 5)))
  assert.deepEqual(drawn, new Set([2, 3, 4, 5]))
})

test('a throttle accepts its number of requests in any window and returns the time to wait', () => {
  const clock = createClock(1_000_000)
  const throttle = createThrottle({ requests: 2, windowMs: 60_000 }, clock.nowMs)
  assert.equal(throttle.take('a'), 0)
  clock.advance(10_000)
  assert.equal(throttle.take('a'), 0)
  assert.equal(throttle.take('a'), 50_000)
  assert.equal(throttle.take('b'), 0, 'another key has its own window')
  clock.advance(50_000)
  assert.equal(throttle.take('a'), 0)
  assert.equal(throttle.take('a'), 10_000)
})

test('a fault applies to its path only, after its skipped requests, for its number of times', () => {
  const book = createFaultBook(CommonFault)
  book.set(
    { kind: 'empty', path: '/a*', skip: 1, times: 2 },
    { kind: 'crlf', path: '/b', times: null },
  )
  const struck = (path: string): string[] => book.take(path).faults.map(({ kind }) => kind)
  assert.deepEqual(
    [struck('/a'), struck('/a/1'), struck('/c'), struck('/a/2'), struck('/a')],
    [[], ['empty'], [], ['empty'], []],
  )
  assert.deepEqual([struck('/b'), struck('/b'), struck('/b/1')], [['crlf'], ['crlf'], []])
  book.clear()
  assert.deepEqual(struck('/b'), [])
})

test('a misspelled fault is rejected', () => {
  const book = createFaultBook(CommonFault)
  assert.throws(() => book.set(JSON.parse('{"kind":"reset","afterLine":3}')), /afterLine/)
})

test('lines are split at line feeds only, for any chunks', async () => {
  const text = 'a\u2028b\nc\r\n\nlast'
  for (const size of [1, 2, 3, 100]) {
    const bytes = Buffer.from(text)
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    )
    const lines: string[] = []
    for await (const line of splitLines(chunks)) lines.push(line.toString())
    assert.deepEqual(lines, ['a\u2028b\n', 'c\r\n', '\n', 'last'])
  }
})

test('each line fault changes the lines as its name says', async () => {
  assert.equal(
    await linesWith({ kind: 'insert-line', at: 1, text: '{"error":{}}' }),
    `${one}\n{"error":{}}\n${two}\n${three}\n${four}\n`,
  )
  assert.equal(
    await linesWith({ kind: 'duplicate-line', at: 3 }),
    `${one}\n${two}\n${three}\n${four}\n${four}\n`,
  )
  assert.equal(await linesWith({ kind: 'drop-line', at: 0 }), `${two}\n${three}\n${four}\n`)
  assert.equal(
    await linesWith({ kind: 'swap-lines', at: 1 }),
    `${one}\n${three}\n${two}\n${four}\n`,
  )
  assert.equal(
    await linesWith({ kind: 'half-line', at: 3 }),
    `${one}\n${two}\n${three}\n${four.slice(0, 8)}\n`,
  )
  assert.equal(
    await linesWith({ kind: 'truncate-last-line' }),
    `${one}\n${two}\n${three}\n${four.slice(0, 8)}`,
  )
  assert.equal(await linesWith({ kind: 'crlf' }), `${one}\r\n${two}\r\n${three}\r\n${four}\r\n`)
  assert.equal(
    await linesWith({ kind: 'invalid-utf8', at: 3 }),
    `${one}\n${two}\n${three}\n{"name":"\u00c3(\u00fffour"}\n`,
  )
})

test('a response without faults arrives complete', async (t) => {
  const { url, sent } = await serve(t, [])
  const response = await fetch(url)
  assert.equal(await response.text(), TEXT)
  assert.equal(response.headers.get('transfer-encoding'), 'chunked')
  assert.deepEqual(sent, [Buffer.byteLength(TEXT)])
})

test('a reset breaks the connection at an exact byte', async (t) => {
  const { url } = await serve(t, [{ kind: 'reset', afterLines: 1, afterBytes: 5 }])
  const { text, cut } = await readUntilCut(await fetch(url))
  assert.deepEqual([text, cut], [TEXT.slice(0, LINE_ONE.length + 1 + 5), true])
})

test('a cut ends the response as if it were complete', async (t) => {
  const { url } = await serve(t, [
    { kind: 'cut', afterLines: 2 },
    { kind: 'cut', afterBytes: 10 },
    { kind: 'cut', afterLines: 99 },
  ])
  const { text, cut } = await readUntilCut(await fetch(url))
  assert.deepEqual([Buffer.byteLength(text), cut], [10, false])
  const again = await readUntilCut(await fetch(url))
  assert.deepEqual(again, { text: TEXT, cut: false }, 'each fault struck once')
})

test('lines are counted for any chunks', async (t) => {
  const bytes = Buffer.from(TEXT)
  const crumbs = (): Buffer[] =>
    Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1))
  const { url } = await serve(t, [{ kind: 'cut', afterLines: 2, afterBytes: 4 }], crumbs)
  assert.equal((await readUntilCut(await fetch(url))).text, `${LINES[0]}\n${LINES[1]}\n{"na`)
})

test('a stalled response resumes when the faults are cleared', async (t) => {
  const { url, book } = await serve(t, [{ kind: 'stall', afterLines: 1, afterBytes: 3 }])
  const reader = (await fetch(url)).body?.getReader()
  let text = Buffer.from((await reader?.read())?.value ?? []).toString()
  assert.equal(text, TEXT.slice(0, LINE_ONE.length + 1 + 3))
  book.clear()
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
    text += Buffer.from(part.value).toString()
  assert.equal(text, TEXT)
})

test('a client that disconnects ends a stalled response', async (t) => {
  const { url, sent } = await serve(t, [{ kind: 'stall' }])
  const leaving = new AbortController()
  const response = await fetch(url, { signal: leaving.signal })
  leaving.abort()
  await assert.rejects(response.text())
  while (sent.length === 0) await new Promise(setImmediate)
  assert.deepEqual(sent, [0])
})

test('a dripping response arrives complete, in small pieces', async (t) => {
  const { url } = await serve(t, [{ kind: 'drip', bytes: 7, everyMs: 1 }])
  const sizes: number[] = []
  for await (const chunk of (await fetch(url)).body ?? []) sizes.push(chunk.byteLength)
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    Buffer.byteLength(TEXT),
  )
  assert.ok(sizes.length > 3)
})

test('chunks can be made to end inside every multi-byte character', async (t) => {
  const { url } = await serve(t, [{ kind: 'split-characters' }])
  const raw = await new Promise<string>((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket
      .on('data', (chunk) => chunks.push(chunk))
      .on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  })
  assert.match(raw, /one \u00c2\r\n/, 'the degree sign is cut after its first byte')
  assert.equal(await (await fetch(url)).text(), TEXT)
})

test('a status fault sends a page, or the given body', async (t) => {
  const { url } = await serve(t, [{ kind: 'status', status: 503 }])
  const response = await fetch(url)
  assert.deepEqual([response.status, response.headers.get('content-type')], [503, 'text/html'])
  assert.match(await response.text(), /^<html>/)
  const { url: other } = await serve(t, [
    { kind: 'status', status: 429, body: '{"error":{}}', headers: { 'retry-after': '7' } },
  ])
  const limited = await fetch(other)
  assert.deepEqual(
    [limited.status, limited.headers.get('retry-after'), await limited.text()],
    [429, '7', '{"error":{}}'],
  )
})

test('an empty response is successful without bytes, and a delayed one arrives', async (t) => {
  const { url } = await serve(t, [{ kind: 'latency', ms: 5 }, { kind: 'empty' }])
  const response = await fetch(url)
  assert.deepEqual([response.status, await response.text()], [200, ''])
})

test('compression keeps the bytes', async (t) => {
  const { port, url } = await serve(t, [{ kind: 'gzip', times: null }])
  const response = await fetch(url)
  assert.deepEqual(
    [response.headers.get('content-encoding'), await response.text()],
    ['gzip', TEXT],
  )
  const raw = await new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
      .on('data', (chunk) => chunks.push(chunk))
      .on('close', () => resolve(Buffer.concat(chunks)))
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
  assert.equal(gunzipSync(raw.subarray(raw.indexOf('\r\n\r\n') + 4)).toString(), TEXT)
})

/** Creates megabytes on demand and counts them. */
function* megabytes(count: number, made: { bytes: number }): Generator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    made.bytes += 1_048_576
    yield Buffer.alloc(1_048_576, 0x61)
  }
}

test('a slow reader does not increase memory', async (t) => {
  const made = { bytes: 0 }
  const { url } = await serve(t, [], () => megabytes(200, made))
  const response = await fetch(url)
  const reader = response.body?.getReader()
  let read = 0
  let ahead = 0
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    read += part.value.byteLength
    ahead = Math.max(ahead, made.bytes - read)
  }
  assert.equal(read, 200 * 1_048_576)
  assert.ok(ahead < 40 * 1_048_576, `${ahead} bytes were made before a client read them`)
})

test('the fault slow-reader drops a client that does not read', async (t) => {
  const made = { bytes: 0 }
  const { port, sent } = await serve(t, [{ kind: 'slow-reader', ms: 20 }], () =>
    megabytes(200, made),
  )
  const socket = connect(port, '127.0.0.1').pause()
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  while (sent.length === 0) await new Promise(setImmediate)
  assert.ok(made.bytes < 100 * 1_048_576)
})

test('statistics count requests and keep the last bodies', () => {
  const stats = createStats()
  for (let number = 0; number < 60; number++)
    stats.recordRequest('/x', { method: 'POST', url: '/x', caller: '42', body: { number } })
  stats.recordResponse(200, 10)
  stats.recordResponse(200, 5)
  const { requests, responses, bytesSent, last } = stats.snapshot()
  assert.deepEqual(
    [requests, responses, bytesSent, last.length, last.at(-1)?.body],
    [{ '/x': 60 }, { 200: 2 }, 15, 50, { number: 59 }],
  )
  stats.reset()
  assert.deepEqual(stats.snapshot().requests, {})
})
