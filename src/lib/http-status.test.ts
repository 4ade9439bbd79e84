import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyStatus, isTransientStatus, type StatusClass } from './http-status.ts'

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
