import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { createLog } from './log.ts'

function capture(secrets: readonly string[], options: { level?: string; isTTY?: boolean } = {}) {
  const written: string[] = []
  const destination = { write: (line: string) => written.push(line), isTTY: options.isTTY ?? false }
  const log = createLog({
    level: options.level ?? 'trace',
    destination,
    secrets,
    nowMs: () => Date.parse('2026-01-02T03:04:05.678Z'),
  })
  return {
    log,
    written,
    lines: () => written.map((line): Record<string, unknown> => JSON.parse(line)),
  }
}

test('a log line is JSON with time, level, message and fields', () => {
  const { log, lines } = capture([])
  log.warn({ source: 'shop', count: 3 }, 'slow')
  assert.deepEqual(lines(), [
    { level: 'warn', time: '2026-01-02T03:04:05.678Z', source: 'shop', count: 3, message: 'slow' },
  ])
})

test('child logs carry the correlation id of their command and run', () => {
  const { log, lines } = capture([])
  log.child({ cid: 'c1' }).child({ run: 7 }).info('begun')
  assert.deepEqual(
    lines().map(({ cid, run }) => [cid, run]),
    [['c1', 7]],
  )
})

test('lines below the level are not written', () => {
  const { log, written } = capture([], { level: 'warn' })
  log.info('no')
  assert.equal(written.length, 0)
})

test('a terminal gets short lines, with the stack of an error', () => {
  const { log, written } = capture([], { isTTY: true })
  log.error({ err: new Error('boom'), run: 7 }, 'failed')
  assert.match(written.join(''), /^03:04:05 error failed run=7\nError: boom\n +at /)
})

test('a terminal gets the fields for programs only at level debug', () => {
  const warn = capture([], { isTTY: true, level: 'info' })
  const facts = { cid: 'c1', outage: 'database', code: 'db/unreachable', run: 7 }
  warn.log.warn(facts, 'the database is unreachable')
  assert.equal(warn.written.join(''), '03:04:05 warn  the database is unreachable run=7\n')
  const debug = capture([], { isTTY: true, level: 'debug' })
  debug.log.warn(facts, 'out')
  assert.match(debug.written.join(''), / cid=c1 outage=database code=db\/unreachable run=7\n$/)
  const json = capture([])
  json.log.warn(facts, 'out')
  assert.deepEqual(json.lines()[0], { ...json.lines()[0], ...facts })
})

const SECRET = 'Zx9"q\\7-planted value/é'
const PLANT = { api: 'medipim-secret-1', id: 'planted-id', pin: '1234567890123456' }

for (const isTTY of [false, true]) {
  test(`no secret reaches the bytes ${isTTY ? 'of a terminal' : 'of a log'}, wherever it is planted`, () => {
    const { log, written } = capture([SECRET, PLANT.api, `${PLANT.id}:${PLANT.api}`, PLANT.pin], {
      isTTY,
    })
    const basic = `Basic ${Buffer.from(`${PLANT.id}:${PLANT.api}`).toString('base64')}`
    const inner = Object.assign(new Error(`inner ${SECRET}`), {
      config: { headers: { authorization: basic, 'X-Admin-Key': 'unknown-1' } },
      body: JSON.stringify({ SECRET }),
    })
    const outer = new SyncError('source/unavailable', `outer ${SECRET}`, {
      cause: inner,
      detail: {
        url: `https://u:unknown-2@x.example/?token=unknown-3&q=${encodeURIComponent(SECRET)}`,
      },
    })
    const child = log.child({ bound: SECRET, cid: 'c1' })
    child.error(outer)
    child.error(
      {
        err: outer,
        nested: {
          deep: [{ [SECRET]: SECRET }, SECRET, Number(PLANT.pin)],
          cookie: ['unknown-4'],
          password: 'unknown-5',
        },
      },
      `message ${SECRET}`,
    )
    child.info(
      { error: new AggregateError([inner, outer], SECRET), apikey: 'unknown-6' },
      'sent %s and %j',
      SECRET,
      { SECRET },
    )
    child.debug(
      {
        dsn: 'postgres://worker:unknown-7@db.example/x',
        jwt: 'eyJunknown.eyJunknown.unknown-8',
        key: 'sb_secret_unknown-9',
      },
      basic,
    )
    const bytes = written.join('')
    assert.equal(written.length, 4)
    for (const leak of [/Zx9/, /planted/, /medipim-secret/, /1234567890/, /unknown/, /cGxhbnRlZC/])
      assert.doesNotMatch(bytes, leak)
    assert.match(bytes, /\[redacted\]/)
    if (!isTTY) for (const line of written) assert.equal(JSON.parse(line).cid, 'c1')
  })
}
