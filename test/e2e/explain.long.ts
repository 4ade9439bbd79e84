// `shelfsync explain` from outside: the price of a product, the record that stated it, the person who
// approved it, what waits, and why a product is missing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPharmacy, runPrinted } from './pharmacy.ts'

const STREAM = '/v4/products/stream'

interface StoredRecord {
  readonly id: string
  readonly publicPrice: number
}

/** Parses a line of MediPim's stream. */
function parseLine(text: string): { readonly result: StoredRecord } {
  return JSON.parse(text) as { result: StoredRecord }
}

test('explain prints the price with its run, its record and the earlier ones, the held price, and the person who approved it', async (t) => {
  const pharmacy = await openPharmacy(t)
  const { simulator, print, sync, db } = pharmacy
  const [id = ''] = pharmacy.ids
  const price = (publicPrice: number) => simulator.catalogue.update([id], { publicPrice })
  price(1250)
  const first = await sync()
  price(1300)
  const second = await sync()
  const held = await (price(26_000), sync())

  const waiting = await print('explain', 'pharmacy', id)
  assert.match(waiting, new RegExp(`^pharmacy ${id}: .+\n {2}status {6}active\n`))
  const stated = String.raw`stated by run ${second} \(part 1, line (\d+)\)\n`
  const [, line = ''] =
    new RegExp(
      String.raw`public price AUD 13\.00 since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(.*\)\n +${stated} +before: AUD 12\.50 since [-\d: ]+ UTC \(run ${first}\)\n`,
    ).exec(waiting) ?? assert.fail(waiting)
  const cat = ['artifacts', 'cat', String(second), '--part', '1', '--line', line]
  const { result: record } = parseLine(await print(...cat))
  assert.deepEqual([record.id, record.publicPrice], [id, 1300])
  assert.match(
    waiting,
    /held {8}public price AUD 13\.00 → 260\.00: the price rose ×20\n.*\n +decide: shelfsync reviews approve \d+ · shelfsync reviews reject \d+\n/,
  )
  assert.match(
    waiting,
    new RegExp(
      String.raw`change {6}repriced by run ${held} .*\n +public price: AUD 13\.00 → 260\.00 \(held: the price rose ×20\)\n`,
    ),
  )
  const archived = await runPrinted(pharmacy, /shelfsync artifacts cat .*$/m.exec(waiting)?.[0])
  const stored = await runPrinted(pharmacy, /shelfsync explain \S+ \S+ --raw/.exec(waiting)?.[0])
  assert.deepEqual(
    [parseLine(archived).result.id, (JSON.parse(stored) as StoredRecord).id],
    [id, id],
  )

  const [approve = ''] = /shelfsync reviews approve \d+/.exec(waiting) ?? []
  await runPrinted(pharmacy, `${approve} --by ann`)
  const approved = await print('explain', 'pharmacy', id)
  assert.match(
    approved,
    new RegExp(
      String.raw`public price AUD 260\.00 since .*\n +stated by run ${held} .*\n +approved by ann at .* as a held price of run ${held}: the price rose ×20\n +before: AUD 13\.00 .*run ${second}\) · AUD 12\.50 .*run ${first}\)`,
    ),
  )
  const { rows } = await db.query(
    `select h.amount_minor, h.run, d.decided_by from api.price_history h
     left join api.price_decisions d using (source, product_external_id, variant_external_id, price_type, run)
     where product_external_id = $1 and price_type = 'public' order by run`,
    [id],
  )
  assert.deepEqual(rows, [
    { amount_minor: 1250, run: first, decided_by: null },
    { amount_minor: 1300, run: second, decided_by: null },
    { amount_minor: 26_000, run: held, decided_by: 'ann' },
  ])
})

test('explain shows a rejected price with the person and the reason', async (t) => {
  const { simulator, ids, print, sync } = await openPharmacy(t)
  const [id = ''] = ids
  simulator.catalogue.update([id], { publicPrice: 1250 })
  await sync()
  simulator.catalogue.update([id], { publicPrice: 0 })
  const held = await sync()
  const waiting = await print('explain', 'pharmacy', id)
  const [, review = ''] =
    /held {8}public price AUD 12\.50 → 0\.00: the price is zero\n.*\n.* reviews reject (\d+)\n/.exec(
      waiting,
    ) ?? assert.fail(waiting)
  await print('reviews', 'reject', review, '--by', 'ann')
  assert.match(
    await print('explain', 'pharmacy', id),
    new RegExp(
      String.raw`rejected {4}public price AUD 12\.50 → 0\.00: .*\n +stated by run ${held} .*\n +rejected by ann at .* as a held price of run ${held}: the price is zero\n`,
    ),
  )
})

