import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { cleanEnv, findProgram, freePort, startProcess, startServer } from './processes.ts'

const node = (script: string): [string, string[]] => [
  process.execPath,
  ['--input-type=module', '-e', script],
]

/** True when a process runs and is not a zombie. */
async function lives(pid: number | string): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== ''
}

test('every reader gets the output of a process line by line from its first line', async (t) => {
  const script = `console.log('port 17'); console.error('a warning'); process.stdout.write('no newline'); process.exitCode = 3`
  const child = await startProcess(t, ...node(script))
  const [, port] = await child.waitForLine(/^port (\d+)$/)
  assert.equal(port, '17')
  assert.deepEqual(await child.exited, { code: 3, signal: null })
  await child.waitForLine(/^port/)
  assert.deepEqual((await Array.fromAsync(child.lines())).sort(), [
    'a warning',
    'no newline',
    'port 17',
  ])
  assert.match(child.output(), /^port 17$/m)
})

test('waiting for a line that never comes fails with the output so far', async (t) => {
  const child = await startProcess(t, ...node(`console.log('something else')`))
  await assert.rejects(
    child.waitForLine(/ready/),
    /ended without a line like \/ready\/\. Its output:\nsomething else/,
  )
  const silent = await startProcess(t, 'sleep', ['infinity'])
  await assert.rejects(
    silent.waitForLine(/ready/, { timeoutMs: 1 }),
    /^Error: sleep infinity\nwrote no line like \/ready\/ for 1 ms/,
  )
})

test('starting a missing program reports its name', async (t) => {
  const child = await startProcess(t, 'no-such-program', []).catch((error: unknown) =>
    String(error),
  )
  assert.match(
    typeof child === 'string' ? child : await child.exited.then(child.output),
    /no-such-program.*(No such file|ENOENT)/,
  )
  assert.throws(
    () => findProgram('no-such-program', 'its-package'),
    /no-such-program is not installed.*apt-get install its-package/,
  )
})

test('a process receives the signal that is sent to it', async (t) => {
  const child = await startProcess(
    t,
    ...node(
      `process.once('SIGTERM', () => process.exit(4)); setInterval(() => {}, 1000); console.log('ready')`,
    ),
  )
  await child.waitForLine(/ready/)
  child.kill('SIGTERM')
  assert.deepEqual(await child.exited, { code: 4, signal: null })
  const stubborn = await startProcess(t, 'sleep', ['infinity'])
  stubborn.kill('SIGKILL')
  assert.deepEqual(await stubborn.exited, { code: null, signal: 'SIGKILL' })
  stubborn.kill('SIGKILL')
})

test('a process ends with its test, and its folder is removed', async (t) => {
  let [pid, folder] = [0, '']
  await t.test('a test that leaves one behind', async (inner) => {
    const child = await startProcess(inner, 'sh', ['-c', 'echo "in $PWD"; exec sleep infinity'])
    pid = child.pid
    folder = (await child.waitForLine(/^in (.+)/))[1] ?? ''
    assert.ok(existsSync(folder))
  })
  assert.ok(!existsSync(folder))
  assert.equal(await lives(pid), false)
})

const skip = process.platform === 'linux' ? false : 'only Linux ends a child when its parent dies'

test('a process ends when the test process is killed', { skip }, async (t) => {
  const file = JSON.stringify(new URL('processes.ts', import.meta.url))
  const parent = await startProcess(
    t,
    ...node(`const { startProcess } = await import(${file})
    const child = await startProcess({ after() {} }, 'sleep', ['infinity'], { cwd: '/' })
    console.log('child', child.pid)`),
  )
  const [, pid = ''] = await parent.waitForLine(/^child (\d+)/)
  assert.ok(await lives(pid))
  parent.kill('SIGKILL')
  await parent.exited
  while (await lives(pid)) await new Promise(setImmediate)
})

test('a clean environment holds only the variables that a program needs to start', async (t) => {
  process.env['SOME_SECRET'] = 'hunter2'
  t.after(() => void delete process.env['SOME_SECRET'])
  const env = cleanEnv({ ADMIN_KEY: 'mine', LOG_LEVEL: undefined })
  const child = await startProcess(t, ...node(`console.log(JSON.stringify(process.env))`), { env })
  await child.exited
  const { ADMIN_KEY, NODE_V8_COVERAGE, ...rest } = JSON.parse(child.output())
  assert.deepEqual(
    [ADMIN_KEY, NODE_V8_COVERAGE, Object.keys(rest).sort()],
    ['mine', '', ['NODE_COMPILE_CACHE', 'PATH']],
  )
})

test('a server whose port was taken in the meantime starts on another one', async (t) => {
  const taken = await startServer((port) => startProcess(t, ...listener(port)), /^ready$/)
  const tried: number[] = []
  const { port } = await startServer((free) => {
    tried.push(tried.length === 0 ? taken.port : free)
    return startProcess(t, ...listener(tried.at(-1) ?? 0))
  }, /^ready$/)
  assert.deepEqual(tried, [taken.port, port])
})

test('a server that fails for any other reason is started only once', async (t) => {
  let starts = 0
  await assert.rejects(
    startServer(() => startProcess(t, ...node(`console.log('no memory', ${++starts})`)), /ready/),
    /no memory 1/,
  )
  assert.equal(starts, 1)
  assert.ok((await freePort()) > 0)
})

function listener(port: number): [string, string[]] {
  return node(
    `(await import('node:net')).createServer().listen(${port}, '127.0.0.1', () => console.log('ready'))`,
  )
}
