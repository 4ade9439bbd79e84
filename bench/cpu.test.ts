// CPU accounting, on invented numbers and on real processes that use a counted amount of CPU time.

import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import type { ProcessStat } from '../src/node/process-stat.ts'
import { openTestDatabase } from '../test/support/database.ts'
import { listChildren, parseMachineStat, readTreeSeconds, sumTreeTicks } from './cpu.ts'

const onLinux = { skip: process.platform !== 'linux' }
const BURNT_SECONDS = 0.2
/** Each of user and system time is cut to whole ticks. */
const ROUNDING_SECONDS = 0.02

test('the sum over a tree contains its descendants and their ended children, each once', () => {
  const stat = (parentPid: number, cpuTicks: number, endedChildrenTicks = 0): ProcessStat => ({
    state: 'S',
    parentPid,
    cpuTicks,
    endedChildrenTicks,
    startTicks: '1',
  })
  const stats = new Map([
    [10, stat(1, 1000, 200)],
    [11, stat(10, 30)],
    [12, stat(11, 4, 50)],
    [20, stat(1, 7)],
    [1, stat(0, 90_000, 90_000)],
  ])
  assert.equal(sumTreeTicks(stats, [10]), 1284)
  assert.equal(sumTreeTicks(stats, [11]), 84)
  assert.equal(sumTreeTicks(stats, [10, 12, 20, 99]), 1291)
})

test('the time of the machine is split into busy, idle and stolen time', () => {
  const text = 'cpu  100 20 30 4000 500 6 7 80 9 1\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n'
  assert.deepEqual(parseMachineStat(text), { busy: 163, stolen: 80, total: 4743 })
})

test('a running child and its running child are part of the tree', onLinux, async (t) => {
  const before = readSeconds()
  const { child, grandchild } = await burnTwice(t)
  assert.deepEqual(listChildren(child.pid ?? 0), [grandchild])
  assertBurnt(before, 2)
})

test('a child that has ended is part of the tree, with its own ended child', onLinux, async (t) => {
  const before = readSeconds()
  const { child } = await burnTwice(t)
  child.stdin.end()
  await once(child, 'exit')
  assertBurnt(before, 2)
})

test('the tree of a Postgres server contains backends that have ended', onLinux, async (t) => {
  const { url } = await openTestDatabase(t, { server: 'embedded' })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ backend: number; server: string }>(
    `select pg_backend_pid() as backend,
            split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as server`,
  )
  const [backend, server] = [rows[0]?.backend ?? 0, Number(rows[0]?.server)]
  const readUsed = (pid: number) => readTreeSeconds([pid]) ?? Number.NaN
  const [serverBefore, backendBefore] = [readUsed(server), readUsed(backend)]
  while (readUsed(backend) - backendBefore < BURNT_SECONDS)
    await client.query('select count(*) from generate_series(1, 100000)')
  await client.end()
  while (listChildren(server)?.includes(backend)) await new Promise(setImmediate)
  const used = readUsed(server) - serverBefore
  assert.ok(used >= BURNT_SECONDS - ROUNDING_SECONDS, `${used} s`)
})

const BURN = `const used = () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage()
    return (userCPUTime + systemCPUTime) / 1e6
  }
  while (used() < ${BURNT_SECONDS});`
const GRANDCHILD = `${BURN} process.stdout.write('ready'); process.stdin.resume()`
const CHILD = `${BURN}
  const grandchild = require('node:child_process').spawn(
    process.execPath, ['--eval', process.argv[1]], { stdio: ['pipe', 'pipe', 'inherit'] })
  grandchild.stdout.once('data', () => process.stdout.write(String(grandchild.pid)))
  process.stdin.on('end', () => grandchild.stdin.end()).resume()`

/** Starts a child that starts a child; each uses `BURNT_SECONDS` of CPU time and then waits. */
async function burnTwice(
  t: TestContext,
): Promise<{ child: ChildProcessByStdio<Writable, Readable, null>; grandchild: number }> {
  const child = spawn(process.execPath, ['--eval', CHILD, GRANDCHILD], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  const exited = once(child, 'exit')
  // Both end by themselves: an orphan's time would disappear from the tree during the next test.
  t.after(async () => {
    child.stdin.end()
    await exited
  })
  const [pid] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, grandchild: Number(pid) }
}

function readSeconds(): number {
  return readTreeSeconds([process.pid]) ?? Number.NaN
}

function assertBurnt(before: number, times: number): void {
  const used = readSeconds() - before
  assert.ok(used >= times * (BURNT_SECONDS - ROUNDING_SECONDS), `${used} s`)
}
