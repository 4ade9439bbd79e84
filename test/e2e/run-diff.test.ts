// The diff of a held run: an approval covers what was shown, and what has appeared since stays held.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { Connector } from '../../src/core/connector.ts'
import { listRunDiff, loadRunDiff } from '../../src/db/read/run-diffs.ts'
import { loadRunDetails } from '../../src/db/read/run-summaries.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { approveRun, rejectRun } from '../../src/db/write/decisions.ts'
import { runCommand } from '../support/commands.ts'
import { openTestDatabase } from '../support/database.ts'
import { Keyboard } from '../support/keyboard.ts'
import { listProducts } from '../support/snapshot.ts'
import { Terminal } from '../support/terminal.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db, url } = await openTestDatabase()

/**
 * A source of 29 products with a held full run: 12 are missing, 8 cost 15.00 instead of 10.00, and
 * one costs 900.00, which fails a gate. The record `unread` of the first run could not be read.
 */
async function openHeld(t: TestContext) {
  const opened = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const { pipeline, supplier } = opened
  const ids = supplier.catalogue.ids()
  const unread = ids[12] ?? ''
  supplier.misstate([unread], { price: 'much' })
  const first = await pipeline.sync()
  supplier.heal()
  supplier.clock.advance(3_600_000)
  supplier.catalogue.remove(ids.slice(0, 13))
  supplier.catalogue.setPrice(ids.slice(13, 21), { cents: 1500 })
  supplier.catalogue.setPrice(ids.slice(21, 22), { cents: 90_000 })
  const held = await pipeline.sync()
  assert.equal(held.state, 'held')
  return { ...opened, ids, unread, first, held, missing: ids.slice(0, 12).toSorted() }
}

/** Fails at the product, after the batches before it were committed. */
function failAt({ connector }: TestPipeline, product: string): Connector {
  return {
    ...connector,
    normaliserVersion: connector.normaliserVersion + 1,
    normalise(record: unknown, settings: unknown) {
      const draft = connector.normalise(record, settings)
      if (draft.externalId === product) throw new TypeError('a bug')
      return draft
    },
  }
}

async function listRemoved(pipeline: TestPipeline): Promise<string[]> {
  const products = [...(await listProducts(pipeline)).values()]
  return products.filter(({ status }) => status === 'removed').map(({ id }) => id)
}

test('the diff lists each removal with its last price, then each price that waits, and no product twice', async (t) => {
  const { ids, held, missing } = await openHeld(t)
  const { items, next, version } = await listRunDiff(db, held.run, { limit: 100 })
  assert.equal(next, null)
  const before = { amountMinor: 1000, currency: 'EUR' }
  assert.deepEqual(
    items.map(({ kind, product }) => [kind, product]),
    [
      ...missing.map((id) => ['removed', id]),
      ...ids
        .slice(13, 21)
        .toSorted()
        .map((id) => ['price', id]),
      ['held price', ids[21]],
    ],
  )
  for (const item of items) {
    assert.deepEqual(item.before, before)
    assert.ok(item.title)
    assert.equal(item.run, held.run)
  }
  assert.deepEqual(items[12]?.after, { amountMinor: 1500, currency: 'EUR' })
  const [review] = (await listReviews(db, { run: held.run, kind: 'price', limit: 2 })).items
  assert.deepEqual([items[20]?.review, items[20]?.reason], [review?.id, 'the price rose ×90'])
  const details = await loadRunDetails(db, held.run)
  assert.deepEqual(details.diff, await loadRunDiff(db, held.run))
  assert.deepEqual(details.diff, {
    version,
    removals: 12,
    prices: 8,
    priceProducts: 8,
    heldPrices: 1,
    heldProducts: 1,
    changes: 9,
    watermarkAt: details.diff?.watermarkAt,
    watermarkBeforeAt: details.diff?.watermarkBeforeAt,
  })
})

