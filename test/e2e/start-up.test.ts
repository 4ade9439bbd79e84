// The modules that each command imports, because imports take most of the time of a short command.
// Unlike that time, their number does not depend on the machine.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import project from '../../package.json' with { type: 'json' }
import { openShelfsync } from './shelfsync.ts'

const ROOT = new URL('../../', import.meta.url).href
const RECORDER = fileURLToPath(new URL('../support/record-imports.ts', import.meta.url))
/** The packages of every command that opens the database; htmlparser2 is one of the connectors'. */
const DATABASE = ['commander', 'htmlparser2', 'ipaddr.js', 'pg', 'pg-copy-streams', 'pino', 'zod']

interface Imports {
  readonly code: number | null
  /** Paths in `src/`. */
  readonly modules: readonly string[]
  /** Packages in the dependencies of package.json, sorted. */
  readonly packages: readonly string[]
}

/** Returns a function that executes a command line and returns what it imported. */
async function openRecorder(t: TestContext): Promise<(line: string) => Promise<Imports>> {
  const shelfsync = await openShelfsync(t, {
    NODE_OPTIONS: `--import=${RECORDER}`,
    IMPORTS_FILE: 'imports',
  })
  return async (line) => {
    const { code } = await shelfsync.run(...line.split(' '))
    const urls = (await readFile(join(shelfsync.folder, 'imports'), 'utf8')).split('\n')
    return {
      code,
      modules: urls
        .filter((url) => url.startsWith(`${ROOT}src/`))
        .map((url) => url.slice(ROOT.length)),
      packages: Object.keys(project.dependencies).filter((name) =>
        urls.some((url) => url.includes(`/node_modules/${name}/`)),
      ),
    }
  }
}

test('the version, the help and the error of a wrong command import no package except commander', async (t) => {
  const record = await openRecorder(t)
  for (const [line, exitCode] of [
    ['--version', 0],
    ['--help', 0],
    ['help', 0],
    ['synk', 64],
  ] as const) {
    const { code, modules, packages } = await record(line)
    assert.equal(code, exitCode, line)
    assert.deepEqual(packages, ['commander'], line)
    assert.ok(modules.length <= 24, `${line} imports ${modules.join(', ')}`)
  }
})

test('the help of a command does not import the database, the connectors or other commands', async (t) => {
  const record = await openRecorder(t)
  for (const [line, packages, modulesMax] of [
    ['status --help', ['commander', 'croner', 'zod'], 40],
    ['sync --help', ['commander', 'zod'], 142],
    ['help runs', ['commander', 'zod'], 58],
    ['jobs --help', ['commander'], 32],
  ] as const) {
    const { code, ...imports } = await record(line)
    assert.equal(code, 0, line)
    assert.deepEqual(imports.packages, packages, line)
    const { modules } = imports
    assert.ok(modules.length <= modulesMax, `${line} imports ${modules.join(', ')}`)
    const foreign = modules.filter((path) => /^src\/(?:app|config|connectors)\//.test(path))
    assert.deepEqual(foreign, [], line)
  }
})

test('a command imports only the packages that it uses', async (t) => {
  const record = await openRecorder(t)
  for (const [line, more] of [
    ['status', ['croner']],
    ['runs', []],
    ['reviews', []],
    ['artifacts', []],
    ['publish', []],
    ['purge', []],
    ['sync', []],
  ] as const) {
    const { code, packages } = await record(line)
    assert.equal(code, 0, line)
    assert.deepEqual(packages, [...DATABASE, ...more].toSorted(), line)
  }
})
