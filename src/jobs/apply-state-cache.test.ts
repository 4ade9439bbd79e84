import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onNthPass, watchQueries } from '../../test/faults/failpoints.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { openPool } from '../db/pool.ts'
import { startRun } from '../db/write/runs.ts'
import { createProgress, type RunContext } from '../pipeline/context.ts'
import { bindConnector } from '../sources/bound-source.ts'
import { ApplyStateCache } from './apply-state-cache.ts'

test('a task that is cancelled while it loads the state does not fail another task that waits for it', async (t) => {
  const database = await openTestDatabase(t)
  const { pipeline } = await openToy(t, { db: database.pool })
  await pipeline.sync()
  const bound = bindConnector(pipeline.connector, await pipeline.source())
  const run = await startRun(database.pool, {
    sourceId: bound.source.id,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: true,
    normaliserVersion: pipeline.connector.normaliserVersion,
    owner: 'one',
    deadOwner: null,
    correlationId: 'test',
    options: {},
  })
  const db = await openPool(database.url, { applicationName: 'worker' })
  t.after(() => db.end())
  const cancelled = new AbortController()
  watchQueries(
    db,
    onNthPass('before list_checkpoints', 1, () => {
      cancelled.abort()
      throw Object.assign(new Error('as if the connection broke'), { code: 'ECONNRESET' })
    }),
  )
  const contextOf = (signal: AbortSignal): RunContext => ({
    ...pipeline.tools,
    ...bound,
    applyOptions: null,
    db,
    run,
    signal,
    progress: createProgress(),
  })
  const cache = new ApplyStateCache()
  const first = cache.use(contextOf(cancelled.signal), () => Promise.resolve(null))
  const second = cache.use(contextOf(new AbortController().signal), (state) => state.known())
  await assert.rejects(first, { name: 'AbortError' })
  assert.equal((await second).size, 30)
})