test('explain names the held run that a price or a removal waits for, and the person who approved the run', async (t) => {
  const pharmacy = await openPharmacy(t)
  const { simulator, print, sync } = pharmacy
  const [id = ''] = pharmacy.ids
  simulator.catalogue.update([id], { publicPrice: 1000 })
  await sync()
  simulator.catalogue.update([id], { publicPrice: 1100 })
  simulator.catalogue.remove(pharmacy.ids.slice(10))
  const held = await sync()
  const waiting = await print('explain', 'pharmacy', id)
  assert.match(
    waiting,
    new RegExp(
      String.raw`pending {5}public price AUD 10\.00 → 11\.00: run ${held} is held\n.*\n +decide: shelfsync runs diff ${held} · shelfsync runs approve ${held} · shelfsync runs reject ${held}\n`,
    ),
  )
  assert.doesNotMatch(waiting, /missing/)
  const missing = pharmacy.ids[20] ?? ''
  assert.match(
    await print('explain', 'pharmacy', missing),
    new RegExp(
      String.raw`missing {5}run ${held} \(fetched 10 of 10 expected\) did not see it; run \d+ saw it; run ${held} is held, and approving it removes the product\n +decide: shelfsync runs diff ${held} · `,
    ),
  )
  await print('runs', 'approve', String(held), '--by', 'ann', '--yes')
  assert.doesNotMatch(await print('explain', 'pharmacy', missing), /missing {5}/)
  assert.match(
    await print('explain', 'pharmacy', id),
    /public price AUD 11\.00 since .*\n.*\n +approved by ann at .* with the held run: 20 of 30 products are missing/,
  )
  assert.match(
    await print('explain', 'pharmacy', missing),
    new RegExp(
      String.raw`status {6}removed by run ${held}.*: run ${held} \(fetched 10 of 10 expected\) did not see it; run \d+ saw it; ann approved the removals of the run on `,
    ),
  )
})

test('explain states why a product is missing, removed or unavailable', async (t) => {
  const { simulator, ids, print, sync } = await openPharmacy(t)
  const [gone = '', paused = ''] = ids
  const loaded = await sync()
  simulator.catalogue.remove([gone])
  simulator.catalogue.deactivate([paused])
  const missed = await sync()
  assert.match(
    await print('explain', 'pharmacy', gone),
    new RegExp(
      String.raw`missing {5}since .*: run ${missed} \(fetched 29 of 29 expected\) did not see it; run ${loaded} saw it; the next complete full run that does not see it either removes it`,
    ),
  )
  assert.match(
    await print('explain', 'pharmacy', paused),
    new RegExp(
      `status {6}unavailable since .*: the supplier's record in run ${missed} states it\n[^]*change {6}unavailable by run ${missed}`,
    ),
  )
  const removed = await sync()
  const text = await print('explain', 'pharmacy', gone)
  assert.match(
    text,
    new RegExp(
      String.raw`status {6}removed by run ${removed}.*: run ${removed} \(.*\) and run ${missed} \(.*\) did not see it; run ${loaded} saw it`,
    ),
  )
  assert.match(
    text,
    /record {6}the last one before the removal: shelfsync explain pharmacy \S+ --raw/,
  )
})

test('explain finds a product by its GTIN and its uuid, lists several, and refuses an unknown one', async (t) => {
  const { simulator, ids, print, sync, run, db } = await openPharmacy(t)
  const [id = '', twin = ''] = ids
  simulator.catalogue.update([id], { gtin: null, eanGtin13: '4006381333931' })
  await sync()
  const { rows } = await db.query<{ id: string }>(
    'select id from api.products where external_id = $1',
    [id],
  )
  for (const name of ['4006381333931', '04006381333931', rows[0]?.id ?? ''])
    assert.match(await print('explain', 'pharmacy', name), new RegExp(`^pharmacy ${id}: `), name)
  simulator.catalogue.update([twin], { gtin: null, eanGtin13: '4006381333931' })
  await sync()
  const several = await run('explain', 'pharmacy', '4006381333931')
  assert.equal(several.code, 1, several.stderr)
  assert.match(several.stdout, new RegExp(`^${id} .* gtin\n${twin} .* gtin\n2 products match`, 'm'))
  const unknown = await run('explain', 'pharmacy', 'no-such')
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /error: pharmacy has no product "no-such"\n hint: /)
})

test('explain shows the quarantined records and the warnings of a product', async (t) => {
  const { simulator, ids, print, sync } = await openPharmacy(t)
  const [id = ''] = ids
  await sync()
  const [created = ''] = simulator.catalogue.add(1)
  simulator.faults.set({
    kind: 'patch',
    ids: [id, created],
    patch: { publicPrice: 'ask us' },
    path: STREAM,
  })
  await sync()
  const quarantined =
    /quarantine {2}open, record\/invalid: .*\n +show it: shelfsync quarantine show \d+/
  assert.match(await print('explain', 'pharmacy', id), quarantined)
  const unknown = await print('explain', 'pharmacy', created)
  assert.match(unknown, quarantined)
  assert.match(unknown, /^pharmacy \S+: not in the catalogue\n {2}status .* it is in quarantine\n/)
})
