// Signals stop the command line, and the next command resumes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../support/wait-until.ts'
import { STREAM, withMedipim, assertEnded, ledgerOf } from './medipim-shelf.ts'

for (const signal of ['SIGINT', 'SIGHUP'] as const) {
  test(`${signal} stops cleanly with exit code 130, starts no other source, and the next sync resumes the run`, async (t) => {
    const { run, start, db, simulator } = await withMedipim(t, 300)
    assertEnded(await run('add', 'medipim', '--name', 'z-last'), 0)
    simulator.faults.set({ kind: 'stall', afterLines: 200, path: STREAM })
    const running = start('sync', '--json')
    await waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
    running.child.kill(signal)
    const stopped = await running.result
    assertEnded(stopped, 130)
    assert.deepEqual([stopped.json()['state'], stopped.json()['code']], ['failed', 'run/cancelled'])
    assert.match(stopped.stderr, /stopping after this batch; the next sync resumes/)
    const { rows } = await db.query('select id, state from catalog.runs')
    assert.deepEqual(rows, [{ id: stopped.json()['run'], state: 'interrupted' }])
    simulator.faults.clear()
    const resumed = await run('sync', 'pharmacy', '--json')
    assertEnded(resumed, 0)
    assert.deepEqual(
      [resumed.json()['run'], resumed.json()['resumed'], ledgerOf(resumed)['created']],
      [rows[0]?.id, true, 300],
    )
  })
}

test('a second Ctrl-C ends the process at once', async (t) => {
  const { start, db, simulator } = await withMedipim(t, 50)
  simulator.faults.set({ kind: 'stall', afterLines: 20, path: STREAM })
  const running = start('sync')
  await waitUntil(() => (simulator.stats.snapshot().requests[STREAM] ?? 0) > 0)
  // The data that has arrived cannot be written now, so a clean stop never completes.
  const client = await db.connect()
  await client.query(
    'begin; lock table catalog.parts in access exclusive mode; lock table catalog.artifacts in access exclusive mode',
  )
  running.child.kill('SIGINT')
  await running.waitForOutput('stopping after this batch')
  running.child.kill('SIGINT')
  assertEnded(await running.result, 130)
  client.release(true)
})
