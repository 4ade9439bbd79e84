// Faults in the content of a MediPim stream. Each is set, observed once and absent in the next
// response.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { MedipimFaultInput } from './faults.ts'
import { isObject } from './json.ts'
import type { MedipimSimulator } from './simulator.ts'
import {
  send,
  EVERYTHING,
  parseLines,
  readStream,
  startFor,
  type StreamLine,
} from './test-client.ts'

const STREAM = '/v4/products/stream'
const BY_ID = { filter: { updatedSince: 0 }, sorting: { id: 'ASC' } }

interface Seen {
  readonly simulator: MedipimSimulator
  readonly lines: StreamLine[]
}

/** Reads a stream by id with these faults, and verifies that the next stream has none. */
async function streamWith(t: TestContext, ...faults: readonly MedipimFaultInput[]): Promise<Seen> {
  const simulator = await startFor(t)
  simulator.faults.set(...faults)
  const lines = await readStream(simulator, BY_ID)
  const healed = await readStream(simulator)
  assert.deepEqual(
    healed.map(({ meta }) => meta),
    Array.from({ length: 40 }, (_, index) => ({ total: 40, index })),
  )
  assert.equal(new Set(healed.map(({ result }) => result.id)).size, 40)
  return { simulator, lines }
}

/** Returns the id of an active product. */
async function activeId(simulator: MedipimSimulator): Promise<string> {
  return simulator.catalogue.touch({ count: 1 })[0] ?? ''
}

test('prices can be strings, zero, or a hundred times too high', async (t) => {
  const simulator = await startFor(t)
  const prices = async (): Promise<unknown[]> =>
    (await readStream(simulator, BY_ID)).map(({ result }) => result.publicPrice)
  const right = await prices()
  const change = (wrong: (cents: number) => unknown): unknown[] => {
    return right.map((price) => (typeof price === 'number' ? wrong(price) : price))
  }
  const times100 = (cents: number): number => cents * 100
  for (const [name, wrong] of [
    ['prices-as-strings', String],
    ['prices-zero', () => 0],
    ['prices-times-100', times100],
  ] as const) {
    simulator.faults.set({ kind: 'product', change: name, path: STREAM })
    assert.deepEqual(await prices(), change(wrong), name)
    assert.deepEqual(await prices(), right)
  }
})

test('a fault affects products by id or by share', async (t) => {
  const simulator = await startFor(t, { products: 400 })
  const id = await activeId(simulator)
  simulator.faults.set({ kind: 'patch', ids: [id], patch: { name: { en: 'Struck' }, vat: null } })
  const struck = (await readStream(simulator)).filter(
    ({ result }) => isObject(result.name) && result.name.en === 'Struck',
  )
  assert.deepEqual(
    struck.map(({ result }) => [result.id, 'vat' in result]),
    [[id, false]],
  )
  simulator.faults.set({ kind: 'patch', share: 0.1, patch: { struck: true } })
  const share =
    (await readStream(simulator)).filter(({ result }) => result.struck === true).length / 400
  assert.ok(share > 0.05 && share < 0.15)
})

test('a product can lack its id or have wrong types or times', async (t) => {
  const simulator = await startFor(t)
  const id = await activeId(simulator)
  const seen = async (
    change: 'no-id' | 'wrong-types' | 'future',
  ): Promise<StreamLine['result'] | undefined> => {
    simulator.faults.set({ kind: 'product', ids: [id], change })
    return (await readStream(simulator)).at(-1)?.result
  }
  assert.equal('id' in ((await seen('no-id')) ?? { id }), false)
  const wrong = await seen('wrong-types')
  assert.deepEqual([Array.isArray(wrong?.name), wrong?.photos, wrong?.vat], [true, null, 'ten'])
  assert.ok(Number((await seen('future'))?.meta.updatedAt) > simulator.clock.nowSeconds())
})

test('a name can contain NUL or half a surrogate pair', async (t) => {
  const simulator = await startFor(t)
  const id = await activeId(simulator)
  for (const [change, escaped] of [
    ['nul', '\\u0000'],
    ['lone-surrogate', '\\ud800'],
  ] as const) {
    simulator.faults.set({ kind: 'product', ids: [id], change })
    const text = await (await send(simulator, STREAM, EVERYTHING)).text()
    assert.ok(text.includes(escaped), change)
  }
})

