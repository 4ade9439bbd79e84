import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SyncError } from '../core/errors.ts'
import { createLog } from '../telemetry/log.ts'
import { Outages } from '../telemetry/outages.ts'
import { runStep } from './run-step.ts'
import type { OpenStep } from './step.ts'

/** Runs a step whose calls have these results, until the last one. Returns the log. */
async function runCalls(results: readonly (boolean | Error)[], workers = 1): Promise<string[]> {
  const lines: string[] = []
  const log = createLog({
    level: 'warn',
    destination: {
      write: (line) => void lines.push((JSON.parse(line) as { message: string }).message),
    },
    secrets: [],
  })
  const stopping = new AbortController()
  let calls = 0
  const step: OpenStep = {
    workers,
    async work() {
      const result = results[calls]
      calls += 1
      if (calls >= results.length) stopping.abort()
      if (result instanceof Error) throw result
      return result === true
    },
    hasWork: () => Promise.resolve(false),
  }
  await runStep(
    { name: 'toy', step },
    { log, outages: new Outages(log), pauseMs: 0 },
    stopping.signal,
  )
  assert.ok(calls >= results.length)
  return lines
}

test('a step is called again after work, after a pause and after an error, until it is stopped', async () => {
  assert.deepEqual(await runCalls([true, false, true], 2), [])
})

test('an error that repeats is reported once, and again after a success', async () => {
  const wrong = new Error('wrong')
  const report = 'a step failed; it will try again'
  assert.deepEqual(await runCalls([wrong, wrong, true, wrong, true]), [report, report])
})

test('an outage of the database is reported once, with its end', async () => {
  const out = () => new SyncError('db/unreachable', 'The connection to Postgres is lost')
  const lines = await runCalls([out(), out(), true])
  assert.match(lines[0] ?? '', /^The database is unreachable/)
  assert.match(lines[1] ?? '', /^The database is reachable again/)
  assert.equal(lines.length, 2)
})

test('while nothing is due, one worker searches after each pause, and work wakes the others', async () => {
  const log = createLog({ level: 'warn', destination: { write: () => undefined }, secrets: [] })
  const stopping = new AbortController()
  const pauses: (() => void)[] = []
  let [calls, due] = [0, 0]
  const long = Promise.withResolvers<boolean>()
  const step: OpenStep = {
    workers: 4,
    work() {
      calls += 1
      return due === 0 ? Promise.resolve(false) : --due === 0 ? long.promise : Promise.resolve(true)
    },
    hasWork: () => Promise.resolve(false),
  }
  const wait = (_: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject()
      pauses.push(resolve)
      signal.addEventListener('abort', reject)
    })
  const endPause = (): Promise<unknown> => {
    pauses.pop()?.()
    return setImmediate()
  }
  const tools = { log, outages: new Outages(log), wait }
  const ended = runStep({ name: 'toy', step }, tools, stopping.signal)
  await setImmediate()
  assert.deepEqual([calls, pauses.length], [4, 1], 'all search at first, then one waits')
  await endPause()
  assert.deepEqual([calls, pauses.length], [5, 1])
  due = 1
  await endPause()
  assert.deepEqual([calls, pauses.length], [6, 1], 'one works for long, and the next one waits')
  await endPause()
  assert.deepEqual([calls, pauses.length], [7, 1])
  due = 2
  await endPause()
  assert.deepEqual([calls, pauses.length], [10, 1], 'found work wakes the one that rests')
  stopping.abort()
  long.resolve(false)
  await ended
})
