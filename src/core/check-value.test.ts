import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { CONNECTORS } from '../connectors/registry.ts'
import { checkValue, formatProblems } from './check-value.ts'

const explain = (schema: z.ZodType, value: unknown): string => {
  const { problems } = checkValue(schema, value)
  return problems === null ? 'valid' : formatProblems(problems)
}

/** One row or more for each code of `z.core.$ZodIssue`. */
const ROWS: readonly [schema: z.ZodType, value: unknown, text: string][] = [
  [z.string(), 7, 'expected text, found a number'],
  [z.string(), null, 'expected text, found null'],
  [z.string(), undefined, 'missing, expected text'],
  [z.number(), '7', 'expected a number, found text'],
  [z.number(), NaN, 'expected a number, found NaN'],
  [z.number(), -Infinity, 'expected a number, found -Infinity'],
  [z.int(), 7.5, 'expected a whole number, found a fraction'],
  [z.boolean(), 'yes', 'expected true or false, found text'],
  [z.array(z.string()), {}, 'expected a list, found an object'],
  [z.object({}), [], 'expected an object, found a list'],
  [z.record(z.string(), z.string()), 'x', 'expected an object, found text'],
  [z.null(), 0, 'expected null, found a number'],
  [z.never(), 0, 'expected nothing, found a number'],
  [z.literal('a'), 'b', 'expected a'],
  [z.literal('a'), undefined, 'missing, expected a'],
  [z.enum(['a', 'b']), 'c', 'expected a or b'],
  [z.enum(['a', 'b', 'c']), 'd', 'expected one of a, b, c'],
  [z.string().min(1), '', 'expected text that is not empty'],
  [z.string().min(8), 'a', 'expected at least 8 characters'],
  [z.string().length(1), 'aa', 'expected exactly 1 character'],
  [z.string().max(3), 'aaaa', 'expected at most 3 characters'],
  [z.array(z.json()).min(1), [], 'expected at least one item'],
  [z.array(z.json()).max(1), [1, 2], 'expected at most 1 item'],
  [z.number().min(1).max(20), 0, 'expected at least 1'],
  [z.number().positive(), 0, 'expected more than 0'],
  [z.number().max(20), 21, 'expected at most 20'],
  [z.number().lt(1), 1, 'expected less than 1'],
  [z.int(), 2 ** 53, 'expected at most 9007199254740991'],
  [z.date().min(new Date(0)), new Date(-1), 'expected at least 1970-01-01T00:00:00.000Z'],
  [z.string().startsWith('a'), 'b', 'expected text that begins with "a"'],
  [z.string().endsWith('a'), 'b', 'expected text that ends with "a"'],
  [z.string().includes('a'), 'b', 'expected text that contains "a"'],
  [z.string().regex(/^\d+$/), 'b', String.raw`expected text that matches /^\d+$/`],
  [z.iso.datetime(), 'b', 'expected a time such as 2026-01-31T03:17:02Z'],
  [z.iso.date(), 'b', 'expected a date such as 2026-01-31'],
  [z.url(), 'b', 'expected an address such as https://some-shop.example'],
  [z.uuid(), 'b', 'expected a UUID'],
  [z.base64(), '?', 'expected text in the format base64'],
  [z.number().multipleOf(5), 7, 'expected a multiple of 5'],
  [
    z.strictObject({ url: z.string(), a: z.json().optional() }),
    { url: '', b: 1, c: 2 },
    'unknown: b, c (known: url, a)',
  ],
  [z.union([z.int(), z.string()]), null, 'expected a whole number or text, found null'],
  [z.union([z.int(), z.string()]), undefined, 'missing, expected a whole number or text'],
  [z.union([z.int(), z.string()]), 1.5, 'expected a whole number or text, found a fraction'],
  [
    z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
    {},
    'a: missing, expected text, or b: missing, expected text',
  ],
  [
    z.xor([z.string(), z.string()]),
    '',
    'expected a value that matches only one of the allowed kinds',
  ],
  [
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a') }),
      z.object({ kind: z.literal('b') }),
    ]),
    { kind: 'c' },
    'kind: expected a or b',
  ],
  [
    z.record(z.string().max(1), z.json()),
    { bb: 1 },
    'bb: the name is not valid: expected at most 1 character',
  ],
  [z.set(z.string()), new Set([1]), 'expected text, found a number'],
  [z.map(z.string(), z.string()), new Map([['a', 1]]), 'a: expected text, found a number'],
  [z.map(z.object(), z.string()), new Map([[{}, 1]]), 'expected text, found a number'],
  [z.string().refine(() => false), '', 'not valid'],
  [z.string().refine(() => false, 'must be true'), '', 'must be true'],
  [
    z.object({ list: z.array(z.object({ 'a b': z.string() })) }),
    { list: [{ 'a b': 1 }] },
    'list[0]["a b"]: expected text, found a number',
  ],
  [
    z.object({ a: z.string(), b: z.int() }),
    {},
    'a: missing, expected text; b: missing, expected a whole number',
  ],
]

test('problems state where, what is allowed and what was found', () => {
  for (const [schema, value, text] of ROWS) assert.equal(explain(schema, value), text)
})

test('every code of an issue is described', () => {
  const codes = new Set(
    ROWS.flatMap(([schema, value]) =>
      schema.safeParse(value).error?.issues.map(({ code }) => code),
    ),
  )
  const types = readFileSync(
    new URL(import.meta.resolve('zod/v4/core')).pathname.replace('index.js', 'errors.d.ts'),
    'utf8',
  )
  const declared = [...types.matchAll(/readonly code: "(\w+)"/g)].map(([, code]) => code)
  assert.deepEqual(codes, new Set(declared))
})

test('a problem contains neither the value nor long names', () => {
  const schema = z.strictObject({ key: z.string().min(20).regex(/^x/), mode: z.enum(['a', 'b']) })
  const value = { key: 'planted-secret', mode: 'planted-secret', ['n'.repeat(1e6)]: 1 }
  const text = explain(schema, value)
  assert.doesNotMatch(text, /planted/)
  assert.ok(text.length < 300, text)
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`m${n}`, n]))
  assert.match(explain(z.strictObject({}), many), / m9 and 90 more$/)
})

test('settings of no connector are refused in the words of Zod', () => {
  for (const connector of CONNECTORS.values())
    for (const value of [undefined, {}, { other: 1 }, []])
      assert.doesNotMatch(explain(connector.settings, value), /Invalid|Unrecognized|Too |received/)
})
