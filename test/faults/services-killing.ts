// kill -9 of a worker of the services: a real process, killed at a named place while another worker
// is there. The other one must take over soon, by itself, and what comes out is what comes out when
// nothing happens.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { OUTCOMES } from '../../src/core/ledger.ts'
import { enqueueOpenRuns } from '../../src/jobs/enqueue.ts'
import { type Lifetime, type TestDatabase, testDatabase } from '../support/database.ts'
import { openMedipim, type TestPipeline } from '../support/pipeline.ts'
import { startProcess, type Process } from '../support/processes.ts'
import { openServices, type EndedRun, type TestServices } from '../support/services.ts'
import { snapshot } from '../support/snapshot.ts'
import { until } from '../support/until.ts'
import type { WorkerDoom } from './doomed-worker.ts'
import { type KillPlace, nextDay } from './killing.ts'

const PROGRAM = fileURLToPath(new URL('doomed-worker.ts', import.meta.url))
export const SUPPLIER = { products: 16, seed: 3 }
/** What docs/services.md promises for a machine that is gone, by the clock of the database. */
const TAKEN_OVER_WITHIN_S = 30

/** Starts a process with workers, and returns when they take tasks. */
export async function startWorkers(
  t: Lifetime,
  { url: databaseUrl }: TestDatabase,
  pipeline: TestPipeline,
  doom: Partial<WorkerDoom> = {},
): Promise<Process> {
  const all: WorkerDoom = {
    place: null,
    nth: 1,
    stand: 'still',
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
 * Resolves when workers that stand `frozen` do: a SIGCONT that came before they had stopped would
 * be lost.
 */
export async function untilFrozen(workers: Process): Promise<void> {
  await workers.waitForLine(/^reached$/)
  await until(async () => /\) T /.test(await readFile(`/proc/${workers.pid}/stat`, 'utf8')))
}

/**
 * A source whose second day is to be synced by the services, in a database and a queue of its own.
 */
export async function openSecondDay(
  t: TestContext,
): Promise<{ database: TestDatabase; pipeline: TestPipeline; services: TestServices }> {
  const database = await testDatabase(t)
  const { pipeline, simulator } = await openMedipim(t, { db: database.pool, supplier: SUPPLIER })
  await pipeline.sync()
  nextDay(simulator)
  return { database, pipeline, services: await openServices(t, database, pipeline) }
}

export interface Calm {
  readonly state: string
  readonly ledger: Readonly<Record<string, number | null | undefined>>
  readonly catalogue: Readonly<Record<string, readonly string[]>>
}

/** What the second day comes to when nothing happens. */
export async function calmSecondDay(t: TestContext): Promise<Calm> {
  const database = await testDatabase(t)
  const { pipeline, simulator } = await openMedipim(t, { db: database.pool, supplier: SUPPLIER })
  await pipeline.sync()
  nextDay(simulator)
  const { state, ledger } = await pipeline.sync()
  return { state, ledger: { ...ledger }, catalogue: await snapshot(pipeline) }
}

/**
 * Waits for the run's end, and for the queue to have nothing left; all must be as if nothing had
 * happened.
 */
export async function assertEndsCalmly(
  services: TestServices,
  pipeline: TestPipeline,
  run: number,
  calm: Calm,
): Promise<void> {
  await assertSettledAs(calm, pipeline, await endOf(services, run))
  await queueIsEmpty(services)
}

export async function assertSettledAs(
  calm: Calm,
  pipeline: TestPipeline,
  { state, ledger, reason }: EndedRun,
): Promise<void> {
  assert.equal(state, calm.state, reason ?? '')
  assert.ok(ledger)
  assert.equal(
    OUTCOMES.reduce((sum, outcome) => sum + (ledger[outcome] ?? 0), 0),
    ledger['fetched'],
    'the ledger does not balance',
  )
  // A fetch that goes on where it stopped may be sent a line twice; what the lines come to stays
  // the same.
  assert.deepEqual(decisive(ledger), decisive(calm.ledger))
  assert.deepEqual(await snapshot(pipeline), calm.catalogue)
}

/** Waits for the run's end as an orchestrator does: what is not in the queue is put there. */
async function endOf({ tools, queues, ended }: TestServices, run: number): Promise<EndedRun> {
  const care = setInterval(
    () => void enqueueOpenRuns(tools.db, queues).catch(() => undefined),
    1000,
  )
  return ended(run).finally(() => clearInterval(care))
}

/**
 * Declares the test that a run outlives a worker that is killed at each of `places`, all of them
 * side by side.
 */
export function testWorkerKills(places: readonly KillPlace[], atOnce: number): void {
  test(
    'a run whose worker is killed is taken over within 30 seconds, and ends as if nothing had happened',
    { concurrency: atOnce },
    async (t) => {
      const calm = await calmSecondDay(t)
      await Promise.all(
        places.map((place) =>
          t.test(`killed ${place[0]}, time ${place[1]}`, (one) => surviveKill(one, place, calm)),
        ),
      )
    },
  )
}

async function surviveKill(t: TestContext, [place, nth]: KillPlace, calm: Calm): Promise<void> {
  const { database, pipeline, services } = await openSecondDay(t)
  const doomed = await startWorkers(t, database, pipeline, { place, nth })
  const { run } = await services.order({ mode: 'full' })
  await doomed.waitForLine(/^reached$/)
  services.work()
  const [{ now: killedAt } = { now: new Date(NaN) }] = await pipeline.query<{ now: Date }>(
    'select clock_timestamp() as now',
  )
  doomed.kill('SIGKILL')
  await assertEndsCalmly(services, pipeline, run, calm)
  const [{ seconds } = { seconds: NaN }] = await pipeline.query<{ seconds: number }>(
    'select extract(epoch from finished_at - $2)::float8 as seconds from catalog.runs where id = $1',
    run,
    killedAt,
  )
  assert.ok(seconds < TAKEN_OVER_WITHIN_S, `the run ended ${seconds} s after its worker was killed`)
  t.diagnostic(`ended ${seconds.toFixed(1)} s after the kill`)
}

async function queueIsEmpty({ queues }: TestServices): Promise<void> {
  const states = ['waiting', 'delayed', 'waiting-children', 'active', 'failed'] as const
  await until(
    async () =>
      (
        await Promise.all([queues.fetch.getJobs([...states]), queues.apply.getJobs([...states])])
      ).flat().length === 0,
  )
}

function decisive({
  expected,
  created,
  updated,
  quarantined,
  held,
  removed,
  missing,
}: Calm['ledger']): Calm['ledger'] {
  return { expected, created, updated, quarantined, held, removed, missing }
}