test('the numbers of a diff come true when it is approved', async (t) => {
  const { pipeline, held, missing } = await openHeld(t)
  const { version, watermarkAt, watermarkBeforeAt } = await loadRunDiff(db, held.run)
  assert.notDeepEqual(watermarkAt, watermarkBeforeAt)
  assert.deepEqual((await pipeline.source()).watermarkAt, watermarkBeforeAt)
  assert.deepEqual(await approveRun(db, held.run, { version, by: 'anna' }), {
    state: 'succeeded',
    removed: 12,
    prices: 8,
    waiting: { removals: 0, prices: 0 },
  })
  assert.deepEqual((await pipeline.source()).watermarkAt, watermarkAt)
  assert.deepEqual(await listRemoved(pipeline), missing)
  const { ledger } = await loadRunDetails(db, held.run)
  assert.deepEqual([ledger?.removed, ledger?.missing], [12, 0])
  const [late] = await pipeline.query<{ published: number; before: number }>(
    `select count(*)::int as published, count(*) filter (where c.changed_at < v.decided_at)::int as before
     from catalog.changes c join catalog.reviews v on v.kind = 'run' and v.run_id = c.run_id
     where c.run_id = ${held.run} and c.position is not null`,
  )
  assert.deepEqual(late, { published: 21, before: 0 }, 'readers see the time of the approval')
  const [prices] = await pipeline.query<{ pending: number; held: number }>(
    `select count(*) filter (where state = 'pending')::int as pending,
       count(*) filter (where state = 'held')::int as held
     from catalog.prices where run_id = $1`,
    held.run,
  )
  assert.deepEqual(prices, { pending: 0, held: 1 }, 'a held price stays held')
})

test('an approval leaves out additions of other runs since the diff was seen, and they are decided afterwards', async (t) => {
  const { pipeline, supplier, ids, unread, first, held, missing } = await openHeld(t)
  const { version } = await loadRunDiff(db, held.run)
  // An interrupted replay creates a product that the held run did not see, and a failed sync finds
  // more changed prices.
  const last = ids[28] ?? ''
  const replayed = await pipeline.replay(first.run, { connector: misread(pipeline, unread, last) })
  assert.equal(replayed.state, 'failed')
  supplier.catalogue.setPrice(ids.slice(22, 24), { cents: 1600 })
  const failed = await pipeline.sync({ connector: failAt(pipeline, last) })
  assert.equal(failed.state, 'failed')
  const grown = await loadRunDiff(db, held.run)
  assert.notEqual(grown.version, version)
  assert.deepEqual([grown.removals, grown.prices], [13, 10])

  assert.deepEqual(await approveRun(db, held.run, { version, by: 'anna' }), {
    state: 'held',
    removed: 12,
    prices: 8,
    waiting: { removals: 1, prices: 2 },
  })
  assert.deepEqual(await listRemoved(pipeline), missing)
  const rest = await listRunDiff(db, held.run, { limit: 100 })
  assert.deepEqual(
    rest.items.map(({ kind, product, run }) => [kind, product, run]),
    [
      ['removed', unread, held.run],
      ...ids
        .slice(22, 24)
        .toSorted()
        .map((id) => ['price', id, failed.run]),
      ['held price', ids[21], held.run],
    ],
  )
  const waiting = await loadRunDetails(db, held.run)
  assert.deepEqual(
    [waiting.state, waiting.reason, waiting.ledger?.removed, waiting.ledger?.missing],
    ['held', 'added since anna approved the others: 1 removal, 2 changed prices', 12, 1],
  )
  await assert.rejects(approveRun(db, held.run, { version, by: 'bert' }), {
    code: 'run/not-held',
    message: new RegExp(`^anna has approved what you saw of run ${held.run}\\..*runs diff`),
  })
  const approved = await approveRun(db, held.run, { version: rest.version, by: 'bert' })
  assert.deepEqual([approved.state, approved.removed, approved.prices], ['succeeded', 1, 2])
  assert.deepEqual((await loadRunDetails(db, held.run)).ledger?.removed, 13)
})

