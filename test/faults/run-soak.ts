// The services under many SIGKILLs: processes of `shelfsync serve` are killed at random moments and
// started again, while the suppliers change between runs. After each round every source is compared
// with a twin that one uninterrupted process has synced from the same supplier.

import assert from 'node:assert/strict'
import { startMedipim, type MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { type Random, createRandom } from '../../simulators/support/random.ts'
import { openFleet, type Machine, type Fleet } from '../e2e/fleet.ts'
import type { Lifetime } from '../support/database.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { startRedis } from '../support/redis.ts'
import { snapshotCatalogue } from '../support/snapshot.ts'
import { assertSameResult } from './worker-kills.ts'

export interface SoakOptions {
  readonly kills: number
  readonly queue: 'postgres' | 'redis'
  /**
   * Selects the suppliers' changes, the victims and the times of the kills. The effect of a kill
   * still depends on the machine.
   */
  readonly seed: number
  report(line: string): void
}

export interface SoakSummary {
  readonly kills: number
  /** The number of kills that hit a process with a task. */
  readonly hits: number
  /** Runs with the same result as their twins. */
  readonly runs: number
}

const SOURCES = 6
const PROCESSES = 2
/** Several parts of a megabyte each. */
const PRODUCTS = 500
/**
 * The kills of a round. The work ends after them, as soon as the queue returns the tasks of the
 * killed processes.
 */
const KILLS_A_ROUND = 5
const BETWEEN_KILLS_MS = 700

interface Pair {
  readonly pipeline: TestPipeline
  readonly twin: TestPipeline
  readonly simulator: MedipimSimulator
}

/** @throws AssertionError at the first source that differs from its twin */
export async function runSoak({ kills, queue, seed, report }: SoakOptions): Promise<SoakSummary> {
  await using opened = new AsyncDisposableStack()
  const lifetime: Lifetime = { after: (end) => opened.defer(end) }
  const random = createRandom(seed)
  const { fleet, pairs } = await openPairs(lifetime, queue, seed)
  // Each process has every role: it fetches, applies, accepts requests and maintains the queue.
  const start = (): Promise<Machine> => fleet.serve(['fetcher', 'maintainer', 'orchestrator'])
  const machines = await Promise.all(Array.from({ length: PROCESSES }, start))
  const done = { kills: 0, hits: 0, runs: 0 }

  const requestRun = async (pipeline: TestPipeline, mode: 'auto' | 'full'): Promise<number> => {
    const requestFrom = async (index: number): Promise<number> =>
      fleet.requestRun(machines[index % PROCESSES] ?? assert.fail(), mode, pipeline)
    // A process that is killed during a request is not called again at once. Another one finds the
    // same run.
    for (let attempt = 0; attempt < 10; attempt++) {
      const run = await requestFrom(attempt).catch(() => null)
      if (run !== null) return run
    }
    return requestFrom(0)
  }
  const killOne = async (): Promise<void> => {
    const victim =
      (await findBusy(fleet, machines, random)) ??
      machines[random.below(PROCESSES)] ??
      assert.fail()
    done.hits += (await holders(fleet)).has(victim.process.pid) ? 1 : 0
    done.kills += 1
    victim.process.kill('SIGKILL')
    await victim.process.exited
    machines[machines.indexOf(victim)] = await start()
  }

  for (let round = 1; done.kills < kills; round++) {
    for (const pair of pairs) change(pair.simulator, random)
    const requested = Promise.all(
      pairs.map(({ pipeline }) => requestRun(pipeline, random.chance(0.3) ? 'auto' : 'full')),
    )
    for (
      let left = Math.min(random.between(1, KILLS_A_ROUND), kills - done.kills);
      left > 0;
      left--
    ) {
      await new Promise((resolve) => setTimeout(resolve, random.below(BETWEEN_KILLS_MS)))
      await killOne()
    }
    const runs = await requested
    for (const [index, pair] of pairs.entries()) await compare(fleet, pair, runs[index] ?? 0)
    done.runs += runs.length
    report(
      `round ${round}: ${done.kills} kills, ${done.hits} of them in the middle of a task; ${done.runs} runs were correct`,
    )
  }
  return done
}

async function openPairs(
  lifetime: Lifetime,
  queue: SoakOptions['queue'],
  seed: number,
): Promise<{ fleet: Fleet; pairs: readonly Pair[] }> {
  const queueUrl = queue === 'redis' ? (await startRedis(lifetime)).url : null
  const simulators = await Promise.all(
    Array.from({ length: SOURCES }, (_, index) =>
      startMedipim({ products: PRODUCTS, rateLimit: null, seed: seed + index }),
    ),
  )
  for (const { close } of simulators) lifetime.after(close)
  const fleet = await openFleet(lifetime, {
    supplierUrl: simulators[0]?.url ?? '',
    queueUrl,
    smallParts: true,
  })
  const pairs = await Promise.all(
    simulators.map(async (simulator) => {
      return {
        pipeline: await fleet.addSource(simulator.url),
        twin: await fleet.addSource(simulator.url),
        simulator,
      }
    }),
  )
  return { fleet, pairs }
}

async function compare(fleet: Fleet, { pipeline, twin }: Pair, run: number): Promise<void> {
  const ended = await fleet.waitForEnd(run)
  const [{ kind } = assert.fail()] = await pipeline.query<{ kind: 'full' | 'incremental' }>(
    'select kind from catalog.runs where id = $1',
    run,
  )
  const { state, ledger } = await twin.sync({ mode: kind })
  await assertSameResult(
    { state, ledger: { ...ledger }, catalogue: await snapshotCatalogue(twin) },
    pipeline,
    ended,
  )
}

/**
 * Usually returns a process that executes a task. One kill in four selects any process, as does a
 * kill for which no process has a task for two seconds.
 */
async function findBusy(
  fleet: Fleet,
  machines: readonly Machine[],
  random: Random,
): Promise<Machine | null> {
  if (random.chance(0.25)) return null
  for (let look = 0; look < 100; look++) {
    const busy = await holders(fleet)
    const found = machines.find(({ process }) => busy.has(process.pid))
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return null
}

/**
 * The pids of the processes that hold a task, and of killed ones whose task no other process has
 * taken yet.
 */
async function holders({ pipeline }: Fleet): Promise<Set<number>> {
  const rows = await pipeline.query<{ pid: number }>(
    `select split_part(owner, ':', -2)::integer as pid from catalog.leases where expires_at > clock_timestamp()`,
  )
  return new Set(rows.map(({ pid }) => pid))
}

/** Makes a change of every kind at the supplier. */
function change({ catalogue, clock }: MedipimSimulator, random: Random): void {
  clock.advance(3_600_000)
  const ids = catalogue
    .visible()
    .filter(({ status }) => status === 'active')
    .map((state) => catalogue.idOf(state))
  const some = (countMax: number): string[] =>
    ids.splice(random.below(ids.length), random.between(0, countMax))
  catalogue.update(some(3))
  catalogue.setPrice(some(3), { factor: 1.2 })
  catalogue.setPrice(some(1), { factor: 100 })
  catalogue.touch(some(3))
  catalogue.deactivate(some(1))
  catalogue.remove(some(1))
  if (random.chance(0.25)) catalogue.restore('all')
  catalogue.add(random.below(3))
}
