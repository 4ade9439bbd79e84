import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { RequestLog } from './request-log.ts'

const URL_TEXT = 'https://shop.example/products?page=1&token=secret'

interface Line {
  readonly level: string
  readonly attempt?: number
  readonly [fact: string]: unknown
}

function openLog() {
  const lines: Line[] = []
  const log = {
    debug: (facts: object) => void lines.push({ level: 'debug', ...facts }),
    info: (facts: object) => void lines.push({ level: 'info', ...facts }),
  }
  const requestLog = new RequestLog()
  const begin = (level?: 'debug' | 'info', url = URL_TEXT) =>
    requestLog.begin(log, new URL(url), { url, facts: { items: 10 } }, level)
  return { lines, requestLog, begin }
}

test('a request has one line with its host, facts, status and times, without its query', () => {
  const { lines, begin } = openLog()
  const one = begin('info')
  one.sent()
  one.responded(200)
  one.ended(null, 512)
  assert.equal(lines.length, 1)
  const { responseMs, durationMs, ...rest } = lines[0] ?? { level: '' }
  assert.deepEqual(rest, {
    level: 'info',
    host: 'shop.example',
    items: 10,
    attempt: 1,
    status: 200,
    bytes: 512,
  })
  assert.ok(Number.isInteger(responseMs) && Number(durationMs) >= Number(responseMs))
  assert.doesNotMatch(JSON.stringify(lines), /secret|products/)
})

test('the attempts of an address count until it has responded', () => {
  const { lines, requestLog, begin } = openLog()
  const send = (status: number, url?: string): void => {
    const one = begin(undefined, url)
    one.sent()
    one.responded(status)
    one.ended(null, 0)
  }
  for (const status of [500, 429, 200, 200]) send(status)
  send(404)
  send(304, 'https://shop.example/other')
  assert.deepEqual(
    lines.map(({ attempt }) => attempt),
    [1, 2, 3, 1, 1, 1],
  )
  assert.ok(lines.every(({ level }) => level === 'debug'))
  assert.deepEqual(requestLog.count, { requests: 6, failedRequests: 2 })
})

test('a failed or stopped request has a line with the reason, and one that was never sent has none', () => {
  const { lines, requestLog, begin } = openLog()
  const errors = [
    new SyncError('source/unavailable', 'no connection'),
    new DOMException('stopped', 'AbortError'),
    new Error('a bug'),
  ]
  for (const error of errors) {
    const one = begin()
    one.sent()
    one.ended(error, 0)
  }
  begin().ended(new SyncError('source/circuit-open', 'no request'), 0)
  assert.deepEqual(
    lines.map(({ error, status, responseMs }) => [error, status, responseMs]),
    [
      ['source/unavailable', null, null],
      ['stopped', null, null],
      ['internal', null, null],
    ],
  )
  assert.deepEqual(requestLog.count, { requests: 3, failedRequests: 2 })
})
