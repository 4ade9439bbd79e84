// JSON lines from standard input, in chunks of any size, with lines that cannot be read among them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseLines } from './parse-lines.ts'

interface Outcome {
  readonly lines: Record<string, unknown>[]
  readonly reports: string[]
}

async function parse(bytes: Uint8Array, chunkBytes = bytes.length): Promise<Outcome> {
  const reports: string[] = []
  const lines: Record<string, unknown>[] = []
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  for await (const line of parseLines(chunks(), (message) => reports.push(message)))
    lines.push(JSON.parse(line) as Record<string, unknown>)
  return { lines, reports }
}

const TEXT = [
  '\ufeff{"input":"250g / Aeropress","field":"variant_title","source":"a shop"}',
  '{"input":"1 kg"',
  '',
  '["250g"]',
  '{"input":250,"field":"variant_title"}',
  '{"input":"250g"}',
  '{"input":"250g","field":"colour"}',
  '{"input":"a\u2028２kg","field":"variant_title"}\r',
  '{"input":"$24.990","field":"price_text","currency":"CLP"}',
].join('\n')

test('each readable line has a result, and each other line a reason with its number', async () => {
  const { lines, reports } = await parse(new TextEncoder().encode(TEXT))
  assert.deepEqual(
    lines.map(({ input, unit_weight_g, amount_minor }) => [input, unit_weight_g, amount_minor]),
    [
      ['250g / Aeropress', 250, null],
      ['a\u2028２kg', 2000, null],
      ['$24.990', null, 24_990],
    ],
  )
  assert.match(
    reports.join('\n'),
    /^Line 2 is not JSON: .*\nLine 4 is not an object .*\nLine 5 has no text in "input"\nLine 6 has no text in "field"\nLine 7 has the unknown field "colour": use product_title, .*price_text$/,
  )
})

test('the result does not depend on the chunks', async () => {
  const bytes = new TextEncoder().encode(TEXT)
  const whole = await parse(bytes)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (chunkBytes) => {
      assert.deepEqual(await parse(bytes, chunkBytes), whole)
    }),
    { numRuns: 30 },
  )
})

test('a line that is too long is reported, and the next one is parsed', async () => {
  const long = new Uint8Array(9 * 1024 * 1024).fill(0x61)
  const after = new TextEncoder().encode('\n{"input":"250g","field":"variant_title"}')
  const { lines, reports } = await parse(new Uint8Array([...long, ...after]), 65_536)
  assert.equal(lines.length, 1)
  assert.deepEqual(reports, ['Line 1 is longer than 8388608 characters'])
})
