// The summary of the days of a source, read by a role to which the catalogue is published.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { publishTo } from '../../src/db/write/publications.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

test('a reader sees the published changes of each day by their kind, and nothing of a run that waits', async () => {
  const { pool: db } = await openTestDatabase({ after })
  const { pipeline, supplier } = await openToy({ after }, { db })
  const role = `reader_${randomUUID().slice(0, 8)}`
  await db.query(`create role ${role}`)
  after(() => db.query(`drop owned by ${role}; drop role ${role}`).catch(() => undefined))
  await publishTo(db, role)
  const read = () =>
    db.transaction(async (client) => {
      await client.query(`set local role ${role}`)
      const { rows } = await client.query<Record<string, unknown>>(
        'select * from api.daily_summary where source = $1 order by day',
        [pipeline.name],
      )
      return rows.map(({ day: _day, source: _source, ...counts }) => counts)
    })
  const none = {
    loaded: 0,
    created: 0,
    updated: 0,
    repriced: 0,
    unavailable: 0,
    removed: 0,
    returned: 0,
  }

  await pipeline.sync()
  await db.query(`update catalog.changes set changed_at = changed_at - interval '2 days'`)
  const [a = '', b = '', c = ''] = supplier.catalogue.ids()
  supplier.catalogue.update([a])
  supplier.catalogue.setPrice([b], { factor: 1.5 })
  supplier.catalogue.deactivate([c])
  supplier.catalogue.add(1)
  await pipeline.sync()
  const days = [
    { ...none, runs: 1, loaded: 30 },
    { ...none, runs: 1, created: 1, updated: 1, repriced: 1, unavailable: 1 },
  ]
  assert.deepEqual(await read(), days)

  // Most of the catalogue is gone: the run is held, so nothing of it is published.
  supplier.catalogue.update([a])
  supplier.catalogue.remove(supplier.catalogue.ids().slice(5))
  assert.equal((await pipeline.sync()).state, 'held')
  assert.deepEqual(await read(), days)
})
