// Any sequence of supplier changes and run failures, through the real pipeline, against the model.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findArtifact } from '../../src/db/write/artifacts.ts'
import { openPool } from '../../src/db/pool.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { onNthPass, watchQueries, type Failpoint } from '../faults/failpoints.ts'
import type { TestDatabase } from '../support/database.ts'
import { type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import type { ToySupplier } from '../support/toy/supplier.ts'
import { listProducts } from '../support/snapshot.ts'
import { Model, parseModelLine, type ModelLine } from './model.ts'

const which = fc.nat({ max: 11 })

/** Events at the supplier between two runs. */
const anyHappening = fc.oneof(
  fc.record({ do: fc.constant('create' as const) }),
  fc.record({
    do: fc.constantFrom('change', 'touch', 'deactivate', 'activate', 'remove', 'return'),
    which,
  }),
  fc.record({
    do: fc.constant('price' as const),
    which,
    cents: fc.constantFrom(0, 40, 900, 1000, 1100, 5000, 90_000),
  }),
)
const anyCrash = fc.record({
  place: fc.constantFrom<Failpoint>(
    'after add_part',
    'before apply_batch',
    'after apply_batch',
    'after commit',
    'before settle_run',
  ),
  nth: fc.integer({ min: 1, max: 4 }),
})
const anyRun = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ run: fc.constantFrom('full' as const, 'incremental' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      run: fc.constant('full' as const),
      malformed: which,
      how: fc.constantFrom('price' as const, 'line' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      run: fc.constantFrom('full' as const, 'incremental' as const),
      undated: which,
      time: fc.constantFrom<string | number>('', 0, 4_102_444_800_000, 1_767_225_600_000_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ run: fc.constant('full' as const), cutAfter: fc.nat({ max: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      run: fc.constantFrom('full' as const, 'incremental' as const),
      crash: anyCrash,
      meanwhile: fc.array(anyHappening, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ replay: fc.nat({ max: 20 }) }) },
)
const anyStep = fc.record({ happenings: fc.array(anyHappening, { maxLength: 4 }), run: anyRun })
type Happening = typeof anyHappening extends fc.Arbitrary<infer T> ? T : never
type Run = typeof anyRun extends fc.Arbitrary<infer T> ? T : never

/** Declares the property test. The same seed produces the same sequences. */
export function testSequences(database: TestDatabase, numRuns: number, seed: number): void {
  test('any sequence of runs ends in the catalogue that the model predicts', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 7 }), async (steps) => {
        const ended = new AsyncDisposableStack()
        try {
          const scope = { after: (end: () => Promise<void>) => ended.defer(end) }
          const { pipeline, supplier } = await openToy(scope, {
            db: database.pool,
            start: { products: 9, pageSize: 2 },
            options: { partBytesMax: 1, batchRecordsMax: 2, attemptsMax: 2 },
            policy: { priceShiftShare: 1, quarantineShare: 0.2 },
          })
          await new Sequence(database, pipeline, supplier).follow(steps)
        } finally {
          await ended.disposeAsync()
        }
      }),
      { numRuns, seed, endOnFailure: true },
    )
    t.diagnostic(`${numRuns} sequences, seed ${seed}`)
  })
}

class Sequence {
  readonly #database: TestDatabase
  readonly #pipeline: TestPipeline
  readonly #supplier: ToySupplier
  readonly #model = new Model()
  readonly #closed: number[] = []
  #steps = 0

  constructor(database: TestDatabase, pipeline: TestPipeline, supplier: ToySupplier) {
    this.#database = database
    this.#pipeline = pipeline
    this.#supplier = supplier
  }

  async follow(steps: readonly { happenings: readonly Happening[]; run: Run }[]): Promise<void> {
    for (const { happenings, run } of steps) {
      this.#steps += 1
      for (const happening of happenings) this.#happen(happening)
      this.#supplier.clock.advance(3_600_000)
      if ('replay' in run) await this.#replay(run.replay)
      else await this.#run(run)
      this.#supplier.heal()
      await this.#compare(run)
    }
  }

