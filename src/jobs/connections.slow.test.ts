// Connections that one process with all roles opens to Postgres: at most ten, in session mode only.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openFleet } from '../../test/e2e/fleet.ts'
import { startPgbouncer } from '../../test/support/pgbouncer.ts'
import { cleanEnv, explainMissingProgram, startProcess } from '../../test/support/processes.ts'

const CONNECTIONS_MAX = 10
const skip = explainMissingProgram('pgbouncer', 'pgbouncer')
const MAIN = new URL('../cli/main.ts', import.meta.url).pathname

test('a process with all roles that applies six parts at once opens at most ten connections, and its run succeeds', async (t) => {
  const simulator = await startMedipim({ products: 2_000, rateLimit: null })
  t.after(simulator.close)
  const { database, pipeline, ...cluster } = await openFleet(t, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: true,
  })
  const machine = await cluster.serve([], { APPLY_CONCURRENCY: '6', FETCH_CONCURRENCY: '9' })
  const run = await cluster.requestRun(machine)
  let ended = false
  const over = cluster.waitForEnd(run).finally(() => (ended = true))
  // All application names count: a session that listens for the queue has the queue's name.
  const sessions = async (): Promise<number[]> =>
    (
      await database.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and application_name <> 'test'`,
      )
    ).rows.map(({ pid }) => pid)
  let most = 0
  while (!ended) {
    // A closed session is listed until its server process has ended, so only lasting ones count.
    let open = await sessions()
    for (let look = 0; open.length > CONNECTIONS_MAX && look < 20; look++) {
      const there = new Set(await sessions())
      open = open.filter((pid) => there.has(pid))
    }
    most = Math.max(most, open.length)
  }
  const { state, ledger } = await over
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 2_000])
  assert.ok(most > 2 && most <= CONNECTIONS_MAX, `${most} connections`)
  assert.doesNotMatch(machine.process.output(), /timeout|the lease could not be renewed/)
  assert.equal((await pipeline.source()).latestRun, run)
})

for (const command of [['serve'], ['sync']]) {
  test(
    `\`shelfsync ${command.join(' ')}\` refuses a pooler in transaction mode at start, and says why`,
    { skip },
    async (t) => {
      const { env, database } = await openFleet(t, {
        supplierUrl: 'http://127.0.0.1:1',
        queueUrl: null,
        smallParts: true,
      })
      const pooler = await startPgbouncer(t, database.url, { mode: 'transaction' })
      const started = await startProcess(t, process.execPath, [MAIN, ...command], {
        env: cleanEnv({ ...env, DATABASE_URL: pooler.url }),
      })
      assert.equal((await started.exited).code, 1)
      assert.match(
        started.output(),
        /pooler in transaction mode: locks and temporary tables do not last there.*port 5432/,
      )
    },
  )
}

test('a run succeeds through a pooler in session mode', { skip }, async (t) => {
  const simulator = await startMedipim({ products: 300, rateLimit: null })
  t.after(simulator.close)
  const fleet = await openFleet(t, {
    supplierUrl: simulator.url,
    queueUrl: null,
    smallParts: true,
  })
  const pooler = await startPgbouncer(t, fleet.database.url, { mode: 'session' })
  const machine = await fleet.serve([], { DATABASE_URL: pooler.url })
  const { state, ledger } = await fleet.waitForEnd(await fleet.requestRun(machine))
  assert.deepEqual([state, ledger?.['created']], ['succeeded', 300])
})
