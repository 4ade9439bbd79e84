import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { startServer } from '../../../test/support/http-server.ts'
import { startProxy, routeThrough } from '../../../test/support/faulty-proxy.ts'
import { openToy } from '../../../test/support/toy/open.ts'
import { openServices } from '../../../test/support/services.ts'
import { cancelRequestedRun, requestRuns } from '../../jobs/request-runs.ts'
import { createOrchestratorApp } from '../control/servers.ts'

test('while Postgres hangs, routes that need it return db/unreachable; afterwards they work again', async (t) => {
  const database = await openTestDatabase(t)
  const proxy = await startProxy(t, database.url)
  const { pipeline } = await openToy(t, { db: database.pool })
  const { tools } = await openServices(
    t,
    { ...database, url: routeThrough(database.url, proxy) },
    pipeline,
  )
  const server = await startServer(t, (options) =>
    createOrchestratorApp({
      ...options,
      db: tools.db,
      responseMs: 500,
      operations: {
        ...options.operations,
        requestRuns: (request, correlationId) => requestRuns(tools, request, correlationId),
        cancelRun: (run) => cancelRequestedRun(tools, run),
      },
    }),
  )
  const { run } = await pipeline.sync()
  const askAll = async (): Promise<[status: number, code: unknown][]> => {
    const asked = [
      server.sendRequest('/status'),
      server.sendRequest(`/runs/${run}`),
      server.post('/sync', { source: pipeline.name, mode: 'full' }),
      server.post(`/runs/${run}/cancel`),
    ]
    return Promise.all(
      asked.map(async (answer) => {
        const response = await answer
        const { error } = (await response.json()) as { error?: { code: unknown } }
        return [response.status, error?.code]
      }),
    )
  }
  proxy.stall()
  assert.deepEqual(
    await askAll(),
    Array.from({ length: 4 }, () => [503, 'db/unreachable']),
  )
  await proxy.resume()
  while ((await askAll()).some(([status]) => status >= 500)) server.recorded.nowMs += 1000
})
