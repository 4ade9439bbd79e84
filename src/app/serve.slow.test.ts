import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { loadSettings } from '../config/settings.ts'
import { addSource } from '../db/sources.ts'
import { Cli } from '../cli/cli.ts'
import { Output } from '../cli/terminal/output.ts'
import { AS_SCHEDULED } from '../jobs/requests.ts'
import { migrateQueue } from '../jobs/queues.ts'
import { requestRuns } from '../jobs/request-runs.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { ErrorReports } from '../telemetry/error-reports.ts'
import { openQueueTools } from './open-queues.ts'
import { startServices } from './serve.ts'

test('the services close the HTTP clients of the connectors when they stop', async (t) => {
  const simulator = await startMedipim({
    products: 3,
    rateLimit: null,
    keys: [{ id: '42', secret: 'sim-key' }],
  })
  t.after(simulator.close)
  const { url, pool } = await openTestDatabase(t)
  await migrateQueue(pool)
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-serve-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const settings = loadSettings({
    DATABASE_URL: url,
    SHELFSYNC_HOME: home,
    ARTIFACTS: `file:${join(home, 'artifacts')}`,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ADMIN_KEY: 'a-key-of-at-least-thirty-two-characters',
    MEDIPIM_API_KEY: '42:sim-key',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    METRICS_PORT: '0',
  })
  const nowhere = { write: () => true }
  const host = await new Cli(new Output(nowhere, nowhere), {}).createHost(settings)
  await using tools = await openQueueTools(settings, host)
  const closed: string[] = []
  const guard = createAddressGuard(settings.allowPrivateHosts)
  const services = await startServices(
    {
      ...tools,
      reports: new ErrorReports(),
      openHttp(connector) {
        const client = createHttp({ guard, userAgent: settings.userAgent })
        return Object.assign((...args: Parameters<typeof client>) => client(...args), {
          async close() {
            await client.close()
            closed.push(connector)
          },
        })
      },
    },
    ['fetcher', 'maintainer'],
  )
  await addSource(pool, {
    name: 'pharmacy',
    connector: 'medipim',
    settings: { apiUrl: simulator.url, market: 'au' },
    schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' },
  })
  await requestRuns(tools, { ...AS_SCHEDULED, source: 'pharmacy' }, 'test')
  const succeeded = `select from catalog.runs where state = 'succeeded'`
  await waitUntil(async () => (await pool.query(succeeded)).rowCount === 1)
  assert.deepEqual(closed, [])
  await services.stop()
  assert.deepEqual(closed, ['medipim'])
})
