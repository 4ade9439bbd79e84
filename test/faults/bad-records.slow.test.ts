// One bad record: all other records are written. It is quarantined with its place and its bytes, and
// replayed after a fix.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MedipimFaultInput } from '../../simulators/medipim/faults.ts'
import type { Connector } from '../../src/core/connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import type { Draft, Term } from '../../src/core/product.ts'
import { openTestDatabase } from '../support/database.ts'
import { approveAll } from '../support/decisions.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { listProducts } from '../support/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'

const { pool: db } = await openTestDatabase()
const STREAM = '/v4/products/stream'
const LOOSE = { quarantineShare: 0.5 }

interface Quarantined {
  part_no: number
  line_no: number
  byte_offset: number
  byte_length: number
  external_id: string | null
  rule: string
  message: string
  raw: Buffer
}

/** The states of the quarantined records that name this product, or none. */
async function stateOf(pipeline: TestPipeline, product: string | null): Promise<string[]> {
  const rows = await pipeline.query<{ state: string }>(
    'select state from catalog.quarantine where source_id = $1 and external_id is not distinct from $2 order by id',
    (await pipeline.source()).id,
    product,
  )
  return rows.map(({ state }) => state)
}

async function quarantine(pipeline: TestPipeline, run: number): Promise<Quarantined[]> {
  return pipeline.query<Quarantined>(
    'select * from catalog.quarantine where artifact_run = $1 and state = $2 order by part_no, line_no',
    run,
    'open',
  )
}

const PATCHES: readonly (readonly [what: string, patch: Record<string, unknown>, rule: string])[] =
  [
    ['a price that is not a number', { publicPrice: 'much' }, 'record/invalid'],
    ['a price below zero', { publicPrice: -100 }, 'record/invalid'],
    ['a price in fractions of cents', { publicPrice: 10.5 }, 'record/invalid'],
    ['a price beyond all integers', { publicPrice: 1e300 }, 'record/invalid'],
    ['a list for a price', { pharmacistPrice: [1] }, 'record/invalid'],
    ['no id', { id: null }, 'record/no-id'],
    ['an object for an id', { id: { value: 7 } }, 'record/no-id'],
    ['an id that no index holds', { id: 'M'.repeat(20_000) }, 'record/invalid'],
  ]

for (const [what, patch, rule] of PATCHES) {
  test(`${what} is quarantined alone`, async (t) => {
    const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
    const [bad = ''] = priceActiveProducts(simulator)
    const id = typeof patch['id'] === 'string' ? LONG : patch['id']
    simulator.faults.set({
      kind: 'patch',
      ids: [bad],
      patch: { ...patch, ...('id' in patch ? { id } : {}) } as never,
      path: STREAM,
      times: 1,
    })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.deepEqual(countOutcomes(report), { created: 29, quarantined: 1 })
    const [record] = await quarantine(pipeline, report.run)
    assert.ok(record)
    assert.equal(record.rule, rule)
    assert.ok(
      record.message.startsWith(
        `${pipeline.name}, run ${report.run}, part ${record.part_no}, line ${record.line_no}, byte ${record.byte_offset}: `,
      ),
      record.message,
    )
    assert.deepEqual(
      countOutcomes(await pipeline.sync()),
      { created: 1, unchanged: 29 },
      'the next good run repairs it',
    )
  })
}

const HARMLESS: readonly (readonly [what: string, patch: Record<string, unknown>])[] = [
  ['numbers as strings', { publicPrice: '1234', vat: '10', packageQuantity: '7', weight: '100' }],
  ['a pack of three thousand million', { packageQuantity: 3_000_000_000 }],
  ['an implausibly large weight', { weight: 1e308, weightWithUnit: { value: 1e308, unit: 'kg' } }],
  [
    'wrong types in unused members',
    {
      name: ['not', 'localised'],
      ean: { 0: 'x' },
      descriptions: 'none',
      photos: null,
      vat: 'ten',
      organizations: [null, 7],
    },
  ],
  ['a date that is none', { officialDeletionAt: 'soon', meta: { createdAt: -1 } }],
  ['unknown members', { quantum: { entangled: [{ deep: true }] } }],
]

