// The log of edge functions within the limits of the platform.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createJsonLog,
  LINE_CHARS_MAX,
  LineBudget,
  LINES_MAX,
  WINDOW_MS,
  writeLeftOut,
  type JsonLogOptions,
} from './json-log.ts'

function open(more: Partial<JsonLogOptions> = {}) {
  const lines: string[] = []
  let nowMs = Date.UTC(2026, 10, 28)
  const now = (): number => nowMs
  const options: JsonLogOptions = {
    write: (line) => void lines.push(line),
    redact: (text) => text.replaceAll('hunter2', '[redacted]'),
    budget: new LineBudget(now),
    now,
    ...more,
  }
  return { lines, options, log: createJsonLog(options), pass: (ms: number) => void (nowMs += ms) }
}

test('a line is JSON with its time, level, message and the facts of its log', () => {
  const { lines, log } = open()
  log.child({ cid: 'c' }).child({ run: 7 }).warn({ code: 'db/busy' }, 'busy')
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '2026-11-28T00:00:00.000Z',
    level: 'warn',
    message: 'busy',
    cid: 'c',
    run: 7,
    code: 'db/busy',
  })
})

test('a line that is too long is cut to valid JSON of at most 10,000 characters, and keeps its ids', () => {
  const { lines, log } = open()
  const bound = log.child({ cid: 'c', run: 7 })
  bound.info({ text: '"'.repeat(20_000) }, 'one long text')
  bound.info({ list: Array.from({ length: 5_000 }, (_, at) => `item ${at}`) }, 'a long list')
  bound.info({}, 'x'.repeat(50_000))
  for (const line of lines) {
    assert.ok(line.length <= LINE_CHARS_MAX, `${line.length} characters`)
    const { cid, run } = JSON.parse(line)
    assert.equal(cid, 'c')
    assert.equal(String(run), '7')
  }
  assert.equal(JSON.parse(lines[1] ?? '').cut, true)
})

test('of 250 lines in ten seconds at most 100 are written, and the log says how many were left out', () => {
  const { lines, log, pass, options } = open()
  for (let at = 0; at < 250; at++) log.info({ at }, 'line')
  writeLeftOut(options)
  assert.equal(lines.length, LINES_MAX)
  assert.match(lines.at(-1) ?? '', /151 lines of the log were left out/)
  pass(WINDOW_MS)
  for (let at = 0; at < 120; at++) log.info({ at }, 'line')
  pass(WINDOW_MS)
  log.info({}, 'after')
  assert.match(lines.at(-2) ?? '', /21 lines of the log were left out/)
  assert.match(lines.at(-1) ?? '', /after/)
})

test('a secret is removed before a text is cut, also from an error and its stack', () => {
  const { lines, log } = open()
  const error = Object.assign(new Error('hunter2 is wrong'), { code: 'X' })
  log.error({ err: error, text: `${'a'.repeat(7_996)}hunter2` }, 'hunter2')
  assert.doesNotMatch(lines[0] ?? '', /hunter|unter2/)
  const { err } = JSON.parse(lines[0] ?? '')
  assert.deepEqual([err.message, err.code], ['[redacted] is wrong', 'X'])
})

test('lines below the level are not written and do not count', () => {
  const { lines, log, options } = open()
  for (let at = 0; at < 200; at++) log.debug({}, 'detail')
  log.info({}, 'shown')
  writeLeftOut(options)
  assert.equal(lines.length, 1)
})
