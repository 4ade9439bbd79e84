// The workflows of GitHub Actions, checked with GitHub's own parser, which knows every key, context
// and function, and against the rules that the parser leaves open.

import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { execFileSync, spawnSync } from 'node:child_process'
import project from '../package.json' with { type: 'json' }
import { listWorkflowProblems } from './support/workflow-parser.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const NAMES = ['ci.yml', 'release.yml', 'sync.yml']
const paths = NAMES.map((name) => `.github/workflows/${name}`)

test('there are workflows to check, and the parser finds mistakes in them', async () => {
  assert.deepEqual(new Set(readdirSync(join(root, '.github/workflows'))), new Set(NAMES))
  const sync = read('.github/workflows/sync.yml')
  for (const [right, wrong] of [
    ['timezone:', 'time-zone:'],
    ['runs-on:', 'run-on:'],
    ['vars.SHELFSYNC_URL }}', 'variables.SHELFSYNC_URL }}'],
    ['type: choice', 'type: list'],
  ] as const) {
    assert.ok(sync.includes(right))
    const problems = await listWorkflowProblems('sync.yml', sync.replace(right, wrong))
    assert.notDeepEqual(problems, [], wrong)
  }
})

for (const path of paths) {
  const text = read(path)

  test(`${path} is a valid workflow`, async () => {
    assert.deepEqual(await listWorkflowProblems(path, text), [])
  })

  test(`${path} pins actions, limits rights and time, and expands nothing into a shell`, () => {
    for (const [, action = ''] of text.matchAll(/uses: (.+)$/gm))
      assert.match(action, /^\.\/|^actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    assert.match(text, /^permissions:/m)
    const [, jobs = ''] = text.split(/^jobs:$/m)
    const isJob = /^ {2}\S+:$/gm
    const times = /^ {4}(timeout-minutes: \d+|uses: .+)$/gm
    assert.equal([...jobs.matchAll(isJob)].length, [...jobs.matchAll(times)].length)
    const checkouts = [...text.matchAll(/actions\/checkout@/g)].length
    assert.equal([...text.matchAll(/persist-credentials: false/g)].length, checkouts)
    // An input in a script would run as part of it.
    for (const [script] of text.matchAll(/run: (?:\|\n(?: {10,}.*\n)+|.*)/g))
      assert.doesNotMatch(script, /\$\{\{/)
  })

  test(`${path} calls only npm scripts and files that exist`, () => {
    for (const [, name = ''] of text.matchAll(/npm run ([\w:-]+)/g))
      assert.ok(name in project.scripts, name)
    for (const [, file = ''] of text.matchAll(/\bnode ([\w./-]+\.m?[jt]s)/g))
      assert.ok(globSync(file, { cwd: root }).length === 1, file)
  })
}

test('the sync workflow passes every input on, and its script reads every variable', () => {
  const workflow = read('.github/workflows/sync.yml')
  const [, before = '', env = ''] =
    /^ {4}inputs:\n([\s\S]*)^ {8}env:\n ([\s\S]*)$/m.exec(workflow) ?? []
  const inputs = [...before.matchAll(/^ {6}(\w+):$/gm)].map(([, name = '']) => name)
  assert.ok(inputs.length >= 6)
  for (const name of inputs) assert.match(env, new RegExp(`\\binputs\\.${name} \\}\\}`))
  const script = read('deploy/github/sync.mjs')
  for (const [, name = ''] of env.matchAll(/^ *(\w+): /gm))
    assert.ok(script.includes(`'${name}'`), name)
})

test('the notes of a release are the section of its version, and another tag is refused', () => {
  const script = join(root, 'scripts/release-notes.ts')
  const notes = execFileSync(process.execPath, [script, `v${project.version}`], {
    encoding: 'utf8',
  })
  assert.match(notes, /^The first version\./)
  assert.doesNotMatch(notes, /^## /m)
  const { status, stderr } = spawnSync(process.execPath, [script, 'v99.0.0'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, new RegExp(`Tag v${project.version}`))
})

test('the package of a release is not private, which npm would refuse to publish', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-release-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  const workflow = read('.github/workflows/release.yml')
  const [, before = ''] =
    /^ {8}run: (.*)mkdir release && npm pack /m.exec(workflow) ?? assert.fail()
  execFileSync('sh', ['-ec', `${before}true`], { cwd: folder })
  const packed = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
  assert.ok(!('private' in packed))
})

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