/** As `failAt`, but reads the price of a record whose price cannot be read. */
function misread(pipeline: TestPipeline, product: string, failing: string): Connector {
  return {
    ...failAt(pipeline, failing),
    normalise(record: unknown, settings: unknown) {
      const wrong = Object(record) as { id?: unknown }
      return failAt(pipeline, failing).normalise(
        wrong.id === product ? { ...wrong, price: 1000 } : record,
        settings,
      )
    },
  }
}

test('prices of a run that was seen and has run again since are not approved', async (t) => {
  const { pipeline, supplier, ids, held } = await openHeld(t)
  const last = ids[28] ?? ''
  supplier.catalogue.setPrice(ids.slice(22, 23), { cents: 1600 })
  const failed = await pipeline.sync({ connector: failAt(pipeline, last) })
  const { version, prices } = await loadRunDiff(db, held.run)
  assert.equal(prices, 9)
  // As the queue does when a person retries the run.
  await db.query('select catalog.reopen_run($1)', [failed.run])
  await db.query('select catalog.cancel_run($1)', [failed.run])
  const approval = await approveRun(db, held.run, { version, by: 'anna' })
  assert.deepEqual([approval.state, approval.prices, approval.waiting.prices], ['held', 8, 1])
})

test('the pages of a diff list what the first page counted, while it grows', async (t) => {
  const { pipeline, supplier, ids, held } = await openHeld(t)
  const whole = await listRunDiff(db, held.run, { limit: 100 })
  const items = []
  let after: string | undefined
  do {
    const page = await listRunDiff(db, held.run, { limit: 5, after })
    items.push(...page.items)
    assert.equal(page.version, whole.version)
    after = page.next ?? undefined
    if (items.length === 5) {
      supplier.catalogue.setPrice(ids.slice(22, 24), { cents: 1600 })
      await pipeline.sync({ connector: failAt(pipeline, ids[28] ?? '') })
      assert.equal((await loadRunDiff(db, held.run)).prices, 10)
    }
  } while (after !== undefined)
  assert.deepEqual(items, whole.items)
})