test('a line can have any length', async (t) => {
  const simulator = await startFor(t)
  simulator.faults.set({
    kind: 'product',
    ids: [await activeId(simulator)],
    change: 'padding',
    bytes: 40_000_000,
  })
  const lines = (await (await send(simulator, STREAM, EVERYTHING)).text()).split('\n')
  assert.ok(Math.max(...lines.map(({ length }) => length)) > 40_000_000)
  const padded = parseLines(lines.find(({ length }) => length > 40_000_000) ?? '')
  assert.equal(Object.keys(padded[0]?.result ?? {}).at(-1), 'meta')
})

test('two lines can have the same id', async (t) => {
  const { lines } = await streamWith(t, { kind: 'duplicate-id', at: 7 })
  assert.equal(lines[7]?.result.id, lines[6]?.result.id)
  assert.equal(new Set(lines.map(({ result }) => result.id)).size, 39)
})

test('an index or a line can be missing, and lines can be swapped', async (t) => {
  const indexes = async (fault: MedipimFaultInput): Promise<(number | undefined)[]> =>
    (await streamWith(t, fault)).lines.slice(0, 5).map(({ meta }) => meta.index)
  assert.deepEqual(await indexes({ kind: 'no-index', at: 2 }), [0, 1, undefined, 3, 4])
  assert.deepEqual(await indexes({ kind: 'drop-line', at: 2 }), [0, 1, 3, 4, 5])
  assert.deepEqual(await indexes({ kind: 'swap-lines', at: 2 }), [0, 1, 3, 2, 4])
  assert.deepEqual(await indexes({ kind: 'duplicate-line', at: 2 }), [0, 1, 2, 2, 3])
})

test('the total can change', async (t) => {
  const { lines } = await streamWith(t, { kind: 'total-drift', at: 30, by: -3 })
  assert.deepEqual(
    lines.map(({ meta }) => meta.total),
    Array.from({ length: 40 }, (_, index) => (index < 30 ? 40 : 37)),
  )
})

test('the requested order can be ignored', async (t) => {
  const { lines } = await streamWith(t, { kind: 'unsorted' })
  const ids = lines.map(({ result }) => result.id ?? '')
  assert.notDeepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, 40)
})

test('a product that is updated ahead of the reader moves to the end', async (t) => {
  const simulator = await startFor(t)
  const due = (await readStream(simulator, BY_ID))[10]
  simulator.clock.advance(5_000)
  simulator.faults.set({ kind: 'update-during-stream', at: 10 })
  const lines = await readStream(simulator, BY_ID)
  assert.deepEqual([lines.length, lines.at(-1)?.meta], [40, { total: 40, index: 39 }])
  const moved = lines.at(-1)?.result
  assert.deepEqual(
    [moved?.id, moved?.meta.updatedAt],
    [due?.result.id, simulator.clock.nowSeconds()],
  )
  assert.notDeepEqual(moved?.name, due?.result.name)
})

test('a product that is updated behind the reader is sent again', async (t) => {
  const { lines } = await streamWith(t, { kind: 'update-during-stream', at: 10, target: 'behind' })
  assert.deepEqual([lines.length, lines.at(-1)?.meta], [41, { total: 40, index: 40 }])
  assert.equal(lines.at(-1)?.result.id, lines[9]?.result.id)
})

test('a stream can contain an error or garbage', async (t) => {
  const simulator = await startFor(t)
  const error = JSON.stringify({
    error: { status: 500, code: 'internal', message: 'Something broke.' },
  })
  simulator.faults.set(
    { kind: 'insert-line', at: 3, text: error },
    { kind: 'insert-line', at: 5, text: '<b>garbage' },
  )
  const lines = (await (await send(simulator, STREAM, EVERYTHING)).text()).split('\n')
  assert.deepEqual([lines[3], lines[5], lines.length], [error, '<b>garbage', 43])
})

test('a stream can be cut short, reset or rejected, and is complete afterwards', async (t) => {
  const simulator = await startFor(t)
  simulator.faults.set({ kind: 'cut', afterLines: 12, path: STREAM })
  assert.equal((await readStream(simulator)).length, 12)
  simulator.faults.set({ kind: 'reset', afterLines: 3, afterBytes: 50, path: STREAM })
  simulator.faults.set({ kind: 'status', status: 502, path: '/v4/products/find' })
  await assert.rejects(readStream(simulator))
  assert.equal((await send(simulator, '/v4/products/find?id=x')).status, 502)
  assert.equal((await readStream(simulator)).length, 40)
})

test('faults affect every endpoint', async (t) => {
  const simulator = await startFor(t)
  simulator.faults.set({ kind: 'cut', afterBytes: 20, path: '/v4/brands/query' })
  assert.equal((await (await send(simulator, '/v4/brands/query', {})).text()).length, 20)
})
