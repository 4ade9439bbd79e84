// A host is cut off while it applies: every packet to and from it is lost. Another host ends the
// run. When the first host is connected again, it has written nothing more, and it takes new tasks.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openFleet, type Machine, type Fleet } from '../e2e/fleet.ts'
import { lockTable } from '../support/locks.ts'
import { createNetwork, explainMissingNetwork } from '../support/network.ts'
import { listRowVersions, snapshotCatalogue } from '../support/snapshot.ts'
import { waitUntil } from '../support/wait-until.ts'

const PRODUCTS = 1_500

/**
 * Declares the test with a cut that lasts until the other host has ended the run, and at least
 * this long.
 */
export function testNetworkCut(cutMsMin: number): void {
  test(
    'a host that is cut off while it applies writes nothing more; another host ends the run, and the first works again afterwards',
    { skip: explainMissingNetwork() ?? false },
    async (t) => {
      const simulator = await startMedipim({ products: PRODUCTS, rateLimit: null, seed: 12 })
      t.after(simulator.close)
      const fleet = await openFleet(t, {
        supplierUrl: simulator.url,
        queueUrl: null,
        smallParts: true,
      })
      const expected = await snapshotCatalogue(await fleet.syncTwin())
      const { hosts, forward } = await createNetwork(t, ['island', 'mainland'])
      const databaseUrl = await forward(fleet.database.url)
      const start = (name: keyof typeof hosts): Promise<Machine> =>
        fleet.serve(
          ['maintainer'],
          { DATABASE_URL: `${databaseUrl}&application_name=${name}` },
          (...program) => hosts[name].spawn(...program),
        )
      const [home, island, mainland] = await Promise.all([
        fleet.serve(['fetcher', 'orchestrator']),
        start('island'),
        start('mainland'),
      ])

      const lock = await lockCheckpoints(t, fleet)
      const run = await fleet.requestRun(home)
      const written = await lock.inTheWayOf('island')
      const cutAtMs = performance.now()
      hosts.island.cutOff()
      await lock.release()
      const { state, ledger } = await fleet.waitForEnd(run)
      assert.deepEqual(
        [state, ledger?.['created'], ledger?.['fetched']],
        ['succeeded', PRODUCTS, PRODUCTS],
      )
      assert.deepEqual(await snapshotCatalogue(fleet.pipeline), expected)
      for (const { status } of await statusOf(fleet, written)) assert.equal(status, 'aborted')

      const versions = await listRowVersions(fleet.pipeline)
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, cutAtMs + cutMsMin - performance.now())),
      )
      hosts.island.reconnect()
      mainland.process.kill('SIGTERM')
      await mainland.process.exited
      assert.deepEqual(await listRowVersions(fleet.pipeline), versions)
      const changed = simulator.catalogue.update({ count: 25 })
      const { state: after, ledger: later } = await fleet.waitForEnd(await fleet.requestRun(home))
      assert.deepEqual([after, later?.['updated']], ['succeeded', changed.length])
      assert.match(island.process.output(), /The database is unreachable/)
    },
  )
}

/** Checkpoints can be read but not written, so that every batch stops just before its commit. */
async function lockCheckpoints(t: TestContext, { database }: Fleet) {
  const release = await lockTable(t, database.pool, 'catalog.checkpoints')
  return {
    release,
    /**
     * Resolves when batches of this host wait there, with the transactions in which they have
     * written.
     */
    inTheWayOf: (host: string): Promise<string[]> =>
      waitUntil(async () => {
        const { rows } = await database.pool.query<{ xid: string }>(
          `select backend_xid::text as xid from pg_stat_activity a join pg_locks l using (pid)
         where application_name = $1 and l.relation = 'catalog.checkpoints'::regclass and not l.granted and backend_xid is not null`,
          [host],
        )
        return rows.length > 0 && rows.map(({ xid }) => xid)
      }),
  }
}

async function statusOf(
  { database }: Fleet,
  transactions: readonly string[],
): Promise<{ status: string }[]> {
  return (
    await database.pool.query<{ status: string }>(
      'select pg_xact_status(xid::xid8) as status from unnest($1::text[]) as xid',
      [transactions],
    )
  ).rows
}
