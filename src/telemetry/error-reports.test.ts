import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { ErrorReports, type ErrorReport } from './error-reports.ts'
import { createLog } from './log.ts'

const HOUR_MS = 3_600_000
const SECRET = 'pl4nted-s3cret-value'

function openReports() {
  const clock = { nowMs: 0 }
  const reports = new ErrorReports(() => clock.nowMs)
  const log = createLog({
    level: 'info',
    destination: { write: () => true },
    secrets: [SECRET],
    onError: (line) => reports.add(line),
  })
  const take = (): ErrorReport[] => {
    const all: ErrorReport[] = []
    for (let first = reports.first; first; first = reports.first) {
      all.push(first)
      reports.removeFirst()
    }
    return all
  }
  return { clock, log, take }
}

/** The same place in the code for all. */
function createError(message: string): Error {
  return new TypeError(message)
}

test('an unexpected error is reported with its stack, its correlation id and no secret', () => {
  const { log, take } = openReports()
  const error = new Error(`refused ${SECRET}`, { cause: new Error('the root') })
  log.child({ cid: 'abc-1' }).error({ err: error, step: 'images' }, 'internal error')
  log.warn({ err: error }, 'a request failed')
  log.error({ source: 'shop', cause: 'TypeError: x is not a function' }, 'the run did not start')
  log.fatal({ err: 'only a text' }, 'the process ends')
  const [first, second, third, ...rest] = take()
  assert.equal(first?.correlationId, 'abc-1')
  assert.deepEqual([first.message, first.facts], ['internal error', { step: 'images' }])
  assert.equal(first.exception?.type, 'Error')
  assert.match(
    first.exception.stack,
    /^Error: refused \[redacted\]\n {4}at .*error-reports\.test\.ts/,
  )
  assert.doesNotMatch(first.exception.stack, /caused by|the root/)
  assert.deepEqual(
    [second?.message, second?.exception, second?.correlationId, second?.facts],
    ['the run did not start: TypeError: x is not a function', null, null, { source: 'shop' }],
  )
  assert.deepEqual(
    [third?.level, third?.message, rest],
    ['fatal', 'the process ends: only a text', []],
  )
  assert.ok(!JSON.stringify(first).includes(SECRET))
})

test('the same error is reported once an hour, also with another number, and at most fifty in an hour', () => {
  const { clock, log, take } = openReports()
  const fail = (message: string): void => log.error({ err: createError(message) }, 'internal error')
  const tick = (source: string, cause: string): void => log.error({ source, cause }, 'not started')
  for (const run of [7, 8, 9]) fail(`run ${run} has no parts`)
  for (const source of ['shop', 'shop', 'feed']) tick(source, `${Math.PI} is not valid`)
  assert.deepEqual(
    take().map(({ message, facts }) => [message, facts['source']]),
    [
      ['internal error', undefined],
      [`not started: ${Math.PI} is not valid`, 'shop'],
      [`not started: ${Math.PI} is not valid`, 'feed'],
    ],
  )
  clock.nowMs = HOUR_MS - 1
  fail('run 10 has no parts')
  assert.deepEqual(take(), [])
  clock.nowMs = HOUR_MS
  fail('run 11 has no parts')
  assert.equal(take().length, 1)
  for (let n = 0; n < 500; n += 1) tick('shop', 'x'.repeat(n))
  assert.equal(take().length, 49)
})

test('the end of a run, which is reported from its row, is left out unless it is a bug', () => {
  const { log, take } = openReports()
  const run = log.child({ cid: 'abc-2', run: 7, source: 'shop', task: 'settle' })
  const failed = new SyncError('source/unauthorized', 'The key is wrong')
  run.error({ state: 'failed', code: failed.code }, failed.message)
  run.error(
    { state: 'failed', code: null, err: createError('undefined is not a run') },
    'it failed',
  )
  const [bug, ...rest] = take()
  assert.deepEqual(
    [bug?.exception?.value, bug?.correlationId, bug?.facts, rest],
    ['undefined is not a run', 'abc-2', { source: 'shop', run: '7', task: 'settle' }, []],
  )
})
