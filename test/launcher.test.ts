// bin/ in a separate folder, with a command line that only reports. Copies that require Node 999
// search for another Node on every machine.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../bin/', import.meta.url))
/** Root may write everywhere, so tests of a missing right run as this account. */
const OTHER_ACCOUNT: Account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
const REPORT = `import { getCompileCacheDir } from 'node:module'
const cache: string | undefined = getCompileCacheDir()
console.log(JSON.stringify({ args: process.argv.slice(2), cache, native: process.env['NODE_PG_FORCE_NATIVE'] }))
if (process.argv.includes('wait')) { process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('waiting') }
else process.exitCode = 7`

for (const nodeMin of [24, 999]) {
  const how = nodeMin === 24 ? 'on a new Node' : 'on the packaged Node'

  test(`arguments and exit code pass through ${how}`, async (t) => {
    const { lines, code } = await run(await clone(t, nodeMin), ['sync', '--name', 'a b'])
    assert.deepEqual(JSON.parse(lines[0] ?? '').args, ['sync', '--name', 'a b'])
    assert.equal(code, 7)
  })

  test(`a signal reaches the command ${how}, and its exit code is returned`, async (t) => {
    const { code } = await run(await clone(t, nodeMin), ['wait'], { signal: 'SIGTERM' })
    assert.equal(code, 3)
  })
}

test('without a recent enough Node, the message states what to do', async (t) => {
  const { errors, code } = await run(await clone(t, 999, { packaged: false }), [])
  assert.match(errors, /this is Node \d+.*999 or newer is needed\.\nRun `npm ci`/)
  assert.equal(code, 1)
})

test('`node bin/launch.js FILE` also finds a recent enough Node', async (t) => {
  const { lines, code } = await run(await clone(t, 999), ['src/cli/main.ts', 'a b'], {
    file: 'launch.js',
  })
  assert.deepEqual(JSON.parse(lines[0] ?? '').args, ['a b'])
  assert.equal(code, 7)
})

for (const nodeMin of [24, 999]) {
  test(`before \`npm ci\`, the message states to run it, where Node ${nodeMin} is needed`, async (t) => {
    for (const file of ['shelfsync', 'launch.js']) {
      const { errors, code } = await run(
        await clone(t, nodeMin, { installed: false }),
        ['src/cli/main.ts'],
        { file },
      )
      assert.equal(errors, 'shelfsync: the packages are not installed. Run `npm ci` first.\n')
      assert.equal(code, 1)
    }
  })
}

test('NODE_PG_FORCE_NATIVE never reaches a command, because pg would load a client that is missing', async (t) => {
  for (const nodeMin of [24, 999])
    for (const file of ['shelfsync', 'launch.js']) {
      const { lines } = await run(await clone(t, nodeMin), ['src/cli/main.ts'], {
        file,
        env: { NODE_PG_FORCE_NATIVE: '1' },
      })
      assert.equal(JSON.parse(lines[0] ?? '').native, undefined, file)
    }
})

test('compiled code is kept among the packages', async (t) => {
  const { cache } = await startWith(await clone(t, 24), {}, {})
  assert.ok(cache?.includes(join('node_modules', '.cache', 'compiled')), cache)
})

test("compiled code is in the user's cache when the packages belong to another account", async (t) => {
  const root = await cloneOfAnotherAccount(t)
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-home-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await chmod(home, 0o777)
  const { cache } = await startWith(root, { HOME: home })
  assert.ok(cache?.startsWith(join(home, '.cache', 'shelfsync', 'compiled')), cache)
  const chosen = await startWith(root, { HOME: home, XDG_CACHE_HOME: join(home, 'caches') })
  assert.ok(chosen.cache?.startsWith(join(home, 'caches', 'shelfsync', 'compiled')), chosen.cache)
})

test('without a writable folder for compiled code, the command starts without a message', async (t) => {
  const root = await cloneOfAnotherAccount(t)
  const { cache } = await startWith(root, { HOME: join(root, 'node_modules', '.cache') })
  assert.equal(cache, undefined)
})

/** Returns a clone in which `OTHER_ACCOUNT` cannot store compiled code. */
async function cloneOfAnotherAccount(t: TestContext): Promise<string> {
  const root = await clone(t, 24)
  await chmod(root, 0o755)
  await mkdir(join(root, 'node_modules', '.cache'), { mode: 0o555 })
  return root
}

/** Starts the command line. Returns the folder of its compiled code. */
async function startWith(
  root: string,
  variables: Readonly<Record<string, string>>,
  account: Account = OTHER_ACCOUNT,
): Promise<{ readonly cache?: string }> {
  const env = { NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: undefined, ...variables }
  const { lines, errors, code } = await run(root, [], { env, account })
  assert.equal(errors, '')
  assert.equal(code, 7)
  return JSON.parse(lines[0] ?? '')
}

test('in an npm package, the compiled command line starts, and the cache is beside the packages', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-launcher-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const packages = join(folder, 'node_modules')
  const root = join(packages, 'shelfsync')
  await mkdir(join(root, 'dist', 'cli'), { recursive: true })
  await cp(BIN, join(root, 'bin'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'dist', 'cli', 'main.js'), REPORT.replace(': string | undefined', ''))
  const { errors } = await run(root, [])
  assert.equal(
    errors,
    'shelfsync: the packages are not installed. Run `npm install shelfsync` first.\n',
  )
  await addPackage(join(packages, 'commander'), 'index.js', (file) => writeFile(file, ''))
  const { cache } = await startWith(root, {}, {})
  assert.ok(cache?.startsWith(join(packages, '.cache', 'shelfsync')), cache)
})

interface Clone {
  readonly installed?: boolean
  /** True when a package contains Node. */
  readonly packaged?: boolean
}

async function clone(
  t: TestContext,
  nodeMin: number,
  { installed = true, packaged = installed }: Clone = {},
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'shelfsync-launcher-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'bin'))
  await mkdir(join(root, 'src', 'cli'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'src', 'cli', 'main.ts'), REPORT)
  await copyFile(join(BIN, 'shelfsync'), join(root, 'bin', 'shelfsync'))
  const source = await readFile(join(BIN, 'launch.js'), 'utf8')
  await writeFile(
    join(root, 'bin', 'launch.js'),
    source.replace('NODE_MIN = 24', `NODE_MIN = ${nodeMin}`),
  )
  const packages = join(root, 'node_modules')
  if (installed)
    await addPackage(join(packages, 'commander'), 'index.js', (file) => writeFile(file, ''))
  if (packaged)
    await addPackage(
      join(packages, `node-${process.platform}-${process.arch}`),
      'bin/node',
      (file) => symlink(process.execPath, file),
    )
  return root
}

async function addPackage(
  folder: string,
  file: string,
  make: (path: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await make(join(folder, file))
}

interface Outcome {
  readonly lines: string[]
  readonly errors: string
  readonly code: number | null
}

interface Account {
  readonly uid?: number
  readonly gid?: number
}

interface RunOptions {
  readonly file?: string
  readonly signal?: NodeJS.Signals
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly account?: Account
}

async function run(
  root: string,
  args: string[],
  { file = 'shelfsync', signal, env = {}, account = {} }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [join(root, 'bin', file), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_V8_COVERAGE: '', ...env },
    ...account,
  })
  const exited = once(child, 'close')
  const [lines, errors]: [string[], string[]] = [[], []]
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line === 'waiting' && signal) child.kill(signal)
  }
  const [code] = await exited
  return { lines, errors: errors.join(''), code }
}
