import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineConnector, toPage } from './define-connector.ts'
import { SyncError } from './errors.ts'
import { DraftSchema } from './product-schema.ts'

const hardware = defineConnector({
  name: 'hardware',
  settings: z.strictObject({ url: z.url() }),
  record: z.object({ id: z.string(), name: z.string(), brand: z.string().optional() }),
  async *fetch() {
    yield toPage([], { complete: true })
  },
  normalise: ({ id, name, brand }) => ({
    externalId: id,
    title: name,
    brand,
    prices: [{ type: 'public', amountMinor: 120, currency: 'EUR' }],
  }),
})
const settings = { url: 'https://hardware.example' }

test('members that a connector leaves out are unknown, and the product is canonical', () => {
  const draft = hardware.normalise({ id: 'b', name: 'Bolt' }, settings)
  assert.deepEqual(DraftSchema.parse(draft), draft)
  assert.equal(draft.brand, null)
  assert.deepEqual(
    draft.variants.map(({ externalId }) => externalId),
    ['b'],
  )
  assert.equal(draft.prices[0]?.variantId, 'b')
})

test('a record without an id or of another shape is rejected', () => {
  const reject = (record: unknown, code: string): void =>
    assert.throws(
      () => hardware.normalise(record, settings),
      (error) => error instanceof SyncError && error.code === code,
    )
  for (const record of [null, 'b', [], {}, { id: null, name: 'Bolt' }, { id: '', name: 'Bolt' }])
    reject(record, 'record/no-id')
  reject({ id: 'b', name: 7 }, 'record/invalid')
})

test('an address with a password is not valid, because settings are stored and shown', () => {
  const { error } = hardware.settings.safeParse({ url: 'https://a:secret@hardware.example' })
  assert.deepEqual(error?.issues[0]?.path, ['url'])
  assert.ok(hardware.settings.safeParse(settings).success)
})

test('a scan finds the whole line only when the record is the whole line', () => {
  const line = new TextEncoder().encode('{"id":"b"}\n')
  assert.deepEqual(hardware.scan(line, 0), { start: 0, end: 10, volatile: [] })
  const { record, normalise } = {
    record: z.object({}),
    normalise: () => ({ externalId: 'b' }),
  }
  const parts = {
    name: 'other',
    settings: hardware.settings,
    fetch: hardware.fetch,
    record,
    normalise,
  }
  assert.equal(defineConnector({ ...parts, volatilePaths: ['seen'] }).scan(line, 0), null)
  assert.equal(defineConnector({ ...parts, unwrap: (value) => value }).scan(line, 0), null)
})

test('a page has one line for each record', () => {
  const { bytes, lineCount, complete, cursor } = toPage([{ id: 1 }, { id: 2 }], { complete: false })
  assert.equal(new TextDecoder().decode(bytes), '{"id":1}\n{"id":2}\n')
  assert.deepEqual({ lineCount, complete, cursor }, { lineCount: 2, complete: false, cursor: null })
})