for (const [what, patch] of HARMLESS) {
  test(`${what} does not prevent a product from being written`, async (t) => {
    const { pipeline, simulator } = await openMedipim(t, { db })
    const [bad = ''] = priceActiveProducts(simulator)
    simulator.faults.set({
      kind: 'patch',
      ids: [bad],
      patch: patch as never,
      path: STREAM,
      times: 1,
    })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.deepEqual(countOutcomes(report), { created: 30 })
    assert.equal((await pipeline.sync()).state, 'succeeded')
  })
}

/** Text that no index can hold, and that cannot be compressed to fit into one. */
const LONG = Array.from({ length: 4000 }, (_, i) => ((i * 7919) % 9973).toString(36)).join('')
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`

function lineOf(id: string, members: string, meta = ''): string {
  return `{"meta":{"total":30,"index":4},"result":{"id":"${id}","status":"active","name":{"en":"x"},${members},"meta":{"createdAt":1,"updatedAt":1767225600${meta}}}}`
}

const LINES: readonly (readonly [
  what: string,
  fault: MedipimFaultInput,
  expected: Record<string, number>,
])[] = [
  [
    'garbage',
    { kind: 'insert-line', at: 5, text: '<html>Bad gateway</html>', path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  ['half a line', { kind: 'half-line', at: 5, path: STREAM }, { created: 29, quarantined: 1 }],
  [
    'a number as a line',
    { kind: 'insert-line', at: 5, text: '42', path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'JSON of another shape',
    { kind: 'insert-line', at: 5, text: '{"hello":"world"}', path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'a line with a NUL',
    { kind: 'insert-line', at: 5, text: 'abc\0def', path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  // The parser quotes the text that it could not read, and may divide a pair of surrogates.
  [
    'an unknown word of emoji',
    { kind: 'insert-line', at: 5, text: `{"a":${'😀'.repeat(30)}`, path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'another of them',
    { kind: 'insert-line', at: 5, text: `{"a": ${'😀'.repeat(30)}`, path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'an id with a NUL in a record that cannot be read',
    { kind: 'insert-line', at: 5, text: lineOf('D\\u0000', '"publicPrice":"much"'), path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'an id with a NUL that Postgres refuses',
    { kind: 'insert-line', at: 5, text: lineOf(`D\\u0000${LONG}`, '"vat":10'), path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'a record that is too deep to be written',
    { kind: 'insert-line', at: 5, text: lineOf('DEEP', `"extra":${DEEP}`), path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'an equally deep record that is hashed by its bytes',
    {
      kind: 'insert-line',
      at: 5,
      text: lineOf('DEEP', `"extra":${DEEP}`, ',"embedUrl":"https://x"'),
      path: STREAM,
    },
    { created: 30, quarantined: 1 },
  ],
  [
    'nesting without end',
    { kind: 'insert-line', at: 5, text: `{"result":${'['.repeat(100_000)}`, path: STREAM },
    { created: 30, quarantined: 1 },
  ],
  [
    'a line that comes twice',
    { kind: 'duplicate-line', at: 5, path: STREAM },
    { created: 30, duplicate: 1 },
  ],
  ['lines in another order', { kind: 'swap-lines', at: 5, path: STREAM }, { created: 30 }],
  ['carriage returns', { kind: 'crlf', path: STREAM }, { created: 30 }],
  [
    'an empty line',
    { kind: 'insert-line', at: 5, text: '   ', path: STREAM },
    { created: 30, blank: 1 },
  ],
  [
    'a long line of blanks',
    { kind: 'insert-line', at: 5, text: ' '.repeat(5000), path: STREAM },
    { created: 30, blank: 1 },
  ],
  ['a line without its number', { kind: 'no-index', at: 5, path: STREAM }, { created: 30 }],
]

for (const [what, fault, expected] of LINES) {
  test(`${what} among the lines affects no other line`, async (t) => {
    const { pipeline, simulator } = await openMedipim(t, {
      db,
      policy: LOOSE,
      options: { lanes: 1 },
    })
    simulator.faults.set({ ...fault, times: 1 })
    const report = await pipeline.sync()
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    const { unchanged = 0, duplicate = 0, ...rest } = countOutcomes(report)
    const again = unchanged + duplicate
    assert.deepEqual(again > 0 ? { ...rest, duplicate: again } : rest, expected)
    for (const record of await quarantine(pipeline, report.run)) {
      const parts = await pipeline.query<{ raw_bytes: number }>(
        'select raw_bytes from catalog.parts where run_id = $1 and no < $2',
        report.run,
        record.part_no,
      )
      const before = parts.reduce((sum, { raw_bytes }) => sum + raw_bytes, 0)
      const bytes = Buffer.from(await pipeline.archived(report.run)).subarray(
        before + record.byte_offset,
        before + record.byte_offset + record.byte_length,
      )
      assert.deepEqual(record.raw, bytes.subarray(0, 65_536), 'the place leads to the very bytes')
    }
    assert.deepEqual((await pipeline.sync()).state, 'succeeded')
    assert.equal((await listProducts(pipeline)).size, 30)
  })
}

test('a run ends even when its reason quotes text that Postgres cannot store', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  simulator.faults.set({
    kind: 'status',
    status: 422,
    body: JSON.stringify({ error: { message: 'bad \0 thing \ud83d' } }),
    path: STREAM,
    times: 1,
  })
  const { run, state } = await pipeline.sync()
  assert.equal(state, 'failed')
  const [row] = await pipeline.query<{ state: string; reason: string; error_code: string }>(
    'select state, reason, error_code from catalog.runs where id = $1',
    run,
  )
  assert.match(
    `${row?.state} ${row?.error_code} ${row?.reason}`,
    /^failed source\/\S+ .*bad \ufffd thing \ufffd/,
  )
  assert.equal((await pipeline.sync()).state, 'succeeded')
})

test('text that Postgres cannot store is repaired with a warning', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const [nul = '', surrogate = ''] = priceActiveProducts(simulator)
  simulator.faults.set(
    { kind: 'product', ids: [nul], change: 'nul', path: STREAM, times: null },
    { kind: 'product', ids: [surrogate], change: 'lone-surrogate', path: STREAM, times: null },
    { kind: 'invalid-utf8', at: 2, after: '"name":{"en":"', path: STREAM, times: null },
  )
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.equal(report.ledger.created, 30)
  const products = await pipeline.query<{ external_id: string; title: string; warnings: string[] }>(
    `select external_id, title, warnings from catalog.products where source_id = $1 and warnings::text like '%U+FFFD%'`,
    (await pipeline.source()).id,
  )
  assert.equal(products.length, 3)
  const titles = new Map(products.map(({ external_id, title }) => [external_id, title]))
  assert.equal(titles.get(nul), 'Nul\ufffd inside')
  assert.equal(titles.get(surrogate), 'Lone \ufffd surrogate')
  assert.ok(products.every(({ title }) => title.includes('\ufffd')))
  assert.deepEqual(
    countOutcomes(await pipeline.sync()),
    { unchanged: 30 },
    'repaired once, not every night',
  )
})

test('a line of 40 MB is quarantined with its size, and all other records are written', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    policy: LOOSE,
    options: { recordBytesMax: 1 << 20 },
  })
  const [large = ''] = priceActiveProducts(simulator)
  simulator.faults.set({
    kind: 'product',
    ids: [large],
    change: 'padding',
    bytes: 40_000_000,
    path: STREAM,
    times: 1,
  })
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  assert.deepEqual(countOutcomes(report), { created: 29, quarantined: 1 })
  const [record] = await quarantine(pipeline, report.run)
  assert.ok(record && record.byte_length > 40_000_000 && record.raw.length === 65_536)
  assert.match(record.message, /the line has 4\d{7} bytes; the limit is 1048576/)
  assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 1, unchanged: 29 })
})

test('a line of 80 MB, which is never held in memory, is quarantined with its id and all bytes, and all other records are written', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  const [large = ''] = priceActiveProducts(simulator)
  await pipeline.sync()
  // The response is first cut inside this line: the piece is discarded and the line fetched again.
  simulator.faults.set(
    {
      kind: 'product',
      ids: [large],
      change: 'padding',
      bytes: 80_000_000,
      path: STREAM,
      times: null,
    },
    { kind: 'cut', afterBytes: 50_000_000, path: STREAM, times: 1 },
  )
  const report = await pipeline.sync()
  assert.equal(report.state, 'succeeded', report.reason ?? '')
  const { duplicate: _, ...outcomes } = countOutcomes(report)
  assert.deepEqual([outcomes, report.removalsOff], [{ unchanged: 29, quarantined: 1 }, null])
  const [record] = await quarantine(pipeline, report.run)
  assert.ok(record && record.byte_length > 80_000_000 && record.external_id === large)
  const parts = await pipeline.query<{ raw_bytes: number }>(
    'select raw_bytes from catalog.parts where run_id = $1',
    report.run,
  )
  assert.equal(
    parts.filter(({ raw_bytes }) => raw_bytes > 40_000_000).length,
    1,
    'it is in the artifact once',
  )
})

test('a run with more bad records than its budget is held', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  for (const at of [3, 9]) simulator.faults.set({ kind: 'half-line', at, path: STREAM, times: 1 })
  const report = await pipeline.sync()
  assert.equal(report.state, 'held')
  assert.match(report.reason ?? '', /2 of 30 records are in quarantine \(more than 1/)
  assert.equal((await listProducts(pipeline)).size, 28, 'the good records are written')
  await approveAll(db, report.run)
  assert.equal((await pipeline.sync()).state, 'succeeded')
})

test('one record of a small source may always be bad', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, supplier: { products: 6 } })
  simulator.faults.set({ kind: 'half-line', at: 3, path: STREAM, times: 1 })
  const report = await pipeline.sync()
  assert.deepEqual(
    [report.state, countOutcomes(report)],
    ['succeeded', { created: 5, quarantined: 1 }],
  )
})

test('a run far over its budget stops with the reason, and its data stays archived', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    options: { lanes: 1, batchRecordsMax: 5000, batchBytesMax: 1 << 20 },
  })
  simulator.faults.set({
    kind: 'insert-line',
    at: 3,
    text: Array.from({ length: 30_000 }, () => '[]').join('\n'),
    path: STREAM,
    times: 1,
  })
  const report = await pipeline.sync()
  assert.equal(report.state, 'failed')
  assert.match(
    report.reason ?? '',
    /^1\d{4} of the first 1\d{4} records of .+ are in quarantine; the limit of the source is 1 %$/,
  )
  const [run] = await pipeline.query<{ error_code: string; quarantined: number }>(
    `select error_code, (select count(*) from catalog.quarantine q where q.run_id = r.id) as quarantined from catalog.runs r where id = $1`,
    report.run,
  )
  assert.equal(run?.error_code, 'run/too-many-quarantined')
  assert.ok(run.quarantined > 10_000 && run.quarantined <= 15_000, String(run.quarantined))
  assert.match(await pipeline.archived(report.run), /\[\]\n\[\]\n/)
  assert.equal((await pipeline.sync()).state, 'succeeded', 'the next good feed is applied as usual')
})

test('a run far over its budget archives the rest, and the artifact replays once the normaliser is corrected', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    linesPerPage: 1000,
    options: { lanes: 1, partBytesMax: 1 << 16, batchRecordsMax: 5000, batchBytesMax: 1 << 20 },
  })
  const added = Array.from(
    { length: 16_000 },
    (_, n) =>
      `{"result":{"id":"F${n}","status":"active","name":{"en":"x"},"meta":{"createdAt":1,"updatedAt":1767225600}}}`,
  )
  simulator.faults.set({
    kind: 'insert-line',
    at: 3,
    text: added.join('\n'),
    path: STREAM,
    times: 1,
  })
  const { connector } = pipeline
  const buggy: Connector = {
    ...connector,
    normalise() {
      throw new SyncError('record/invalid', 'the normaliser is wrong')
    },
    // The last lines arrive when the run has stopped, long after the 10,000 that stop it.
    async *fetch(request, signal) {
      let lines = 0
      for await (const page of connector.fetch(request, signal)) {
        lines += page.lineCount
        if (lines > 14_000)
          await waitUntil(
            () =>
              signal.aborted ||
              pipeline.logged.some((text) => text.includes('too-many-quarantined')),
          )
        signal.throwIfAborted()
        yield page
      }
    },
  }
  const { run, state } = await pipeline.sync({ connector: buggy })
  assert.equal(state, 'failed')
  const [artifact] = await pipeline.query(
    'select state, complete from catalog.artifacts where run_id = $1',
    run,
  )
  assert.deepEqual(artifact, { state: 'closed', complete: true })
  const replay = await pipeline.replay(run)
  assert.deepEqual(
    [replay.state, countOutcomes(replay)],
    ['succeeded', { created: 16_030 }],
    replay.reason ?? '',
  )
})

test('a held run reports how many prices wait for it, and the next good run makes them current', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const [one = '', other = ''] = priceActiveProducts(simulator)
  await pipeline.sync()
  simulator.clock.advance(60_000)
  simulator.catalogue.setPrice([one, other], { cents: 1100 })
  for (const at of [20, 25]) simulator.faults.set({ kind: 'half-line', at, path: STREAM, times: 1 })
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  assert.match(
    held.reason ?? '',
    /4 changed prices of 2 products wait for this decision or for the next good run$/,
  )
  assert.deepEqual((await listProducts(pipeline)).get(one)?.prices, {
    current: 1000,
    pending: 1100,
  })
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.equal((await listProducts(pipeline)).get(one)?.prices['current'], 1100)
})

test('a replay applies the quarantined records after the normaliser is corrected', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  const [good = '', bad = ''] = priceActiveProducts(simulator)
  await pipeline.sync()
  simulator.clock.advance(60_000)
  simulator.catalogue.setPrice([good, bad], { cents: 1200 })
  const buggy = {
    ...pipeline.connector,
    normalise: (record: unknown, settings: unknown) => {
      if (pipeline.connector.identify(record) === bad)
        throw new SyncError('record/invalid', 'the normaliser is wrong')
      return pipeline.connector.normalise(record, settings)
    },
  }
  const broken = await pipeline.sync({ connector: buggy })
  assert.deepEqual(countOutcomes(broken), { updated: 1, unchanged: 28, quarantined: 1 })
  assert.deepEqual((await listProducts(pipeline)).get(bad)?.prices, { current: 1000 })

  const replay = await pipeline.replay(broken.run)
  assert.deepEqual(
    [replay.state, countOutcomes(replay)],
    ['succeeded', { updated: 1, unchanged: 29 }],
  )
  assert.deepEqual((await listProducts(pipeline)).get(bad)?.prices, { current: 1200 })
  assert.deepEqual(await stateOf(pipeline, bad), ['replayed'])
})

test('a record that is still bad in a replay stays quarantined', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  simulator.faults.set({ kind: 'insert-line', at: 3, text: '<html>', path: STREAM, times: 1 })
  const { run } = await pipeline.sync()
  await pipeline.replay(run)
  assert.deepEqual(await stateOf(pipeline, null), ['open'])
})

test('a record leaves quarantine when a later run has a valid version, not while it is bad or unseen', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  const [bad = '', other = ''] = priceActiveProducts(simulator)
  simulator.faults.set({
    kind: 'patch',
    ids: [bad],
    patch: { publicPrice: 'much' },
    path: STREAM,
    times: null,
  })
  await pipeline.sync()
  simulator.clock.advance(3_600_000)
  simulator.catalogue.update([other])
  const sinceAt = new Date(simulator.clock.nowMs() - 1000)
  assert.equal((await pipeline.sync({ mode: 'incremental', sinceAt })).ledger.fetched, 1)
  assert.deepEqual(await stateOf(pipeline, bad), ['open'], 'not seen')
  await pipeline.sync()
  assert.deepEqual(await stateOf(pipeline, bad), ['superseded', 'open'], 'still bad')
  simulator.faults.clear()
  await pipeline.sync()
  assert.deepEqual(await stateOf(pipeline, bad), ['superseded', 'resolved'])
})

test('an unreadable line leaves quarantine with the next complete, successful run, not with an incremental or a held one', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    policy: { ...LOOSE, removalShare: 0.2 },
  })
  const ids = priceActiveProducts(simulator)
  simulator.faults.set({ kind: 'insert-line', at: 3, text: '<html>', path: STREAM, times: 1 })
  await pipeline.sync()
  await pipeline.sync({ mode: 'incremental' })
  assert.deepEqual(await stateOf(pipeline, null), ['open'])
  simulator.catalogue.remove(ids.slice(10, 20))
  assert.equal((await pipeline.sync()).state, 'held')
  assert.deepEqual(await stateOf(pipeline, null), ['open'])
  simulator.catalogue.restore(ids.slice(10, 20))
  assert.equal((await pipeline.sync()).state, 'succeeded')
  assert.deepEqual(await stateOf(pipeline, null), ['resolved'])
})

test('an unreadable line that returns in every run is quarantined once', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  simulator.faults.set({ kind: 'insert-line', at: 3, text: '<html>', path: STREAM, times: 3 })
  simulator.faults.set({ kind: 'insert-line', at: 5, text: '<body>', path: STREAM, times: 1 })
  for (let run = 1; run <= 3; run++) await pipeline.sync()
  const rows = await pipeline.query<{ states: string }>(
    `select convert_from(raw, 'utf8') as text, string_agg(state, ' ' order by id) as states from catalog.quarantine
     where source_id = $1 and external_id is null group by 1 order by 1`,
    (await pipeline.source()).id,
  )
  assert.deepEqual(rows, [
    { text: '<body>', states: 'open' },
    { text: '<html>', states: 'superseded superseded open' },
  ])
})

test('a replay of an older artifact keeps the quarantined records of a newer one', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
  const [bad = ''] = priceActiveProducts(simulator)
  const { run } = await pipeline.sync()
  simulator.faults.set({
    kind: 'patch',
    ids: [bad],
    patch: { publicPrice: 'much' },
    path: STREAM,
    times: 1,
  })
  await pipeline.sync()
  await pipeline.replay(run)
  assert.deepEqual(await stateOf(pipeline, bad), ['open'])
})

/**
 * Drafts that the project's connectors never produce and that another connector may. Postgres
 * refuses them with errors of many classes.
 */
const BROKEN_DRAFTS: readonly (readonly [what: string, spoil: (draft: Draft) => Partial<Draft>])[] =
  [
    ['two variants with one id', ({ variants }) => ({ variants: [...variants, ...variants] })],
    [
      'two images in one place',
      () => ({
        images: [1, 2].map((n) => ({ url: `https://x.example/${n}`, alt: null, position: 0 })),
      }),
    ],
    [
      'an unknown currency',
      ({ prices }) => ({ prices: prices.map((price) => ({ ...price, currency: 'A$' })) }),
    ],
    [
      'a pack of three thousand million pieces',
      ({ variants }) => ({ variants: variants.map((variant) => ({ ...variant, packCount: 3e9 })) }),
    ],
  ]

