// A plan of a replay against the replay that follows it: both have the same ledger and the same
// state, and the plan writes nothing.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import type { Connector } from '../../src/core/connector.ts'
import type { Draft } from '../../src/core/product.ts'
import { findActiveRun } from '../../src/db/write/runs.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import type { PlannedChange } from '../../src/pipeline/apply/plan-writer.ts'
import { planReplay } from '../../src/pipeline/plan.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes, type TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { listRowVersions } from '../support/snapshot.ts'
import { openShelfsync } from './shelfsync.ts'

const { pool: db } = await openTestDatabase()

/** 30 products in several parts, synced twice. Two products are newer in the second artifact. */
async function openArchive(t: TestContext) {
  const { pipeline, supplier } = await openToy(t, { db, options: { lanes: 1 } })
  const ids = supplier.catalogue.ids()
  const first = (await pipeline.sync()).run
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update(ids.slice(0, 2))
  const second = (await pipeline.sync()).run
  const [{ parts } = { parts: 0 }] = await pipeline.query<{ parts: number }>(
    'select count(*)::integer as parts from catalog.parts where run_id = $1',
    first,
  )
  assert.ok(parts > 2)
  return { pipeline, ids, first, second }
}

function corrected(connector: Connector, change: (draft: Draft) => Partial<Draft>): Connector {
  return {
    ...connector,
    normaliserVersion: connector.normaliserVersion + 1,
    normalise(record, settings) {
      const draft = connector.normalise(record, settings)
      return { ...draft, ...change(draft) }
    },
  }
}

async function plan(pipeline: TestPipeline, run: number, connector = pipeline.connector) {
  const changes: PlannedChange[] = []
  const planned = await planReplay(
    pipeline.tools,
    bindConnector(connector, await pipeline.source()),
    run,
    {
      progress: createProgress(),
      signal: new AbortController().signal,
      onChange: (change) => void changes.push(change),
    },
  )
  return { planned, changes }
}

const shout = ({ title }: Draft): Partial<Draft> => ({ title: title?.toUpperCase() ?? null })
const raise = ({ prices }: Draft): Partial<Draft> => ({
  prices: prices.map((price) => ({ ...price, amountMinor: (price.amountMinor ?? 0) * 20 })),
})

const CASES: Readonly<
  Record<
    string,
    {
      readonly of: 'first' | 'second'
      readonly change: (draft: Draft) => Partial<Draft>
      readonly counts: Record<string, number>
      readonly held?: RegExp
    }
  >
> = {
  'the same normaliser': { of: 'second', change: () => ({}), counts: { unchanged: 30 } },
  'a corrected normaliser': { of: 'second', change: shout, counts: { updated: 30 } },
  'a corrected normaliser, over an older artifact': {
    of: 'first',
    change: shout,
    counts: { updated: 28, older: 2 },
  },
  'a normaliser that misreads prices': {
    of: 'second',
    change: raise,
    counts: { held: 30 },
    held: /prices failed a gate/,
  },
}

for (const [what, { of, change, counts: expected, held }] of Object.entries(CASES)) {
  test(`the plan and the replay with ${what} agree, and the plan writes nothing`, async (t) => {
    const archive = await openArchive(t)
    const { pipeline } = archive
    const connector = corrected(pipeline.connector, change)
    const everything = async () => [
      await listRowVersions(pipeline),
      await pipeline.query(
        'select count(*) from catalog.runs where source_id = $1',
        (await pipeline.source()).id,
      ),
    ]
    const before = await everything()
    const { planned, changes } = await plan(pipeline, archive[of], connector)
    assert.deepEqual(await everything(), before)
    assert.deepEqual(countOutcomes(planned), expected)

    const { state, reason, kind, ledger, removalsOff } = await pipeline.replay(archive[of], {
      connector,
    })
    const { diff, ...settled } = planned
    assert.deepEqual(settled, { kind, state, reason, ledger, removalsOff })
    assert.equal(diff !== null, held !== undefined)
    assert.equal(changes.length, ledger.updated + ledger.held)
    if (held) assert.match(reason ?? '', held)
  })
}

test('a replay of a missing artifact, or during a run, cannot be planned', async (t) => {
  const { pipeline, first } = await openArchive(t)
  await assert.rejects(plan(pipeline, 999_999), { code: 'run/unknown' })
  await pipeline.query(`update catalog.runs set state = 'running' where id = $1`, first)
  assert.equal((await findActiveRun(db, (await pipeline.source()).id))?.id, first)
  await assert.rejects(plan(pipeline, first), {
    code: 'run/active',
    message: /is running, and a replay waits for it/,
  })
})

test('replay --plan shows the changes of the replay and changes nothing', async (t) => {
  const simulator = await startMedipim({ products: 30, rateLimit: null })
  t.after(simulator.close)
  const { run, db: own } = await openShelfsync(t, {
    MEDIPIM_API_KEY: '42:secret',
    MEDIPIM_API_URL: simulator.url,
  })
  await run('add', 'medipim', '--name', 'pharmacy')
  await run('sync')
  // As if an earlier normaliser had read it differently.
  await own.query(
    `update catalog.products set title = 'Misread', content_hash = '\\x00', record_hash = '\\x00' where seq = 3`,
  )
  const { code, stdout, stderr } = await run('replay', 'pharmacy', '--plan')
  assert.equal(code, 0, stderr)
  assert.match(
    stdout,
    /^pharmacy: replay run that would succeed\n {2}fetched 30 · created 0 · updated 1 · unchanged 29 .+\n {2}changes: updated 1\nupdated 1\n {2}M\w+ \(.+\)\n {4}title: "Misread" → ".+"\n$/,
  )
  const { rows } = await own.query(
    'select kind, (select count(*)::integer from catalog.products where title = $1) as misread from catalog.runs',
    ['Misread'],
  )
  assert.deepEqual(rows, [{ kind: 'full', misread: 1 }])
})
