// kill -9 of a worker of the services: a real process, killed at a named place while another worker
// runs. The other one must soon take over by itself, and the result equals that of an uninterrupted
// run.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { OUTCOMES } from '../../src/core/ledger.ts'
import { enqueueOpenRuns } from '../../src/jobs/enqueue.ts'
import { type Lifetime, type TestDatabase, openTestDatabase } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openToy } from '../support/toy/open.ts'
import { startProcess, type Process } from '../support/processes.ts'
import { openServices, type EndedRun, type TestServices } from '../support/services.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { FailpointWorker } from './work-to-failpoint.ts'
import { type KillPlace, simulateNextDay } from './sync-kills.ts'

const PROGRAM = fileURLToPath(new URL('work-to-failpoint.ts', import.meta.url))
export const SUPPLIER = { products: 16 }
/** The limit that docs/services.md promises for a lost machine, by the clock of the database. */
const TAKEN_OVER_WITHIN_S = 30

/** Starts a process with workers, and returns when they take tasks. */
export async function startWorkers(
  t: Lifetime,
  { url: databaseUrl }: TestDatabase,
  pipeline: TestPipeline,
  doom: Partial<FailpointWorker> = {},
): Promise<Process> {
  const all: FailpointWorker = {
    place: null,
    nth: 1,
    onReached: 'wait',
    ...doom,
    databaseUrl,
    source: pipeline.name,
    storeRoot: pipeline.storeRoot,
  }
  const workers = await startProcess(t, process.execPath, [PROGRAM, JSON.stringify(all)])
  await workers.waitForLine(/^working$/)
  return workers
}

/**
 * Resolves when the workers are frozen. A SIGCONT that arrives before they have stopped would be
 * lost.
 */
export async function waitUntilFrozen(workers: Process): Promise<void> {
  await workers.waitForLine(/^reached$/)
  await waitUntil(async () => /\) T /.test(await readFile(`/proc/${workers.pid}/stat`, 'utf8')))
}

/** A source whose second day the services sync, in a separate database and queue. */
export async function openSecondDay(
  t: TestContext,
): Promise<{ database: TestDatabase; pipeline: TestPipeline; services: TestServices }> {
  const database = await openTestDatabase(t)
  const { pipeline, supplier } = await openToy(t, { db: database.pool, start: SUPPLIER })
  await pipeline.sync()
  simulateNextDay(supplier, supplier.catalogue.ids())
  return { database, pipeline, services: await openServices(t, database, pipeline) }
}

export interface UninterruptedRun {
  readonly state: string
  readonly ledger: Readonly<Record<string, number | null | undefined>>
  readonly catalogue: Readonly<Record<string, readonly string[]>>
}

/** The result of the second day without an interruption. */
export async function runSecondDay(t: TestContext): Promise<UninterruptedRun> {
  const database = await openTestDatabase(t)
  const { pipeline, supplier } = await openToy(t, { db: database.pool, start: SUPPLIER })
  await pipeline.sync()
  simulateNextDay(supplier, supplier.catalogue.ids())
  const { state, ledger } = await pipeline.sync()
  return { state, ledger: { ...ledger }, catalogue: await snapshotCatalogue(pipeline) }
}

/** Waits for the run's end and for an empty queue. The result must equal the uninterrupted one. */
export async function assertEndsAsUninterrupted(
  services: TestServices,
  pipeline: TestPipeline,
  run: number,
  uninterrupted: UninterruptedRun,
): Promise<void> {
  await assertSameResult(uninterrupted, pipeline, await enqueueUntilEnd(services, run))
  await waitForEmptyQueue(services)
}

export async function assertSameResult(
  uninterrupted: UninterruptedRun,
  pipeline: TestPipeline,
  { state, ledger, reason }: EndedRun,
): Promise<void> {
  assert.equal(state, uninterrupted.state, reason ?? '')
  assert.ok(ledger)
  assert.equal(
    OUTCOMES.reduce((sum, outcome) => sum + (ledger[outcome] ?? 0), 0),
    ledger['fetched'],
    'the ledger does not balance',
  )
  // A resumed fetch may receive a line twice. The result of the lines stays the same.
  assert.deepEqual(pickDecisive(ledger), pickDecisive(uninterrupted.ledger))
  assert.deepEqual(await snapshotCatalogue(pipeline), uninterrupted.catalogue)
}

/** Waits for the run's end and puts missing tasks into the queue, as an orchestrator does. */
async function enqueueUntilEnd(
  { tools, queues, waitForEnd }: TestServices,
  run: number,
): Promise<EndedRun> {
  const timer = setInterval(
    () => void enqueueOpenRuns(tools.db, queues).catch(() => undefined),
    1000,
  )
  return waitForEnd(run).finally(() => clearInterval(timer))
}

/**
 * Declares the test that a run completes when its worker is killed at each of `places`,
 * concurrently.
 */
export function testWorkerKills(places: readonly KillPlace[], atOnce: number): void {
  test(
    'a run whose worker is killed is taken over within 30 seconds and ends like an uninterrupted one',
    { concurrency: atOnce },
    async (t) => {
      const uninterrupted = await runSecondDay(t)
      await Promise.all(
        places.map((place) =>
          t.test(`killed ${place[0]}, time ${place[1]}`, (one) =>
            surviveKill(one, place, uninterrupted),
          ),
        ),
      )
    },
  )
}

async function surviveKill(
  t: TestContext,
  [place, nth]: KillPlace,
  uninterrupted: UninterruptedRun,
): Promise<void> {
  const { database, pipeline, services } = await openSecondDay(t)
  const killed = await startWorkers(t, database, pipeline, { place, nth })
  const { run } = await services.requestRun({ mode: 'full' })
  await killed.waitForLine(/^reached$/)
  services.startWorkers()
  const [{ now: killedAt } = { now: new Date(NaN) }] = await pipeline.query<{ now: Date }>(
    'select clock_timestamp() as now',
  )
  killed.kill('SIGKILL')
  await assertEndsAsUninterrupted(services, pipeline, run, uninterrupted)
  const [{ seconds } = { seconds: NaN }] = await pipeline.query<{ seconds: number }>(
    'select extract(epoch from finished_at - $2)::float8 as seconds from catalog.runs where id = $1',
    run,
    killedAt,
  )
  assert.ok(seconds < TAKEN_OVER_WITHIN_S, `the run ended ${seconds} s after its worker was killed`)
  t.diagnostic(`ended ${seconds.toFixed(1)} s after the kill`)
}

async function waitForEmptyQueue({ queues }: TestServices): Promise<void> {
  const states = ['waiting', 'delayed', 'waiting-children', 'active', 'failed'] as const
  await waitUntil(
    async () =>
      (
        await Promise.all([queues.fetch.getJobs([...states]), queues.apply.getJobs([...states])])
      ).flat().length === 0,
  )
}

function pickDecisive({
  expected,
  created,
  updated,
  quarantined,
  held,
  removed,
  missing,
}: UninterruptedRun['ledger']): UninterruptedRun['ledger'] {
  return { expected, created, updated, quarantined, held, removed, missing }
}