for (const [what, spoil] of BROKEN_DRAFTS) {
  test(`a draft with ${what} is quarantined alone, and all other records are written`, async (t) => {
    const { pipeline, simulator } = await openMedipim(t, { db, policy: LOOSE })
    const [bad = ''] = priceActiveProducts(simulator)
    const careless = {
      ...pipeline.connector,
      normalise: (record: unknown, settings: unknown) => {
        const draft = pipeline.connector.normalise(record, settings)
        return draft.externalId === bad ? { ...draft, ...spoil(draft) } : draft
      },
    }
    const report = await pipeline.sync({ connector: careless })
    assert.equal(report.state, 'succeeded', report.reason ?? '')
    assert.deepEqual(countOutcomes(report), { created: 29, quarantined: 1 })
    assert.deepEqual(
      (await quarantine(pipeline, report.run)).map(({ external_id, rule }) => [external_id, rule]),
      [[bad, 'record/invalid']],
    )
    assert.deepEqual(countOutcomes(await pipeline.sync()), { created: 1, unchanged: 29 })
  })
}

test('a brand that Postgres cannot store is omitted with a warning, and no other brand is lost', async (t) => {
  const { pipeline } = await openMedipim(t, { db, options: { lanes: 1, batchRecordsMax: 40 } })
  const branded = (externalId: string, index: number): Term => ({
    kind: 'brand',
    externalId: index === 3 ? LONG : externalId,
    name: externalId,
    parentId: null,
    attributes: {},
  })
  let index = 0
  const connector = {
    ...pipeline.connector,
    normalise: (record: unknown, settings: unknown) => {
      const draft = pipeline.connector.normalise(record, settings)
      return { ...draft, terms: [branded(draft.externalId, index++)] }
    },
  }
  const report = await pipeline.sync({ connector })
  assert.deepEqual([report.state, countOutcomes(report)], ['succeeded', { created: 30 }])
  const [brands] = await pipeline.query<{ count: number }>(
    'select count(*) from catalog.brands where source_id = $1',
    (await pipeline.source()).id,
  )
  assert.equal(brands?.count, 29)
  const warnings = pipeline.logged.filter((entry) =>
    entry.includes('Postgres cannot store a brand'),
  )
  assert.equal(warnings.length, 1)
})
