// bin/shelfsync in a folder of its own, with a command line that only reports. Copies that ask for Node 999 take the long way
// on every machine.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/shelfsync', import.meta.url))
const REPORT = `const parent: number = process.ppid
console.log(JSON.stringify({ args: process.argv.slice(2), parent }))
if (process.argv.includes('wait')) { process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('waiting') }
else process.exitCode = 7`

for (const nodeMin of [24, 999]) {
  const how = nodeMin === 24 ? 'on a new Node' : 'on the packaged Node'

  test(`arguments and exit code pass through ${how}`, async (t) => {
    const { lines, code } = await run(await clone(t, nodeMin), ['sync', '--name', 'a b'])
    assert.deepEqual(JSON.parse(lines[0] ?? '').args, ['sync', '--name', 'a b'])
    assert.equal(code, 7)
  })

  test(`a signal reaches the command ${how}, and its exit code comes back`, async (t) => {
    const { code } = await run(await clone(t, nodeMin), ['wait'], 'SIGTERM')
    assert.equal(code, 3)
  })
}

test('without a Node that is new enough the message says what to do', async (t) => {
  const { errors, code } = await run(await clone(t, 999, { packaged: false }), [])
  assert.match(errors, /this is Node \d+.*999 or newer is needed\.\nRun `npm ci`/)
  assert.equal(code, 1)
})

async function clone(t: TestContext, nodeMin: number, { packaged = true } = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'shelfsync-launcher-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'bin'))
  await mkdir(join(root, 'src', 'cli'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'src', 'cli', 'main.ts'), REPORT)
  const source = await readFile(LAUNCHER, 'utf8')
  await copyFile(new URL('../bin/lean.js', import.meta.url), join(root, 'bin', 'lean.js'))
  await writeFile(join(root, 'bin', 'shelfsync'), source.replace('NODE_MIN = 24', `NODE_MIN = ${nodeMin}`), { mode: 0o755 })
  const node = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  await mkdir(dirname(node), { recursive: true })
  if (packaged) await symlink(process.execPath, node)
  return root
}

interface Outcome {
  readonly lines: string[]
  readonly errors: string
  readonly code: number | null
}

async function run(root: string, args: string[], signal?: NodeJS.Signals): Promise<Outcome> {
  const child = spawn(process.execPath, [join(root, 'bin', 'shelfsync'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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
