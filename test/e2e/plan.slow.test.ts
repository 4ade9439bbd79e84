// A plan against the sync that follows it: on any day both have the same ledger and the same state,
// and the plan writes nothing.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import type { Connector, Page } from '../../src/core/connector.ts'
import type { Draft } from '../../src/core/product.ts'
import { loadRunDiff, type RunDiff } from '../../src/db/read/run-diffs.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import type { PlannedChange } from '../../src/pipeline/apply/plan-writer.ts'
import { planSource, type Plan } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type SyncOverrides, type TestPipeline } from '../support/pipeline.ts'
import { openToy, type ToySetup } from '../support/toy/open.ts'
import type { ToyFault, ToySupplier } from '../support/toy/supplier.ts'
import { listRowVersions } from '../support/snapshot.ts'
import { openShelfsync } from './shelfsync.ts'

const { pool: db } = await openTestDatabase()

interface Morning extends Pick<ToySupplier, 'catalogue' | 'misstate'> {
  readonly pipeline: TestPipeline
  /** 30 products, each with a price of 10.00. */
  readonly ids: readonly string[]
  /** Sets a fault that affects the plan and the sync. */
  setFault(fault: ToyFault): void
}

/**
 * The outcomes that are not zero, the reason for holding the run, the source's configuration, and
 * the events before the plan.
 */
interface Day {
  readonly counts: Readonly<Record<string, number>>
  readonly held?: RegExp
  readonly setup?: Omit<ToySetup, 'db'>
  /** The options of the plan and the sync. */
  readonly overrides?: SyncOverrides
  /** The connector of a later version. */
  readonly upgrade?: (connector: Connector) => Partial<Connector>
  happen(morning: Morning): unknown
}

async function makePlan(
  pipeline: TestPipeline,
  overrides: SyncOverrides = {},
  connector = pipeline.connector,
): Promise<{ plan: Plan; changes: PlannedChange[] }> {
  const changes: PlannedChange[] = []
  const request = { mode: 'full', sinceAt: null, now: new Date(), ...overrides } as const
  const plan = await planSource(
    pipeline.tools,
    bindConnector(connector, await pipeline.source()),
    request,
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: (change) => void changes.push(change),
    },
  )
  return { plan, changes }
}

/** One lane and one part for all lines: with two lanes the order of two equal lines is random. */
async function wakeUp(
  t: TestContext,
  { setup = {} }: Pick<Day, 'setup'>,
): Promise<Morning & { supplier: ToySupplier }> {
  const { pipeline, supplier } = await openToy(t, {
    db,
    ...setup,
    options: { lanes: 1, partBytesMax: 8_000_000, ...setup.options },
  })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.clock.advance(3_600_000)
  const { catalogue, misstate } = supplier
  const setFault = (fault: ToyFault): void => supplier.setFaults({ times: null, ...fault })
  return { pipeline, supplier, catalogue, misstate, ids, setFault }
}

/** Every row of the source, and the counts of its runs and artifacts. */
async function everything(pipeline: TestPipeline): Promise<unknown> {
  const { id } = await pipeline.source()
  const rows = await pipeline.query(
    `select s.xmin, s.ctid, (select count(*) from catalog.runs where source_id = s.id) as runs,
    (select count(*) from catalog.artifacts where source_id = s.id) as artifacts from catalog.sources s where id = $1`,
    id,
  )
  return [await listRowVersions(pipeline), rows]
}

const LOOSE = { policy: { quarantineShare: 0.5 } }
/** Lines of one product never share a batch. */
const ALONE = { options: { batchRecordsMax: 1 } }

/** Gives the first three normalised products values that the tables refuse. */
function spoil({ normalise }: Connector): Partial<Connector> {
  const spoilt: readonly ((draft: Draft) => Partial<Draft>)[] = [
    ({ variants }) => ({ variants: [...variants, ...variants] }),
    () => ({
      images: [1, 2].map((n) => ({ url: `https://x.example/${n}`, alt: null, position: 0 })),
    }),
    ({ prices }) => ({ prices: prices.map((price) => ({ ...price, currency: 'A$' })) }),
  ]
  const ids: string[] = []
  return {
    normalise(record, settings) {
      const draft = normalise(record, settings)
      if (!ids.includes(draft.externalId)) ids.push(draft.externalId)
      return { ...draft, ...spoilt[ids.indexOf(draft.externalId)]?.(draft) }
    },
  }
}