/** Returns the number of decisions in this database that wait for a lock. */
async function countWaitingDecisions(): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and query like '%decide_run%'`,
  )
  return rows[0]?.n ?? 0
}

test('two people cannot decide one run twice, even at the same time', async (t) => {
  const { held } = await openHeld(t)
  const { version } = await loadRunDiff(db, held.run)
  const anna = await db.connect()
  await anna.query('begin')
  await anna.query('select catalog.decide_run($1, true, $2, $3)', [held.run, 'anna', version])
  const bert = rejectRun(db, held.run, 'bert').then(
    () => 'decided',
    () => 'refused',
  )
  await waitUntil(async () => (await countWaitingDecisions()) === 1)
  await anna.query('commit')
  anna.release()
  assert.equal(await bert, 'refused')
  for (const decide of [
    () => approveRun(db, held.run, { version, by: 'cleo' }),
    () => rejectRun(db, held.run, 'cleo'),
    () => loadRunDiff(db, held.run),
    () => listRunDiff(db, held.run, { limit: 1 }),
  ])
    await assert.rejects(decide, {
      code: 'run/not-held',
      message: /not held: anna approved it at \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
    })
  const { decision } = await loadRunDetails(db, held.run)
  assert.deepEqual([decision?.state, decision?.by], ['approved', 'anna'])
})

test('an approval names a version of the same run', async (t) => {
  const { held } = await openHeld(t)
  for (const version of ['', '0:1', 'x', `${held.run}:9`, `${held.run}`])
    await assert.rejects(approveRun(db, held.run, { version, by: 'anna' }), {
      code: 'usage/invalid',
      message: new RegExp(`is not a version of the diff of run ${held.run}`),
    })
  await assert.rejects(
    db.query('select catalog.decide_run($1, true, $2, null)', [held.run, 'anna']),
    /names the version of the diff/,
  )
  assert.equal((await loadRunDetails(db, held.run)).state, 'held')
})

test('the reason of a held run names every cause, and its ledger counts what is missing', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.catalogue.remove(ids.slice(0, 12))
  supplier.misstate(ids.slice(12, 14), { price: 'much' })
  supplier.catalogue.setPrice(ids.slice(14, 24), { cents: 2000 })
  supplier.catalogue.setPrice(ids.slice(24, 30), { cents: 90_000 })
  const held = await pipeline.sync()
  assert.deepEqual(held.reason?.split('; '), [
    '2 of 18 records are in quarantine (more than 1 %)',
    '12 of 30 products are missing (more than 15 %)',
    '10 of 30 prices moved together (median ×2)',
    '6 prices failed a gate',
    '10 changed prices of 10 products wait for this decision or for the next good run',
  ])
  assert.deepEqual([held.ledger.missing, held.ledger.removed], [12, 0])
  const { stdout } = await runCommand({ DATABASE_URL: url, SHELFSYNC_HOME: pipeline.storeRoot }, [
    'runs',
    '--source',
    pipeline.name,
  ])
  assert.match(stdout, /2 of 18 records are in quarantine \(more than 1 %\) \(\+4\)$/m)
})

test('causes within their limits are named too, when a run is held for another one', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const ids = supplier.catalogue.ids()
  await pipeline.sync()
  supplier.catalogue.remove(ids.slice(0, 1))
  supplier.misstate(ids.slice(1, 2), { price: 'much' })
  supplier.catalogue.setPrice(ids.slice(2, 20), { cents: 2000 })
  const held = await pipeline.sync()
  assert.deepEqual(held.reason?.split('; '), [
    '18 of 30 prices moved together (median ×2)',
    '1 of 30 products is missing',
    '1 of 29 records is in quarantine',
    '18 changed prices of 18 products wait for this decision or for the next good run',
  ])
  assert.equal((await loadRunDiff(db, held.run)).removals, held.ledger.missing)
})

for (const kind of ['replay', 'incremental'] as const) {
  test(`${kind === 'replay' ? 'a replay' : 'an incremental run'} that supersedes a held run says that its removals wait for the next full run`, async (t) => {
    const { pipeline, held } = await openHeld(t)
    const report =
      kind === 'replay' ? await pipeline.replay(held.run) : await pipeline.sync({ mode: kind })
    const why = `held run ${held.run} found 12 products missing; this run supersedes it and removes nothing, so what is missing waits for the next full run`
    assert.equal(report.removalsOff, why)
    assert.equal((await loadRunDetails(db, report.run)).removalsOff, why)
    assert.equal((await loadRunDetails(db, held.run)).state, 'superseded')
  })
}

test('runs show counts the records in quarantine of this run and those of earlier runs', async (t) => {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const [first = '', second = ''] = supplier.catalogue.ids()
  supplier.misstate([first], { price: 'much' })
  await pipeline.sync()
  supplier.heal()
  supplier.clock.advance(3_600_000)
  supplier.catalogue.update([second])
  supplier.misstate([second], { price: 'much' })
  const { run } = await pipeline.sync({ mode: 'incremental' })
  const details = await loadRunDetails(db, run)
  assert.deepEqual([details.openQuarantine, details.otherQuarantine], [1, 1])
  const { stdout } = await runCommand({ DATABASE_URL: url, SHELFSYNC_HOME: pipeline.storeRoot }, [
    'runs',
    'show',
    String(run),
  ])
  assert.match(stdout, new RegExp(`^  quarantine   1 record of run ${run}, 1 of other runs: `, 'm'))
})

/** The SQL of one section of docs/operations.md, for another run than 7. */
function readOperationsSql(section: string, run: number): string[] {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const blocks = text.split('\n## ', 1)[0]?.matchAll(/^```sql\n(.*?)^```/gms) ?? []
  return [...blocks].map(([, sql = '']) => sql.replaceAll(/\b7\b/g, String(run)))
}

test('the SQL of docs/operations.md shows and decides the same as the commands', async (t) => {
  const { held, missing } = await openHeld(t)
  const [summary = '', list = '', approval = '', ...rest] = readOperationsSql(
    'A run is held',
    held.run,
  )
  assert.deepEqual(rest, [])
  const diff = await loadRunDiff(db, held.run)
  const [counts] = (await db.query(summary)).rows
  assert.deepEqual(
    [counts.version, counts.removals, counts.prices, counts.held_prices, counts.watermark],
    [diff.version, 12, 8, 1, diff.watermarkAt],
  )
  const { items } = await listRunDiff(db, held.run, { limit: 100 })
  const rows = (await db.query<{ kind: string; product: string }>(list)).rows
  assert.deepEqual(
    rows.map(({ kind, product }) => [kind, product]),
    items.map(({ kind, product }) => [kind, product]),
  )
  const [decided] = (await db.query(approval)).rows
  assert.deepEqual(
    [decided.state, decided.removed, decided.prices],
    ['succeeded', missing.length, 8],
  )
})

/** Runs a decision on a held run, and types a response to its question. */
async function answerDecision(
  pipeline: TestPipeline,
  command: string[],
  answer: string,
): Promise<{ screen: string; code: number }> {
  const env = { DATABASE_URL: url, SHELFSYNC_HOME: pipeline.storeRoot }
  const [keyboard, terminal] = [new Keyboard(), new Terminal(400)]
  const cli = new Cli(new Output(terminal, terminal), env, keyboard)
  const done = (await createProgram(cli, command)).parseAsync(command, { from: 'user' })
  await terminal.shows(/ run \d+\? \[y\/N\]/)
  keyboard.type(`${answer}\r`)
  await done
  return { screen: terminal.screen, code: cli.exitCode }
}

test('runs approve prints the counts and asks, and reports what appeared meanwhile', async (t) => {
  const { pipeline, supplier, ids, held } = await openHeld(t)
  const counts = `Approving run ${held.run}: 12 products removed · 8 changed prices of 8 products current · 9 changes published · watermark`
  const decide = (answer: string, ...args: string[]) =>
    answerDecision(pipeline, ['runs', 'approve', String(held.run), ...args], answer)
  const refused = await decide('n')
  assert.ok(refused.screen.startsWith(counts), refused.screen)
  assert.match(refused.screen, /because: 12 of 29 products are missing .*; /)
  assert.match(refused.screen, new RegExp(`list: shelfsync runs diff ${held.run}\n`))
  assert.match(refused.screen, /stays held: nothing was approved\.$/)
  assert.equal(refused.code, 2)
  const { version } = await loadRunDiff(db, held.run)
  supplier.catalogue.setPrice(ids.slice(22, 24), { cents: 1600 })
  await pipeline.sync({ connector: failAt(pipeline, ids[28] ?? '') })
  const partly = await decide('y', '--seen', version)
  assert.match(partly.screen, /The diff has changed since version/)
  assert.ok(
    partly.screen.endsWith(
      `Run ${held.run}: 12 removals and 8 changed prices approved; 2 changed prices appeared meanwhile and wait: shelfsync runs diff ${held.run}`,
    ),
    partly.screen,
  )
  assert.equal(partly.code, 2)
  const rest = await decide('yes')
  assert.match(rest.screen, /is approved: 2 changed prices approved\.$/)
  assert.equal(rest.code, 0)
})

test('runs reject prints the counts and asks, and discards nothing without a yes', async (t) => {
  const { pipeline, held } = await openHeld(t)
  const decide = (answer: string) =>
    answerDecision(pipeline, ['runs', 'reject', String(held.run)], answer)
  const kept = await decide('')
  const counts = `Rejecting run ${held.run} discards 12 removals and 8 changed prices.\n  because: 12 of 29 products are missing`
  assert.ok(kept.screen.startsWith(counts), kept.screen)
  assert.match(kept.screen, new RegExp(`list: shelfsync runs diff ${held.run}\n`))
  assert.match(kept.screen, /stays held: nothing was discarded\.$/)
  assert.equal(kept.code, 2)
  assert.equal((await loadRunDiff(db, held.run)).removals, 12)
  const rejected = await decide('y')
  assert.match(rejected.screen, /is rejected: 12 removals and 8 changed prices discarded\.$/)
  assert.equal(rejected.code, 0)
  await assert.rejects(loadRunDiff(db, held.run), { code: 'run/not-held' })
})

test('the reasons of a held run agree with their counts', async () => {
  const list = async (n: number) => {
    const facts = {
      kind: 'full',
      complete: true,
      fetched: 1250 * n,
      expected: 1250 * n,
      counts: { unchanged: 1249 * n, quarantined: n },
      missing: n,
      products: 1000 * n,
      moved: 0,
      ratio: null,
      gated: n,
      withdrawn: 0,
      waiting: n,
      waitingProducts: n,
    }
    // An unbalanced ledger holds the run; all other causes stay within their limits.
    const policy = {
      removalShare: 0.15,
      quarantineShare: 0.0025,
      priceShiftShare: 1,
      priceShiftFactor: 2,
      allowEmpty: false,
    }
    const unbalanced = { ...facts, fetched: facts.fetched + 1 }
    const { rows } = await db.query<{ reasons: string[] }>(
      "select catalog.list_hold_reasons(0, $1, '', $2) as reasons",
      [unbalanced, policy],
    )
    return rows[0]?.reasons
  }
  assert.deepEqual(await list(1), [
    'the ledger does not balance: 1,251 records archived, 1,250 accounted for',
    '1 of 1,000 products is missing',
    '1 price failed a gate',
    '1 of 1,251 records is in quarantine',
    '1 changed price of 1 product waits for this decision or for the next good run',
  ])
  assert.deepEqual(await list(2), [
    'the ledger does not balance: 2,501 records archived, 2,500 accounted for',
    '2 of 2,000 products are missing',
    '2 prices failed a gate',
    '2 of 2,501 records are in quarantine',
    '2 changed prices of 2 products wait for this decision or for the next good run',
  ])
  const { rows } = await db.query(
    'select catalog.format_share(0.15) as whole, catalog.format_share(0.0025) as part',
  )
  assert.deepEqual(rows, [{ whole: '15 %', part: '0.25 %' }])
})

test('prices of a refresh that ends during an approval are not approved', async (t) => {
  const { pipeline, ids, held } = await openHeld(t)
  const { id } = await pipeline.source()
  // A refresh that began before the held run, runs still, and has found a changed price.
  const [refresh] = await pipeline.query<{ id: number }>(
    `update catalog.runs set kind = 'refresh', keys = array[$2], state = 'running'
     where source_id = $1 and id < $3 returning id`,
    id,
    ids[25],
    held.run,
  )
  await pipeline.query(
    `insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type,
       run_id, amount_minor, currency, state, observed_at)
     values ($1, $2, $2, 'sale', $3, 1, 'EUR', 'pending', now())`,
    id,
    ids[25],
    refresh?.id,
  )
  const { version } = await loadRunDiff(db, held.run)
  const blocker = await db.connect()
  await blocker.query('begin; lock table catalog.parts in access exclusive mode')
  const approval = approveRun(db, held.run, { version, by: 'anna' })
  await waitUntil(async () => (await countWaitingDecisions()) === 1)
  await blocker.query(
    `update catalog.runs set state = 'failed', finished_at = clock_timestamp() where id = ${refresh?.id}`,
  )
  await blocker.query('commit')
  blocker.release()
  const { state, prices } = await approval
  assert.deepEqual([state, prices], ['succeeded', 8])
  const [late] = await pipeline.query<{ state: string }>(
    `select state from catalog.prices where source_id = $1 and price_type = 'sale'`,
    id,
  )
  assert.equal(late?.state, 'pending')
})