  #happen(happening: Happening): void {
    const { catalogue, clock } = this.#supplier
    clock.advance(60_000)
    if (happening.do === 'create') return void catalogue.add(1)
    const ids = [catalogue.idAt(happening.which)].filter((id) => catalogue.has(id))
    if (happening.do === 'price') catalogue.setPrice(ids, { cents: happening.cents })
    else if (happening.do === 'change') catalogue.update(ids)
    else if (happening.do === 'touch') catalogue.touch(ids)
    else if (happening.do === 'deactivate') catalogue.deactivate(ids)
    else if (happening.do === 'activate') catalogue.activate(ids)
    else if (happening.do === 'remove') catalogue.remove(ids)
    else catalogue.restore('all')
  }

  async #run(run: Exclude<Run, { replay: number }>): Promise<void> {
    const { catalogue, misstate, setFaults } = this.#supplier
    if ('malformed' in run) {
      if (run.how === 'price') misstate([catalogue.idAt(run.malformed)], { price: 'much' })
      else setFaults({ kind: 'half-line', at: run.malformed, times: null })
    }
    if ('undated' in run) misstate([catalogue.idAt(run.undated)], { updated_at: run.time })
    if ('cutAfter' in run) setFaults({ kind: 'cut', afterLines: run.cutAfter, times: null })
    let report =
      'crash' in run ? await this.#runAndCrash(run) : await this.#pipeline.sync({ mode: run.run })
    if ('crash' in run && report.state === 'failed') {
      for (const happening of run.meanwhile) this.#happen(happening)
      report = await this.#pipeline.sync({ mode: 'auto' })
      assert.equal(report.resumed, true)
    }
    const { lines, complete } = await this.#archived(report.run)
    const expected = this.#model.run(
      report.kind === 'full' ? 'full' : 'incremental',
      lines,
      complete,
    )
    assert.equal(report.state, expected, `step ${this.#steps}: ${report.reason}`)
    this.#closed.push(report.run)
  }

  /**
   * The connection dies at the place, as when the process is killed, and no worker renews the
   * lease.
   */
  async #runAndCrash({ run, crash }: Extract<Run, { crash: unknown }>): Promise<RunReport> {
    const db = await openPool(this.#database.url, { applicationName: 'crashing' })
    let dead = false
    const strike = onNthPass(crash.place, crash.nth, () => void (dead = true))
    watchQueries(db, (place) => {
      void strike(place)
      if (dead) throw new Error('Connection terminated')
    })
    try {
      return await this.#pipeline.sync({ mode: run, tools: { db } })
    } finally {
      await db.end()
      await this.#pipeline.expireLease()
    }
  }

  async #replay(pick: number): Promise<void> {
    const run = this.#closed[pick % Math.max(1, this.#closed.length)]
    if (run === undefined) return
    const { lines, complete } = await this.#archived(run)
    const { state, reason } = await this.#pipeline.replay(run)
    assert.equal(state, this.#model.replay(lines, complete), `step ${this.#steps}: ${reason}`)
  }

  async #archived(run: number): Promise<{ lines: ModelLine[]; complete: boolean }> {
    const text = await this.#pipeline.archived(run)
    const artifact = await findArtifact(
      this.#database.pool,
      (await this.#pipeline.source()).id,
      run,
    )
    return {
      lines: text.split('\n').slice(0, -1).map(parseModelLine),
      complete: artifact?.complete ?? false,
    }
  }

  async #compare(run: Run): Promise<void> {
    const actual = [...(await listProducts(this.#pipeline)).values()].map(
      ({ id, status, title, prices }) => ({ id, status, title, prices }),
    )
    const expected = [...this.#model.products].map(([id, { status, title, prices }]) => ({
      id,
      status,
      title,
      prices,
    }))
    expected.sort((a, b) => (a.id < b.id ? -1 : 1))
    assert.deepEqual(actual, expected, `step ${this.#steps}: ${JSON.stringify(run)}`)
  }
}
