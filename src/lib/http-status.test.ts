import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  classifyStatus,
  isTransientStatus,
  SUPPLIER_CODES,
  toStatusError,
  type StatusClass,
} from './http-status.ts'

const EXAMPLES: readonly (readonly [StatusClass, readonly number[]])[] = [
  ['success', [200, 204, 299]],
  ['redirect', [301, 304, 399]],
  ['unauthorized', [401, 403]],
  ['not-found', [404, 410]],
  ['throttled', [429]],
  ['unavailable', [408, 425, 500, 503, 599]],
  ['rejected', [400, 402, 405, 409, 413, 422, 451]],
]

test('each status belongs to one class', () => {
  for (const [expected, statuses] of EXAMPLES)
    for (const status of statuses) assert.equal(classifyStatus(status), expected, String(status))
})

test('only throttling and an unavailable server are transient', () => {
  const transient = EXAMPLES.flatMap(([, statuses]) => statuses.filter(isTransientStatus))
  assert.deepEqual(transient, [429, 408, 425, 500, 503, 599])
})

test('an error carries the code of its status, the status and the wait in Retry-After', () => {
  const headers = new Headers({ 'retry-after': '7' })
  const error = toStatusError({ status: 429, headers }, SUPPLIER_CODES, 'shop responds 429')
  assert.equal(error.code, 'source/rate-limited')
  assert.deepEqual([error.detail, error.retryAfterMs], [{ status: 429 }, 7000])
})

test('a date in Retry-After is read against the Date of the same response', () => {
  const headers = new Headers({
    date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT',
  })
  const error = toStatusError({ status: 503, headers }, SUPPLIER_CODES, 'shop responds 503')
  assert.equal(error.retryAfterMs, 30_000)
})
