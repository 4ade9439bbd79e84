import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listSeries } from '../../test/support/exposition.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { countTasks } from './task-metrics.ts'

test('waits for a rate limit and waits for the database or the artifact store are counted separately', async () => {
  const metrics = createMetrics()
  const waits: unknown[] = []
  const { paused } = countTasks(metrics, { addWait: (...wait) => waits.push(wait) })
  for (const code of ['source/rate-limited', 'source/unavailable', 'source/cut-short'] as const)
    paused({ code, waitMs: 2000, triedMs: 500 }, 'medipim')
  paused({ code: 'artifact/unavailable', waitMs: 2000, triedMs: 500 }, 'medipim')
  assert.deepEqual(waits, [['store_unwritable', 2.5]])
  const text = await metrics.text()
  assert.deepEqual(listSeries(text, 'shelfsync_limit_wait_seconds_total'), {
    'connector="medipim"': 2,
  })
  assert.equal(
    listSeries(text, 'shelfsync_backpressure_seconds_total')['reason="store_unwritable"'],
    2.5,
  )
})
