import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProcessStat, readProcessStat } from './process-stat.ts'

const AFTER_NAME =
  'S 7 42 42 0 -1 4194560 1 2 3 4 150 25 1000 200 20 0 1 0 98765 1000000 300 18446744073709551615'

test('the fields after the name are read, for any name', () => {
  for (const name of ['postgres', 'a b', '(sd-pam)', 'x) R 1 2 (y', 'tmux: server', ') '])
    assert.deepEqual(parseProcessStat(`42 (${name}) ${AFTER_NAME}\n`), {
      state: 'S',
      parentPid: 7,
      cpuTicks: 175,
      endedChildrenTicks: 1200,
      startTicks: '98765',
    })
})

test('the stat of this process names its parent', { skip: process.platform !== 'linux' }, () => {
  assert.equal(readProcessStat(process.pid)?.parentPid, process.ppid)
})

test('a process that does not exist has no stat', () => {
  assert.equal(readProcessStat(2 ** 30), null)
})
