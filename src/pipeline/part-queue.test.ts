import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredPart } from '../db/write/artifacts.ts'
import { PartQueue } from './part-queue.ts'

const part = (no: number): StoredPart => ({
  no,
  key: `k${no}`,
  codec: 'zstd',
  sha256: '0'.repeat(64),
  rawBytes: 1,
  storedBytes: 1,
  lineCount: 1,
  cursorAfter: null,
  createdAt: new Date(),
})

test('parts are returned in order, to earlier and later calls of take, and null after the queue is closed', async () => {
  const queue = new PartQueue()
  const early = queue.take()
  queue.push(part(1))
  queue.push(part(2))
  const late = [queue.take(), queue.take(), queue.take()]
  queue.close()
  const taken = await Promise.all([early, ...late, queue.take()])
  assert.deepEqual(
    taken.map((each) => each?.no ?? null),
    [1, 2, null, null, null],
  )
})

test('parts that wait in a closed queue are still returned', async () => {
  const queue = new PartQueue()
  queue.push(part(1))
  queue.close()
  assert.equal((await queue.take())?.no, 1)
  assert.equal(await queue.take(), null)
})
