// The services under a hail of SIGKILLs: worker processes that are killed at random moments and started again, over suppliers that change
// between runs. After each round every source is compared with a twin that one calm process has synced from the same supplier.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { type Random, seededRandom } from '../../simulators/support/random.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { openMedipim, type Scope, type TestLine } from '../support/line.ts'
import type { Process } from '../support/processes.ts'
import { openServices, type TestServices } from '../support/services.ts'
import { snapshot } from '../support/snapshot.ts'
import { assertSettledAs, endOf, startWorkers } from './services-killing.ts'

export interface SoakOptions {
  readonly kills: number
  /** Chooses what suppliers do, who is killed and when. What a kill hits depends on the machine all the same. */
  readonly seed: number
  say(line: string): void
}

export interface SoakSummary {
  readonly kills: number
  /** Of them, how many struck a process that held a task. */
  readonly hits: number
  /** Runs that ended as their twins did. */
  readonly runs: number
}

const SOURCES = 4
const PROCESSES = 2
const PRODUCTS = 60
/** A round's kills; the work comes to its end after them, as soon as the queue gives back what the dead held. */
const KILLS_A_ROUND = 5
const BETWEEN_KILLS_MS = 700

interface Pair {
  readonly line: TestLine
  readonly twin: TestLine
  readonly simulator: MedipimSimulator
}

/** @throws AssertionError at the first source that differs from its twin */
export async function soak({ kills, seed, say }: SoakOptions): Promise<SoakSummary> {
  await using opened = new AsyncDisposableStack()
  const scope: Scope = { after: (end) => opened.defer(end) }
  const random = seededRandom(seed)
  const { database, pairs, services } = await openPairs(scope, seed)
  const [{ line } = assert.fail()] = pairs
  const workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorkers(scope, database, line)))
  const done = { kills: 0, hits: 0, runs: 0 }

  const killOne = async (): Promise<void> => {
    const index = random.below(workers.length)
    const victim = workers[index]
    if (!victim) return
    done.hits += (await holdsTask(line, victim)) ? 1 : 0
    done.kills += 1
    victim.kill('SIGKILL')
    await victim.exited
    workers[index] = await startWorkers(scope, database, line)
  }

  for (let round = 1; done.kills < kills; round++) {
    for (const pair of pairs) change(pair.simulator, random)
    const runs = await Promise.all(pairs.map(async ({ line: { name } }) => (await services.order({ source: name, mode: random.chance(0.3) ? 'auto' : 'full' })).run))
    for (let left = Math.min(random.between(1, KILLS_A_ROUND), kills - done.kills); left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, random.below(BETWEEN_KILLS_MS)))
      await killOne()
    }
    await Promise.all(runs.map((run) => endOf(services, run)))
    for (const [index, pair] of pairs.entries()) await compare(pair, services, runs[index] ?? 0)
    done.runs += runs.length
    say(`round ${round}: ${done.kills} kills, ${done.hits} of them in the middle of a task; ${done.runs} runs ended exact`)
  }
  return done
}

async function openPairs(scope: Scope, seed: number): Promise<{ database: TestDatabase; pairs: readonly Pair[]; services: TestServices }> {
  const storeRoot = await mkdtemp(join(tmpdir(), 'shelfsync-soak-'))
  scope.after(() => rm(storeRoot, { recursive: true, force: true }))
  const database = await testDatabase(scope)
  const pairs = await Promise.all(Array.from({ length: SOURCES }, async (_, index) => {
    const { line, simulator } = await openMedipim(scope, { db: database.pool, storeRoot, supplier: { products: PRODUCTS, seed: seed + index } })
    const { line: twin } = await openMedipim(scope, { db: database.pool, simulator })
    return { line, twin, simulator }
  }))
  const [{ line } = assert.fail()] = pairs
  return { database, pairs, services: await openServices(scope, database, line) }
}

async function compare({ line, twin }: Pair, services: TestServices, run: number): Promise<void> {
  const [{ kind } = assert.fail()] = await line.query<{ kind: 'full' | 'incremental' }>('select kind from catalog.runs where id = $1', run)
  const { state, ledger } = await twin.sync({ mode: kind })
  await assertSettledAs(services, line, run, { state, ledger: { ...ledger }, catalogue: await snapshot(twin) })
}

async function holdsTask(line: TestLine, { pid }: Process): Promise<boolean> {
  return (await line.query(`select from catalog.leases where owner like '%:' || $1 || ':%' and until > clock_timestamp()`, pid)).length > 0
}

/** Something of everything that suppliers do. */
function change({ catalogue, clock }: MedipimSimulator, random: Random): void {
  clock.advance(3_600_000)
  const ids = catalogue.visible().filter(({ status }) => status === 'active').map((state) => catalogue.idOf(state))
  const some = (countMax: number): string[] => ids.splice(random.below(ids.length), random.between(0, countMax))
  catalogue.update(some(3))
  catalogue.setPrice(some(3), { factor: 1.2 })
  catalogue.setPrice(some(1), { factor: 100 })
  catalogue.touch(some(3))
  catalogue.deactivate(some(1))
  catalogue.remove(some(1))
  if (random.chance(0.25)) catalogue.restore('all')
  catalogue.add(random.below(3))
}
