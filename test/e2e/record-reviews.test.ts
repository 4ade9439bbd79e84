// Reviews of quarantined records: one that two runs could not apply waits for a person, who has it tried
// again or ignored.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadArtifact } from '../../src/db/read/artifacts.ts'
import { listQuarantine } from '../../src/db/read/quarantine.ts'
import { listReviews } from '../../src/db/read/reviews.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { openTestDatabase, type Lifetime } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const { pool: db } = await openTestDatabase()

async function open(t: Lifetime) {
  const { pipeline, supplier } = await openToy(t, { db, policy: { quarantineShare: 0.5 } })
  const [id = ''] = supplier.catalogue.ids()
  await pipeline.sync()
  return {
    id,
    /** Syncs after a change of the product. */
    sync: async (patch: Parameters<typeof supplier.catalogue.update>[1]) => {
      supplier.clock.advance(3_600_000)
      supplier.catalogue.update([id], patch)
      return await pipeline.sync()
    },
    reviews: async () => (await listReviews(db, { source: pipeline.name, limit: 10 })).items,
    quarantine: async () =>
      (await listQuarantine(db, { source: pipeline.name, limit: 10 })).items.length,
  }
}

test('a record that two runs could not apply gets one review, which a good record closes', async (t) => {
  const { id, sync, reviews, quarantine } = await open(t)
  await sync({ price: 'ask us' })
  assert.deepEqual([(await reviews()).length, await quarantine()], [0, 1])
  const run = await sync({ price: 'ask us', name: 'Still wrong' })
  const [review, ...others] = await reviews()
  assert.deepEqual(
    [review?.kind, review?.product, review?.run, review?.detail['rule' as never], others],
    ['record', id, run.run, 'record/invalid', []],
  )
  await sync({ price: 'ask us', name: 'Wrong again' })
  assert.equal((await reviews()).length, 1)
  assert.notEqual((await reviews())[0]?.id, review?.id)
  await sync({ price: 1100 })
  assert.deepEqual([await reviews(), await quarantine()], [[], 0])
})

test('an ignored record leaves quarantine, and so do later ones with the same fault', async (t) => {
  const { sync, reviews, quarantine } = await open(t)
  await sync({ price: 'ask us' })
  await sync({ price: 'ask us', name: 'Still wrong' })
  const [review] = await reviews()
  await decideReview(db, review?.id ?? 0, { approve: false, by: 'me' })
  assert.deepEqual([await reviews(), await quarantine()], [[], 0])
  const again = await sync({ price: 'ask us', name: 'Wrong again' })
  assert.deepEqual([again.ledger.quarantined, await reviews(), await quarantine()], [1, [], 0])
  await sync({ price: 1000, images: ['no address'] })
  assert.equal(await quarantine(), 1)
})

test('a record that is to be tried again stays in quarantine', async (t) => {
  const { sync, reviews, quarantine } = await open(t)
  await sync({ price: 'ask us' })
  await sync({ price: 'ask us', name: 'Still wrong' })
  const [review] = await reviews()
  await decideReview(db, review?.id ?? 0, { approve: true, by: 'me' })
  assert.deepEqual([await reviews(), await quarantine()], [[], 1])
})

test('an artifact says how many of its records could not be applied, and why', async (t) => {
  const { sync } = await open(t)
  const run = await sync({ price: 'ask us' })
  assert.equal((await loadArtifact(db, run.run)).parsingWarnings, '1 invalid, see quarantine')
  const clean = await sync({ price: 1000 })
  assert.equal((await loadArtifact(db, clean.run)).parsingWarnings, null)
})
