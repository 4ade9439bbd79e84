import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { createLog } from './log.ts'
import { Outages } from './outages.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly outage: string
  readonly seconds?: number
}

/** Outages with a clock that the test moves, and the lines of their log. */
function open(level = 'warn') {
  const lines: Line[] = []
  const destination = { write: (text: string) => lines.push(JSON.parse(text) as Line) }
  const clock = { nowMs: 0 }
  const log = createLog({ level, secrets: [], destination })
  const outages = new Outages(log, { nowMs: () => clock.nowMs })
  const messages = (): string[] => lines.map(({ message }) => message)
  return { clock, lines, outages, messages }
}

const failure = (code: ErrorCode = 'db/unreachable', cause?: Error): SyncError =>
  new SyncError(code, 'gone', { cause })

test('the attempts of all work during an outage cause two warnings', () => {
  const { clock, lines, outages, messages } = open()
  for (; clock.nowMs < 28_000; clock.nowMs += 1000)
    for (const work of ['apply', 'lease', 'claim'])
      assert.equal(outages.failed(failure(), { work }), true)
  outages.reached('db/unreachable')
  outages.worked('apply')
  assert.deepEqual(messages(), [
    'The database is unreachable: gone. Check DATABASE_URL (or SUPABASE_URL) and that the server runs. A running sync waits for it.',
    'The database is reachable again after 28 s',
  ])
  assert.deepEqual(
    lines.map(({ level, outage, seconds }) => [level, outage, seconds]),
    [
      ['warn', 'database', undefined],
      ['warn', 'database', 28],
    ],
  )
})

test('the attempts in between are logged at level debug, with the work', () => {
  const { lines, outages } = open('debug')
  for (const work of ['apply', 'lease']) outages.failed(failure(), { work })
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['warn', 'debug'],
  )
})

test('an outage is over when work that failed in it succeeds, and not through other work', () => {
  const { outages, messages } = open()
  outages.failed(failure('db/full'), { work: 'apply' })
  outages.worked('lease')
  outages.reached('db/unreachable')
  assert.equal(messages().length, 1)
  outages.worked('apply')
  assert.equal(messages().at(-1), 'The database has disk space again after 0.0 s')
})

test('different things that are out have separate outages', () => {
  const { outages, messages } = open()
  outages.failed(failure('queue/unreachable'), { work: 'queue' })
  outages.failed(failure('artifact/unwritable'), { work: 'store' })
  for (const host of ['a.example', 'b.example'])
    outages.failed(failure('source/unavailable'), { work: `fetch ${host}`, host })
  outages.reached('queue/unreachable')
  outages.worked('fetch b.example')
  assert.deepEqual(
    messages().map((message) => message.replace(/(: gone| after).*/, '')),
    [
      'The queue is unreachable',
      'The artifact store refuses writes',
      'a.example does not respond',
      'b.example does not respond',
      'The queue is reachable again',
      'b.example responds again',
    ],
  )
})

test('an attempt that began before the end, and an error that was reported, begin no new outage', () => {
  const { clock, outages, messages } = open()
  const cause = new Error('Connection terminated')
  outages.failed(failure('db/unreachable', cause), { work: 'queue' })
  clock.nowMs = 1000
  outages.reached('db/unreachable')
  clock.nowMs = 2000
  outages.failed(failure(), { work: 'apply', startedMs: 500 })
  outages.failed(failure('db/unreachable', cause), { work: 'queue' })
  assert.equal(messages().length, 2)
  outages.failed(failure(), { work: 'apply', startedMs: 1500 })
  assert.equal(messages().length, 3)
})

test('a supplier that fails at every other page has one outage, until it has worked for a minute', () => {
  const { clock, outages, messages } = open()
  const at = { work: 'fetch shop.example', host: 'shop.example' }
  for (let page = 0; page < 5; page++) {
    outages.failed(failure('source/unavailable'), at)
    clock.nowMs += 10_000
    outages.worked(at.work, 60_000)
    clock.nowMs += 10_000
  }
  assert.equal(messages().length, 1)
  clock.nowMs += 60_000
  outages.worked(at.work, 60_000)
  assert.equal(messages().at(-1), 'shop.example responds again after 1 min 30 s')
})

test('an error that is not an outage is left to the caller', () => {
  const { outages, messages } = open('debug')
  assert.equal(outages.failed(new Error('a bug'), { work: 'apply' }), false)
  assert.equal(outages.failed(failure('run/fenced'), { work: 'apply' }), false)
  assert.deepEqual(messages(), [])
})

test('new causes of a known outage are logged on request', () => {
  const { outages, messages } = open()
  outages.failed(failure(), { work: 'server' })
  outages.failed(new SyncError('db/unreachable', 'no space left'), { work: 'server', isNews: true })
  assert.equal(messages().at(-1), 'no space left')
})
