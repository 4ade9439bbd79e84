// The page of a source over HTTP, with a login that has only the rights of the web server.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { listActions } from '../../../db/read/actions.ts'
import { loadSource } from '../../../db/sources.ts'
import { openDashboard, READ_KEY } from '../../../../test/support/dashboard.ts'
import { openTestDatabase } from '../../../../test/support/database.ts'
import { stockShelves } from '../../../../test/support/shelves.ts'

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

test('a source is paused, resumed and run, and each is in the log with its person', async () => {
  const database = await openTestDatabase(lifetime)
  const db = database.pool
  const storeRoot = await mkdtemp(join(tmpdir(), 'source-page-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  await stockShelves(lifetime, { db, storeRoot })
  const dashboard = await openDashboard(lifetime, database)
  const person = await dashboard.signIn({ name: 'Kim' })
  const page = await person.read('/sources/outlet')
  assert.match(page, /is held/)
  assert.match(page, /action="\/sources\/outlet\/run"/)

  assert.match(await person.act('/sources/roastery/pause'), /roastery is paused\./)
  assert.equal((await loadSource(db, 'roastery')).state, 'paused')
  assert.match(await person.act('/sources/roastery/resume'), /roastery is active\./)
  assert.equal((await loadSource(db, 'roastery')).state, 'active')
  const requested = await person.act('/sources/roastery/run', { mode: 'full' })
  assert.match(requested, /Run \d+ is requested\./)
  assert.deepEqual(
    (await listActions(db, { source: 'roastery', limit: 10 })).items.map(({ actor, action }) => [
      actor,
      action,
    ]),
    ['source.sync', 'source.resume', 'source.pause'].map((action) => ['Kim', action]),
  )

  assert.equal((await person.get('/sources/nowhere')).status, 404)
  const reader = await dashboard.signIn({ key: READ_KEY })
  assert.doesNotMatch(await reader.read('/sources/roastery'), /\/sources\/roastery\/pause/)
  assert.equal((await reader.post('/sources/roastery/pause')).status, 403)
})
