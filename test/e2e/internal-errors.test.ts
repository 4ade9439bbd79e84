// An unexpected error: a command prints one message without a stack, and a service logs it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openShelfsync } from './shelfsync.ts'

/** Throws in the middle of everything else when the process receives SIGUSR2. */
const BROKEN = `data:text/javascript,process.on('SIGUSR2',()=>{throw%20new%20TypeError('broken')})`
/** `add` groups the options of the connectors. */
const BROKEN_ADD = `data:text/javascript,Map.groupBy=()=>{throw%20new%20TypeError('broken')}`

test('a command prints an internal error with the next step, and the stack only with --verbose', async (t) => {
  const { run } = await openShelfsync(t, { NODE_OPTIONS: `--import=${BROKEN_ADD}` })
  const plain = await run('add', 'medipim')
  assert.equal(plain.code, 1)
  assert.equal(
    plain.stderr,
    'error: internal error: broken\n hint: This is a bug. Run the command again with --verbose for a stack trace, and report it.\n',
  )
  const verbose = await run('add', 'medipim', '--verbose')
  assert.match(verbose.stderr, /^TypeError: broken\n {4}at /m)
  const json = await run('add', 'medipim', '--json')
  assert.deepEqual(Object.keys(JSON.parse(json.stderr) as object), ['error'])
})

test('a service that ends because of an internal error logs it with the stack', async (t) => {
  const { run, start } = await openShelfsync(t, {
    ADMIN_KEY: 'k'.repeat(32),
    METRICS_PORT: '0',
    NODE_OPTIONS: `--import=${BROKEN}`,
  })
  assert.equal((await run('migrate')).code, 0)
  const service = start('serve', 'scheduler')
  await service.waitForOutput('"serving"')
  service.child.kill('SIGUSR2')
  const { code, stderr } = await service.result
  assert.equal(code, 1)
  const last = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
  assert.deepEqual(
    [last['level'], last['message']],
    ['fatal', 'the process ends because of an internal error'],
  )
  assert.match(String((last['err'] as { stack?: string }).stack), /^TypeError: broken\n {4}at /)
})