const DAYS: Readonly<Record<string, Day>> = {
  'nothing new': { counts: { unchanged: 30 }, happen: () => {} },
  'new products': {
    counts: { created: 2, unchanged: 30 },
    happen: ({ catalogue }) => catalogue.add(2),
  },
  'changed products': {
    counts: { updated: 3, unchanged: 27 },
    happen: ({ catalogue, ids }) => catalogue.update(ids.slice(0, 3)),
  },
  'touched products': {
    counts: { unchanged: 30 },
    happen: ({ catalogue, ids }) => catalogue.touch(ids),
  },
  'a price that changes': {
    counts: { updated: 1, unchanged: 29 },
    happen: ({ catalogue, ids }) => catalogue.setPrice(ids.slice(0, 1), { cents: 1100 }),
  },
  'a price that rises ×20': {
    counts: { held: 1, unchanged: 29 },
    happen: ({ catalogue, ids }) => catalogue.setPrice(ids.slice(0, 1), { cents: 20_000 }),
  },
  'a new product that costs nothing': {
    counts: { held: 1, unchanged: 30 },
    happen: ({ catalogue }) => catalogue.setPrice(catalogue.add(1), { cents: 0 }),
  },
  'a product that is gone': {
    counts: { missing: 1, unchanged: 29 },
    happen: ({ catalogue, ids }) => catalogue.remove(ids.slice(0, 1)),
  },
  'a product that is gone for the second time': {
    counts: { removed: 1, unchanged: 29 },
    async happen({ pipeline, catalogue, ids }) {
      catalogue.remove(ids.slice(0, 1))
      await pipeline.sync()
    },
  },
  'a product that comes back': {
    counts: { updated: 1, unchanged: 29 },
    async happen({ pipeline, catalogue, ids }) {
      catalogue.remove(ids.slice(0, 1))
      await pipeline.sync()
      await pipeline.sync()
      catalogue.restore(ids.slice(0, 1))
    },
  },
  'a blank line and a product that is gone': {
    counts: { blank: 1, missing: 1, unchanged: 29 },
    happen({ catalogue, ids, setFault }) {
      catalogue.remove(ids.slice(0, 1))
      setFault({ kind: 'insert-line', at: 4, text: ' ' })
    },
  },
  'a blank line and a product that is gone for the second time': {
    counts: { blank: 1, removed: 1, unchanged: 29 },
    async happen({ pipeline, catalogue, ids, setFault }) {
      catalogue.remove(ids.slice(0, 1))
      await pipeline.sync()
      setFault({ kind: 'insert-line', at: 4, text: '' })
    },
  },
  'a broken line that names its product, and a product that is gone': {
    counts: { quarantined: 1, unchanged: 28, missing: 1 },
    setup: LOOSE,
    happen({ catalogue, ids, setFault }) {
      catalogue.remove(ids.slice(0, 1))
      setFault({ kind: 'half-line', at: 4 })
    },
  },
  'a line that names no product, and a product that is gone': {
    counts: { quarantined: 1, unchanged: 29 },
    setup: LOOSE,
    happen({ catalogue, ids, setFault }) {
      catalogue.remove(ids.slice(0, 1))
      setFault({ kind: 'insert-line', at: 4, text: '<html>Bad gateway</html>' })
    },
  },
  'a broken record': {
    counts: { quarantined: 1, unchanged: 29 },
    setup: LOOSE,
    happen: ({ ids, misstate }) => misstate(ids.slice(0, 1), { price: 'much' }),
  },
  'more broken records than the budget': {
    counts: { quarantined: 2, unchanged: 28 },
    held: /2 of 30 records are in quarantine/,
    happen: ({ ids, misstate }) => misstate(ids.slice(0, 2), { price: 'much' }),
  },
  'a line beyond the limit': {
    counts: { quarantined: 1, unchanged: 29 },
    setup: { ...LOOSE, options: { recordBytesMax: 100_000 } },
    happen: ({ ids, misstate }) => misstate(ids.slice(0, 1), { padding: 'x'.repeat(150_000) }),
  },
  'records that only the tables refuse': {
    counts: { created: 1, quarantined: 3, unchanged: 30 },
    setup: { ...LOOSE, options: { batchRecordsMax: 100 } },
    upgrade: spoil,
    happen: ({ catalogue }) => catalogue.add(4),
  },
  'a known line sent twice': {
    counts: { duplicate: 1, unchanged: 30 },
    happen: ({ setFault }) => setFault({ kind: 'duplicate-line', at: 4 }),
  },
  'an id sent twice': {
    counts: { updated: 1, missing: 1, unchanged: 29 },
    happen: ({ ids, misstate }) => misstate(ids.slice(4, 5), { id: ids[3] ?? '' }),
  },
  'a new product sent twice in one batch': {
    counts: { created: 1, duplicate: 1, unchanged: 30 },
    happen({ catalogue, setFault }) {
      catalogue.add(1)
      setFault({ kind: 'duplicate-line', at: 30 })
    },
  },
  'a new product sent twice in two batches': {
    counts: { created: 1, unchanged: 31 },
    setup: ALONE,
    happen({ catalogue, setFault }) {
      catalogue.add(1)
      setFault({ kind: 'duplicate-line', at: 30 })
    },
  },
  'a changed product sent twice in two batches': {
    counts: { held: 1, unchanged: 30 },
    setup: ALONE,
    happen({ catalogue, ids, setFault }) {
      catalogue.setPrice(ids.slice(0, 1), { cents: 20_000 })
      setFault({ kind: 'duplicate-line', at: 0 })
    },
  },
  'another normaliser': {
    counts: { updated: 30 },
    overrides: { mode: 'auto' },
    upgrade: ({ normalise }) => ({
      normaliserVersion: 99,
      normalise(record, settings) {
        const draft = normalise(record, settings)
        return { ...draft, title: `${draft.title}!` }
      },
    }),
    happen: () => {},
  },
  'another normaliser that makes the same of them': {
    counts: { unchanged: 30 },
    upgrade: () => ({ normaliserVersion: 99 }),
    happen: () => {},
  },
  'an incremental run': {
    counts: { updated: 2, unchanged: 1 },
    overrides: { mode: 'incremental' },
    happen({ catalogue, ids }) {
      catalogue.update(ids.slice(0, 2))
      catalogue.remove(ids.slice(2, 3))
    },
  },
  'a feed that has shrunk': {
    counts: { unchanged: 18, missing: 12 },
    held: /12 of 30 products are missing/,
    happen: ({ catalogue, ids }) => catalogue.remove(ids.slice(0, 12)),
  },
  'a feed that has shrunk and grown': {
    counts: { created: 4, missing: 5, unchanged: 25 },
    happen({ catalogue, ids }) {
      catalogue.remove(ids.slice(0, 5))
      catalogue.add(4)
    },
  },
  'nothing at all': {
    counts: { missing: 30 },
    held: /the supplier sent nothing at all \(if that is expected: shelfsync sources set NAME --policy allowEmpty=true\)/,
    happen: ({ catalogue }) => catalogue.remove('all'),
  },
  'prices that fail their gates': {
    counts: { held: 30 },
    held: /30 of 30 prices failed a gate/,
    happen: ({ catalogue, ids }) => catalogue.setPrice(ids, { cents: 20_000 }),
  },
  'prices that move together': {
    counts: { updated: 30 },
    held: /30 of 30 prices moved together \(median ×2\)/,
    happen: ({ catalogue, ids }) => catalogue.setPrice(ids, { cents: 2000 }),
  },
  'prices that still wait for a person': {
    counts: { updated: 1, unchanged: 29 },
    held: /30 of 30 prices moved together \(median ×2\)/,
    async happen({ pipeline, catalogue, ids }) {
      catalogue.setPrice(ids, { cents: 2000 })
      await pipeline.sync()
      catalogue.setPrice(ids.slice(0, 1), { cents: 3000 })
    },
  },
  'prices that moved together, half of them back': {
    counts: { updated: 12, unchanged: 18 },
    held: /18 of 30 prices moved together \(median ×2\)/,
    async happen({ pipeline, catalogue, ids }) {
      catalogue.setPrice(ids, { cents: 2000 })
      await pipeline.sync()
      catalogue.setPrice(ids.slice(0, 12), { cents: 1000 })
    },
  },
  'prices that move together among as many new ones': {
    counts: { created: 15, updated: 30 },
    setup: { policy: { priceShiftShare: 0.7 } },
    happen({ catalogue, ids }) {
      catalogue.setPrice(ids, { cents: 2000 })
      catalogue.add(15)
    },
  },
}

