// Idle workers of a queue in a real Postgres. The process counts as idle after a millisecond, so
// that only tasks keep it from being idle.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase, type Lifetime } from '../../test/support/database.ts'
import { stopAfterPages } from '../../test/support/gate.ts'
import { openServices, type TestServices } from '../../test/support/services.ts'
import { openToy } from '../../test/support/toy/open.ts'
import { waitUntilIdle } from './idle.ts'
import { countWaitingTasks } from './queues.ts'

const database = await openTestDatabase()

/** Records when the process of the services is idle, as an entry of `events`. */
function recordIdle(t: Lifetime, { queues, tools }: TestServices, events: string[]): Promise<void> {
  const stopping = new AbortController()
  t.after(async () => stopping.abort())
  return waitUntilIdle(tools.activity, {
    idleMs: 1,
    hasWork: async () =>
      (await countWaitingTasks(queues.fetch)) + (await countWaitingTasks(queues.apply)) > 0,
    signal: stopping.signal,
  }).then(() => void events.push('idle'))
}

/** Takes longer than some checks of the queues, which use the same connections. */
async function readQueuesOften({ queues }: TestServices): Promise<void> {
  for (let reads = 0; reads < 50; reads += 1) await queues.fetch.count()
}

test('a process is idle when its workers have no task, and not during a task', async (t) => {
  const { pipeline } = await openToy(t, { db: database.pool })
  const gate = stopAfterPages(pipeline, 2)
  const services = await openServices(t, database, gate.pipeline)
  const events: string[] = []
  const { run } = await services.requestRun({ mode: 'fetch-only' })
  services.startWorkers()
  await gate.reached
  const idle = recordIdle(t, services, events)
  await readQueuesOften(services)
  events.push('continued')
  gate.open()
  await services.waitForEnd(run)
  await idle
  assert.deepEqual(events, ['continued', 'idle'])
})

test('a process is not idle while a task waits in its queues', async (t) => {
  const { pipeline } = await openToy(t, { db: database.pool })
  const services = await openServices(t, database, pipeline)
  const events: string[] = []
  const { run } = await services.requestRun()
  const idle = recordIdle(t, services, events)
  await readQueuesOften(services)
  events.push('started')
  services.startWorkers()
  await idle
  assert.deepEqual(events, ['started', 'idle'])
  assert.equal((await services.waitForEnd(run)).state, 'succeeded')
})
