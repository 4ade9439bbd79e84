// A network cut that lasts until the run ends, and its effect on a client.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../support/database.ts'
import { createNetwork, explainMissingNetwork } from '../support/network.ts'
import { testNetworkCut } from './namespaces.ts'

const POOL = JSON.stringify(new URL('../../src/db/pool.ts', import.meta.url))

testNetworkCut(0)

test(
  'a client that waits for an unreachable Postgres gets an error during the cut',
  { skip: explainMissingNetwork() ?? false },
  async (t) => {
    const database = await openTestDatabase(t)
    const { hosts, forward } = await createNetwork(t, ['island'])
    // The notice acknowledges the query. Without it TCP would repeat the unacknowledged data for a
    // quarter of an hour.
    const client = await hosts.island.spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `const { openPool } = await import(${POOL})
    const session = await (await openPool('${await forward(database.url)}', { applicationName: 'island' })).connect()
    session.on('notice', () => console.log('asked'))
    await session.query('do $$ begin raise notice $x$asked$x$; perform pg_sleep(3600); end $$').catch(({ message }) => console.log('lost:', message))
    process.exit()`,
    ])
    await client.waitForLine(/asked/)
    hosts.island.cutOff()
    assert.match((await client.waitForLine(/lost: .*/))[0], /ETIMEDOUT|terminated/)
  },
)