for (const [what, day] of Object.entries(DAYS)) {
  test(`the plan and the sync of a day with ${what} agree, and the plan writes nothing`, async (t) => {
    const morning = await wakeUp(t, day)
    const { pipeline } = morning
    await day.happen(morning)
    const connector = { ...pipeline.connector, ...day.upgrade?.(pipeline.connector) }
    const before = await everything(pipeline)
    const { plan, changes } = await makePlan(pipeline, day.overrides, connector)
    assert.deepEqual(await everything(pipeline), before)

    const { run, state, reason, kind, ledger, removalsOff } = await pipeline.sync({
      ...day.overrides,
      connector,
    })
    assert.deepEqual(countOutcomes(plan), day.counts)
    assert.equal(plan.state, day.held ? 'held' : 'succeeded', plan.reason ?? '')
    if (day.held) assert.match(plan.reason ?? '', day.held)
    const { diff, ...settled } = plan
    assert.deepEqual(settled, { kind, state, reason, ledger, removalsOff })
    assert.deepEqual(diff, day.held ? toPlannedDiff(await loadRunDiff(db, run)) : null)

    const kinds = Object.groupBy(changes, (change) =>
      ['quarantined', 'missing', 'removed'].includes(change.kind) ? change.kind : 'written',
    )
    const { created, updated, held, quarantined, missing, removed } = ledger
    assert.deepEqual(
      Object.fromEntries(Object.entries(kinds).map(([name, list]) => [name, list.length])),
      Object.fromEntries(
        Object.entries({ written: created + updated + held, quarantined, missing, removed }).filter(
          ([, count]) => count > 0,
        ),
      ),
    )
  })
}

