import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countConcurrent, measureExcessMs } from './request-log.ts'

const at = (startedMs: number, endedMs = startedMs + 10) => ({ shop: 0, startedMs, endedMs })

test('requests that follow each other are not concurrent', () => {
  assert.equal(countConcurrent([at(0, 10), at(10, 20), at(20, 30)]), 1)
  assert.equal(countConcurrent([at(0, 11), at(10, 20), at(5, 30)]), 3)
})

test('a burst and then one request per interval are within a rate', () => {
  const rate = { intervalMs: 100, burst: 3 }
  assert.equal(
    measureExcessMs(
      [0, 0, 0, 100, 200, 300].map((ms) => at(ms)),
      rate,
    ),
    0,
  )
  assert.equal(
    measureExcessMs(
      [0, 0, 0, 40].map((ms) => at(ms)),
      rate,
    ),
    60,
  )
  assert.equal(
    measureExcessMs(
      [0, 0, 0, 1000, 1000, 1000].map((ms) => at(ms)),
      rate,
    ),
    0,
  )
})
