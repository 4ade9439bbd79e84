// The choice between resuming a run and starting one: an interrupted run is resumed only while it
// is what was requested.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connector, Page } from '../../src/core/connector.ts'
import type { ErrorCode } from '../../src/core/error-table.ts'
import { SyncError } from '../../src/core/errors.ts'
import { openTestDatabase } from '../support/database.ts'
import { type SyncOverrides, type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { watchStore } from '../faults/failpoints.ts'

const { pool: db } = await openTestDatabase()
const WEEK_MS = 7 * 86_400_000

/** Opens a source that is up to date, after a run of this kind that could not store anything. */
async function openInterrupted(t: Parameters<typeof openToy>[0], overrides: SyncOverrides) {
  const { pipeline, supplier } = await openToy(t, { db })
  await pipeline.sync()
  supplier.clock.advance(60_000)
  supplier.catalogue.touch('all')
  const full = (): never => {
    throw new SyncError('artifact/unwritable', 'no space is left on the disk')
  }
  const interrupted = await pipeline.sync({
    ...overrides,
    tools: { store: watchStore(pipeline.tools.store, full) },
  })
  assert.equal(interrupted.state, 'failed')
  return { pipeline, supplier, interrupted }
}

/**
 * The kind of the next run, the time from which it reads, and whether it resumed the interrupted
 * run.
 */
async function syncNext(
  pipeline: TestPipeline,
  overrides: SyncOverrides,
): Promise<[kind: string, since: Date | null, resumed: boolean]> {
  const { run, kind, resumed, state } = await pipeline.sync(overrides)
  assert.equal(state, 'succeeded')
  const [row] = await pipeline.query<{ since: Date | null }>(
    'select since from catalog.runs where id = $1',
    run,
  )
  return [kind, row?.since ?? null, resumed]
}

const sinceOf = async (pipeline: TestPipeline): Promise<Date> =>
  new Date(((await pipeline.source()).watermarkAt?.getTime() ?? 0) - 600_000)

for (const mode of ['full', 'incremental'] as const) {
  test(`a sync resumes an interrupted ${mode} run even when another kind is due`, async (t) => {
    for (const dueIn of [0, WEEK_MS]) {
      const { pipeline } = await openInterrupted(t, { mode })
      const since = mode === 'full' ? null : await sinceOf(pipeline)
      assert.deepEqual(
        await syncNext(pipeline, { mode: 'auto', now: new Date(Date.now() + dueIn) }),
        [mode, since, true],
      )
    }
  })

  test(`a sync runs what is due instead of resuming a ${mode} run that is too old`, async (t) => {
    for (const due of ['full', 'incremental'] as const) {
      const { pipeline } = await openInterrupted(t, { mode })
      await pipeline.query(
        `update catalog.runs set started_at = started_at - interval '25 hours' where state = 'interrupted' and source_id = $1`,
        (await pipeline.source()).id,
      )
      const since = due === 'full' ? null : await sinceOf(pipeline)
      assert.deepEqual(
        await syncNext(pipeline, {
          mode: 'auto',
          now: new Date(Date.now() + (due === 'full' ? WEEK_MS : 0)),
        }),
        [due, since, false],
      )
    }
  })
}

test('a request for a full run does not resume an incremental one', async (t) => {
  const { pipeline, interrupted } = await openInterrupted(t, { mode: 'incremental' })
  assert.deepEqual(await syncNext(pipeline, { mode: 'full' }), ['full', null, false])
  const rows = await pipeline.query<{ state: string; reason: string }>(
    'select state, reason from catalog.runs where id = $1',
    interrupted.run,
  )
  assert.deepEqual(rows, [
    { state: 'superseded', reason: 'a newer run that could not resume it has replaced it' },
  ])
  assert.ok(
    pipeline.logged.some((text) =>
      text.includes(`run ${interrupted.run} was interrupted and is superseded`),
    ),
  )
})

test('a manual run resumes one that reads from the same time or earlier, not one that reads less', async (t) => {
  for (const earlierMs of [-3_600_000, 0, 3_600_000]) {
    const firstSinceAt = new Date(Date.now() - 86_400_000)
    const { pipeline } = await openInterrupted(t, { mode: 'incremental', sinceAt: firstSinceAt })
    const sinceAt = new Date(firstSinceAt.getTime() - earlierMs)
    const expected =
      earlierMs > 0 ? ['incremental', sinceAt, false] : ['incremental', firstSinceAt, true]
    assert.deepEqual(await syncNext(pipeline, { mode: 'incremental', sinceAt }), expected)
  }
})

/**
 * The same pipeline with a supplier that delivers two pages per request and then fails with `code`.
 */
function breakOff(
  pipeline: TestPipeline,
  code: ErrorCode,
): { readonly connector: Connector; requests: number } {
  async function* fetch(...request: Parameters<Connector['fetch']>): AsyncGenerator<Page> {
    broken.requests++
    let pages = 0
    for await (const page of pipeline.connector.fetch(...request)) {
      if (++pages > 2) throw new SyncError(code, 'broken off')
      yield page
    }
  }
  const broken = { connector: { ...pipeline.connector, fetch }, requests: 0 }
  return broken
}

test('a failing supplier is retried while it makes progress, and a limited number of times while it makes little; the next sync resumes after the last archived page', async (t) => {
  const { pipeline: patient } = await openToy(t, { db })
  const further = breakOff(patient, 'source/unavailable')
  assert.equal((await patient.sync({ connector: further.connector })).state, 'succeeded')
  assert.ok(further.requests > 3)
  const { pipeline } = await openToy(t, { db })
  const trickling = breakOff(pipeline, 'source/too-slow')
  const { state, error, ledger } = await pipeline.sync({ connector: trickling.connector })
  assert.deepEqual(
    [state, error instanceof SyncError && error.code, trickling.requests],
    ['failed', 'source/too-slow', 3],
  )
  assert.ok(ledger.fetched >= 16, `${ledger.fetched} lines are kept`)
  const {
    state: healed,
    resumed,
    ledger: { created },
  } = await pipeline.sync()
  assert.deepEqual([healed, resumed, created], ['succeeded', true, 30])
})

test('a run that an internal error ended is not resumed, because its archive would cause the error again', async (t) => {
  const { pipeline } = await openToy(t, { db })
  const broken = {
    ...pipeline.connector,
    normalise: () => {
      throw new TypeError('a bug')
    },
  }
  const { run, state, reason } = await pipeline.sync({ connector: broken })
  assert.deepEqual([state, reason], ['failed', 'internal error: a bug'])
  const healed = await pipeline.sync()
  assert.deepEqual(
    [healed.state, healed.resumed, healed.run === run, healed.ledger.created],
    ['succeeded', false, false, 30],
  )
})
