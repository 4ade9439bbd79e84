// The state of a run whose worker died, in every place that shows runs: its row still says that it is
// running.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { listRuns, loadRunDetails, loadRunSummary } from '../read/run-summaries.ts'
import { createMetricsReader } from '../read/metrics.ts'
import { claimTask } from './leases.ts'
import { startQueuedRun, startRun, type RunRequest } from './runs.ts'
import { listSourceSummaries, loadStatus } from '../read/source-summaries.ts'

const { pool: db } = await openTestDatabase()
const RESPONSE_MS = 5000

async function openRun(t: TestContext) {
  const { pipeline } = await openToy(t, { db })
  const { id: sourceId } = await pipeline.source()
  const request: RunRequest = {
    sourceId,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: true,
    normaliserVersion: pipeline.connector.normaliserVersion,
    owner: 'elsewhere/1/1',
    deadOwner: null,
    correlationId: 'test',
    options: {},
  }
  return {
    pipeline,
    request,
    /** The state of the run in each place. */
    async listStates(run: number) {
      const {
        items: [listed],
      } = await listRuns(db, { source: pipeline.name, limit: 1 })
      const status = (await listSourceSummaries(db)).find(({ source }) => source === pipeline.name)
      const current = await loadStatus(db, { source: pipeline.name, limit: 1 }, RESPONSE_MS)
      const open = (await createMetricsReader(db)()).find(
        ({ name, labels, value }) =>
          name === 'shelfsync_open_runs' &&
          'source' in labels &&
          labels.source === pipeline.name &&
          value === 1,
      )
      return [
        listed?.state,
        status?.lastRun?.state,
        (await loadRunDetails(db, run)).state,
        current.run?.state,
        current.sources[0]?.lastRun?.state,
        (await loadRunSummary(db, run, RESPONSE_MS)).state,
        open && 'state' in open.labels ? open.labels.state : null,
      ]
    },
  }
}

const everywhere = (state: string): string[] => Array<string>(7).fill(state)

test('a run whose lease expired is shown as interrupted everywhere, and the next sync resumes it', async (t) => {
  const { pipeline, request, listStates } = await openRun(t)
  const { id } = await startRun(db, request)
  assert.deepEqual(await listStates(id), everywhere('running'))
  await pipeline.expireLease()
  assert.deepEqual(await listStates(id), everywhere('interrupted'))
  const { reason, finishedAt, seconds } = await loadRunDetails(db, id)
  assert.match(reason ?? '', /^the lease of its worker has expired/)
  assert.ok(finishedAt)
  assert.equal(seconds, (await loadRunDetails(db, id)).seconds, 'its duration is fixed')
  assert.deepEqual(
    (await listRuns(db, { source: pipeline.name, state: 'interrupted', limit: 9 })).items.map(
      (run) => run.id,
    ),
    [id],
  )
  assert.deepEqual(
    (await listRuns(db, { source: pipeline.name, state: 'running', limit: 9 })).items,
    [],
  )
  const { run, state } = await pipeline.sync()
  assert.deepEqual([run, state], [id, 'succeeded'])
})

test('a queued run is running without a worker, interrupted when the lease of its only worker has expired, and running when another claims the task', async (t) => {
  const { pipeline, request, listStates } = await openRun(t)
  const run = await startQueuedRun(db, request)
  assert.deepEqual(await listStates(run.id), everywhere('running'))
  await claimTask(db, run, 'fetch', { owner: 'elsewhere/1/1', isDead: () => false })
  await pipeline.query(
    `update catalog.leases set expires_at = clock_timestamp() - interval '6 seconds' where run_id = $1`,
    run.id,
  )
  assert.deepEqual(await listStates(run.id), everywhere('interrupted'))
  await claimTask(db, run, 'fetch', { owner: 'elsewhere/2/2', isDead: () => false })
  assert.deepEqual(await listStates(run.id), everywhere('running'))
})
