// Held runs and prices are decided at the command line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withMedipim, assertEnded, ledgerOf } from './medipim-shelf.ts'

test('a catalogue that shrinks too much is held with exit code 2 until a person approves', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 60)
  assertEnded(await run('sync'), 0)
  simulator.catalogue.remove({ count: 30 })
  const held = await run('sync', '--full', '--json')
  assertEnded(held, 2)
  assert.equal(held.json()['state'], 'held')
  assert.match(String(held.json()['reason']), /of 60 products are missing/)
  const id = String(held.json()['run'])
  assert.match((await run('status')).stdout, new RegExp(`run ${id} is held`))
  const shown = await run('runs', 'show', id)
  assert.match(shown.stdout, /approving +30 products removed · no price changed · /)
  assert.match(shown.stdout, /decide +shelfsync runs approve/)
  assert.match((await run('reviews')).stdout, /the whole run: 30 products removed · /)
  const refused = await run('runs', 'approve', id, '--by', 'ann')
  assertEnded(refused, 64)
  assert.match(refused.stdout, /^Approving run \d+: 30 products removed · no price changed · /)
  const [, command = ''] = /Confirm with --yes: shelfsync (.*)\n/.exec(refused.stderr) ?? []
  assert.match(command, new RegExp(`^runs approve ${id} --seen ${id}:1 --yes --by ann$`))
  const [review = ''] = (
    await db.query("select id from catalog.reviews where kind = 'run'")
  ).rows.map((row: { id: number }) => String(row.id))
  const blind = await run('reviews', 'approve', review)
  assertEnded(blind, 64)
  assert.match(blind.stderr, new RegExp(`See what it would change.*: shelfsync runs approve ${id}`))
  assert.equal(
    (await db.query("select from catalog.products where status = 'removed'")).rowCount,
    0,
  )

  const diff = await run('runs', 'diff', id, '--limit', '29')
  assert.match(diff.stdout, /^removed +M\w+ .* AUD \d+\.\d\d /m)
  assert.match(
    diff.stdout,
    new RegExp(
      `^Approve all pages of this version: shelfsync runs approve ${id} --seen ${id}:1$`,
      'm',
    ),
  )
  const [, after = ''] = /--after (\S+)$/m.exec(diff.stdout) ?? []
  const { items, next, version } = (
    await run('runs', 'diff', id, '--limit', '29', '--after', after, '--json')
  ).json()
  assert.deepEqual([(items as unknown[]).length, next, version], [1, null, `${id}:1`])
  assertEnded(await run('runs', 'diff', id, '--after', 'ZGlmZjo3'), 64)

  const approved = await run(...command.split(' '), '--by', 'tester', '--json')
  assertEnded(approved, 0)
  const { rows } = await db.query(
    "select count(*) as removed from catalog.products where status = 'removed'",
  )
  assert.deepEqual([approved.json()['removed']], [rows[0]?.removed])
  assert.ok(Number(rows[0]?.removed) > 20)
  const twice = await run('runs', 'approve', id)
  assertEnded(twice, 1)
  assert.match(twice.stderr, /is succeeded, not held: tester approved it at 20/)
  const [decision] = (await db.query("select decided_by from catalog.reviews where kind = 'run'"))
    .rows
  assert.equal(decision.decided_by, 'tester')
})

test('a held run that a person rejects removes nothing and ends', async (t) => {
  const { run, db, simulator } = await withMedipim(t, 60)
  assertEnded(await run('sync'), 0)
  simulator.catalogue.remove({ share: 0.5 })
  const id = (await run('sync', '--full', '--json')).json()['run']
  const unasked = await run('runs', 'reject', String(id), '--by', 'tester')
  assert.equal(unasked.code, 64)
  assert.match(
    unasked.stderr,
    new RegExp(
      `^error: Nothing was rejected, .*: shelfsync runs reject ${String(id)} --yes --by tester\n`,
    ),
  )
  const rejected = await run('runs', 'reject', String(id), '--yes', '--by', 'tester', '--json')
  assertEnded(rejected, 0)
  assert.deepEqual(rejected.json(), { run: id, state: 'rejected', removed: 0 })
  const { rows } = await db.query(
    `select r.state, v.state as review, v.decided_by, (select count(*) from catalog.products where status <> 'removed') as products
    from catalog.runs r join catalog.reviews v on v.run_id = r.id and v.kind = 'run' where r.id = $1`,
    [id],
  )
  assert.deepEqual(rows, [
    { state: 'rejected', review: 'rejected', decided_by: 'tester', products: 60 },
  ])
  assert.deepEqual((await run('reviews', '--json')).json()['items'], [])
  const late = await run('runs', 'approve', String(id))
  assertEnded(late, 1)
  assert.match(late.stderr, /is rejected, not held: tester rejected it at 20/)
})

test("held prices are listed, and become current or are dropped by a person's decision", async (t) => {
  const { run, db, simulator } = await withMedipim(t, 80)
  await run('sync')
  const priced = simulator.catalogue
    .visible()
    .filter((state) => Number(simulator.catalogue.build(state, '').publicPrice) > 0)
  const [dear = '', dropped = ''] = priced.map((state) => simulator.catalogue.idOf(state))
  for (const id of [dear, dropped]) simulator.catalogue.setPrice([id], { factor: 20 })
  const repriced = await run('sync', '--json')
  assertEnded(repriced, 0)
  assert.equal(ledgerOf(repriced)['held'], 2)
  const { items: listed } = JSON.parse((await run('reviews', '--json')).stdout) as {
    items: {
      id: number
      product: string
      priceType: string
      detail: { from: number; to: number }
    }[]
  }
  const find = (product: string) =>
    listed.find((review) => review.product === product && review.priceType === 'public')
  const partly = await run('reviews', 'approve', '999999', String(find(dear)?.id))
  assertEnded(partly, 1)
  assert.equal(partly.stdout, '1 review approved.\n')
  assert.match(partly.stderr, /^error: Review 999999 does not exist\n/)
  assertEnded(await run('reviews', 'reject', String(find(dropped)?.id)), 0)
  const { rows } = await db.query<{ product: string; amount_minor: number }>(
    `select product_external_id as product, amount_minor from catalog.prices where price_type = 'public' and state = 'current' and product_external_id = any ($1)`,
    [[dear, dropped]],
  )
  const current = new Map(rows.map(({ product, amount_minor }) => [product, amount_minor]))
  assert.deepEqual(
    [current.get(dear), current.get(dropped)],
    [find(dear)?.detail.to, find(dropped)?.detail.from],
  )
  const late = await run('reviews', 'reject', String(find(dear)?.id))
  assertEnded(late, 1)
  assert.equal(late.stdout, '')
  assert.match(late.stderr, /^error: Review \d+ is not open: \S+ approved it at \d.* UTC\n/)
  assertEnded(await run('reviews', 'approve'), 64)
})