/** The members of a diff that a plan has too. */
function toPlannedDiff({ removals, prices, priceProducts, heldPrices, watermarkAt }: RunDiff) {
  return { removals, prices, priceProducts, heldPrices, watermarkAt }
}

test('a plan lists every change with its product and its values', async (t) => {
  const { pipeline, catalogue, ids, misstate } = await wakeUp(t, { setup: LOOSE })
  const [repriced = '', wild = '', broken = '', gone = ''] = ids
  catalogue.setPrice([repriced], { cents: 1100 })
  catalogue.setPrice([wild], { cents: 20_000 })
  catalogue.remove([gone])
  misstate([broken], { price: 'much' })
  const { changes } = await makePlan(pipeline)
  const of = (id: string): PlannedChange | undefined =>
    changes.find(({ externalId }) => externalId === id)
  assert.equal(of(repriced)?.kind, 'repriced')
  assert.deepEqual(of(repriced)?.detail[`price:${repriced}:public`], [1000, 1100])
  assert.deepEqual(of(wild)?.detail[`price:${wild}:public`], [1000, 20_000, 'the price rose ×20'])
  assert.equal(of(gone)?.kind, 'missing')
  assert.equal(of(broken)?.kind, 'quarantined')
  assert.match(JSON.stringify(of(broken)?.detail), /^\{"line":\d+,"reason":".*expected number/)
})

test('a plan that cannot be made is an error', async (t) => {
  const { pipeline, setFault, supplier } = await wakeUp(t, {})
  setFault({ kind: 'cut', afterLines: 7 })
  await assert.rejects(makePlan(pipeline), { code: 'source/cut-short' })
  supplier.heal()
  async function* unproved(...args: Parameters<Connector['fetch']>): AsyncGenerator<Page> {
    for await (const page of pipeline.connector.fetch(...args)) yield { ...page, complete: false }
  }
  await assert.rejects(makePlan(pipeline, {}, { ...pipeline.connector, fetch: unproved }), {
    code: 'source/cut-short',
    message: /a plan from it would be incomplete/,
  })
  setFault({ kind: 'status', status: 500 })
  assert.equal((await pipeline.sync()).state, 'failed')
  supplier.heal()
  await assert.rejects(makePlan(pipeline), {
    code: 'run/active',
    message: /is interrupted: a sync would resume that run/,
  })
  await pipeline.sync()
  assert.equal((await makePlan(pipeline)).plan.state, 'succeeded')
})

test('a plan of a run that would be held reports that and the reason, as text and as JSON', async (t) => {
  const simulator = await startMedipim({
    products: 30,
    keys: [{ id: '42', secret: 'secret' }],
    rateLimit: null,
  })
  t.after(simulator.close)
  const { run } = await openShelfsync(t, {
    MEDIPIM_API_KEY_ID: '42',
    MEDIPIM_API_KEY_SECRET: 'secret',
    MEDIPIM_API_URL: simulator.url,
  })
  await run('add', 'medipim', '--name', 'pharmacy')
  await run('sync')
  simulator.catalogue.remove({ count: 12 })
  const people = await run('plan', 'pharmacy', '--full')
  assert.equal(people.code, 0, people.stderr)
  assert.match(
    people.stdout,
    /full run that would be held; its removals .* would wait for a decision\n  because: 12 of 30 products are missing .*\n  fetched 18 · created 0 .* · missing 12\n  changes: none\n  approving it: 12 products removed · no price changed · watermark 20[^]*\nmissing 12\n {2}M\w+ \(.+\), AUD \d+\.\d\d\n/,
  )
  const { state, reason, ledger, changes } = (
    await run('plan', 'pharmacy', '--full', '--json')
  ).json()
  assert.equal(state, 'held')
  assert.match(String(reason), /12 of 30 products are missing/)
  assert.deepEqual([(ledger as Record<string, unknown>)['unchanged'], changes], [18, {}])
})
