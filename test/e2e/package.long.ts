// The npm package: packed from a copy of the repository, installed by npm into an empty folder, and
// used there without the repository. Nothing is downloaded: the folder first receives copies of the
// production packages that `npm ci` installed, and npm's cache is empty.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import lock from '../../package-lock.json' with { type: 'json' }
import { VERSION } from '../../src/core/version.ts'
import { openTestDatabase } from '../support/database.ts'
import { pack } from '../support/package.ts'
import { cleanEnv } from '../support/processes.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

suite('the npm package', () => {
  let folder = ''
  let app = ''
  let tarball = ''
  /** Runs a program in the folder. Rejects with its output when it fails. */
  const start = async (program: string, args: readonly string[], env = {}): Promise<string> =>
    (await run(program, args, { cwd: app, env: cleanEnv({ ...env, ...npmSettings() }) })).stdout
  const shelfsync = (args: readonly string[], env = {}): Promise<string> =>
    start('npx', ['--offline', 'shelfsync', ...args], env)
  const npmSettings = () => ({
    HOME: folder,
    npm_config_cache: join(folder, 'cache'),
    npm_config_offline: 'true',
    NODE_COMPILE_CACHE: undefined,
  })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shelfsync-package-'))
    app = join(folder, 'app')
    tarball = await pack(join(folder, 'repository'), cleanEnv(npmSettings()))
    await copyPackages(join(app, 'node_modules'))
    await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }')
    await start('npm', ['install', '--ignore-scripts', tarball])
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('its command prints its version and its help', async () => {
    assert.equal(await shelfsync(['--version']), `${VERSION}\n`)
    assert.match(await shelfsync(['--help']), /^Usage: shelfsync /)
  })

  test('compiled code is kept among the packages of the folder', () => {
    assert.ok(existsSync(join(app, 'node_modules/.cache/shelfsync')))
  })

  test('it contains compiled code, migrations and pages, and no tests or simulators', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const files = stdout.trim().split('\n')
    for (const file of [
      'dist/cli/main.js',
      // Copies from npm packages that only the build needs.
      'dist/http/dashboard/assets/pico.css',
      'dist/http/dashboard/assets/htmx.js',
      'docs/settings.md',
      'docs/product.schema.json',
      'supabase/db/init.sql',
      '.github/workflows/sync.yml',
      'deploy/github/sync.mjs',
      'LICENSE',
    ])
      assert.ok(files.includes(`package/${file}`), file)
    assert.deepEqual(
      files
        .filter((file) => /\.test\.|simulator|(?<!\.d)\.ts$|^package\/test/.test(file))
        // The entries of the edge functions.
        .filter((file) => !/^package\/dist\/functions\/[\w-]+\/index\.ts$/.test(file)),
      [],
    )
  })

  test('every file that its code opens is packed', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const opened = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).flatMap(
      (file) =>
        [
          ...readFileSync(join(ROOT, file), 'utf8').matchAll(
            /'((?:\.\.\/)+[^']+)',\s*import\.meta/g,
          ),
        ].map(([, path = '']) => posix.join(posix.dirname(file), path)),
    )
    // Only tests and scripts read the schema files, and only a checkout builds its functions.
    const paths = opened.filter((path) => !/^supabase\/schemas\/$|^scripts\//.test(path))
    assert.ok(paths.includes('supabase/migrations/'))
    for (const path of paths) assert.ok(stdout.includes(`\npackage/${path}`), path)
  })

  test('its migrations are those of the repository', async () => {
    await shelfsync(['migrations', 'copy', 'supabase/migrations'])
    assert.deepEqual(
      await readdir(join(app, 'supabase/migrations')),
      await readdir(join(ROOT, 'supabase/migrations')),
    )
  })

  test('its edge functions are copied into a project', async () => {
    const project = join(folder, 'project/supabase')
    const printed = await shelfsync(['functions', 'copy', join(project, 'functions'), '--json'])
    const outcomes = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).outcome)
    assert.deepEqual([...new Set(outcomes)], ['copied'])
    assert.match(
      await readFile(join(project, 'config.toml'), 'utf8'),
      /\[functions\.health-check\]/,
    )
    const bundle = await readFile(join(project, 'functions/_shared/shelfsync.js'), 'utf8')
    assert.match(bundle, new RegExp(`^// Shelfsync ${VERSION.replaceAll('.', String.raw`\.`)}, `))
  })

  test('the connector and the program of docs/library.md compile and sync', async (t) => {
    const { url, pool } = await openTestDatabase(t, { migrations: [] })
    const origin = await serveHardware(t)
    const [tools = '', connector = '', program = ''] = listCode(await readPage(), 'ts')
    await writeFile(join(app, 'tools.ts'), tools)
    await writeFile(join(app, 'hardware.ts'), connector)
    await writeFile(join(app, 'sync-tools.ts'), SYNC_TOOLS)
    await writeFile(
      join(app, 'sync.ts'),
      program.replaceAll('https://hardware.example', () => origin),
    )
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER }))
    await start(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'])

    const env = { DATABASE_URL: url, ALLOW_PRIVATE_HOSTS: '127.0.0.1' }
    await shelfsync(['migrate'], env)
    assert.match(await shelfsync(['doctor'], env), /^ok +migrations /m)
    assert.equal(
      await start(process.execPath, ['sync.ts'], env),
      'run 1 succeeded: 3 created, 0 unchanged\nnext sync: 0 created, 3 unchanged\n',
    )
    const { rows } = await pool.query(
      `select title, amount_minor from api.products join api.prices on prices.product_id = products.id order by title`,
    )
    assert.deepEqual(rows, [
      { title: 'Bolt', amount_minor: 120 },
      { title: 'Nut', amount_minor: 80 },
      { title: 'Saw', amount_minor: 1995 },
    ])
    assert.equal(
      await start(process.execPath, ['sync-tools.ts'], { ...env, TOOLS_URL: `${origin}/all` }),
      'succeeded, 3 created\n',
    )
    for (const command of ['status', 'runs', 'products hardware', 'explain hardware b', 'changes'])
      assert.match(await shelfsync(command.split(' '), env), /hardware|Bolt/, command)
    for (const command of ['reviews', 'quarantine']) await shelfsync([command], env)
    assert.match(await shelfsync(['doctor'], env), /^warn +source hardware only a program /m)
    for (const command of ['sync', 'plan'])
      await assert.rejects(
        shelfsync([command, 'hardware'], env),
        /uses the connector hardware, which this version of Shelfsync does not have/,
      )
  })

  test('the page lists exactly what the entry offers, and nothing else can be imported', async () => {
    const table = (await readPage()).split('## What the entry offers')[1] ?? ''
    const listed = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    const entry = await readFile(join(ROOT, 'src/index.ts'), 'utf8')
    const offered = [...entry.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(
      ([, names = '']) => names.split(',').flatMap((name) => name.trim() || []),
    )
    assert.deepEqual(new Set(listed), new Set(offered))
    const script = `import('shelfsync/dist/cli/main.js').catch((error) => console.log(error.code))`
    assert.equal(await start(process.execPath, ['-e', script]), 'ERR_PACKAGE_PATH_NOT_EXPORTED\n')
  })
})

/** A program that syncs the smallest connector of the page. */
const SYNC_TOOLS = `import { sync } from 'shelfsync'
import { tools } from './tools.ts'
const url = process.env['TOOLS_URL'] ?? ''
const { state, ledger } = await sync({
  connector: tools, source: 'tools', settings: { url }, environment: process.env,
})
console.log(state + ', ' + ledger.created + ' created')
`

/** A program without the types of dependencies of Shelfsync; libraries are checked too. */
const COMPILER = {
  module: 'nodenext',
  target: 'esnext',
  lib: ['esnext', 'dom', 'dom.iterable', 'dom.asynciterable'],
  strict: true,
  skipLibCheck: false,
  noEmit: true,
  allowImportingTsExtensions: true,
  typeRoots: [join(ROOT, 'node_modules/@types')],
  types: ['node'],
}

/**
 * Copies the packages that a program cannot run without, with their programs. The optional ones,
 * Node and Postgres, are large.
 */
async function copyPackages(target: string): Promise<void> {
  for (const [path, facts] of Object.entries(lock.packages)) {
    const isNeeded = path !== '' && !('dev' in facts || 'optional' in facts)
    if (isNeeded && path.lastIndexOf('node_modules/') === 0)
      await cp(join(ROOT, path), join(target, '..', path), {
        recursive: true,
        verbatimSymlinks: true,
      })
  }
  const programs = join(ROOT, 'node_modules/.bin')
  await mkdir(join(target, '.bin'))
  for (const name of await readdir(programs)) {
    const program = await readlink(join(programs, name))
    if (existsSync(join(target, '.bin', program)))
      await symlink(program, join(target, '.bin', name))
  }
}

const readPage = (): Promise<string> => readFile(join(ROOT, 'docs/library.md'), 'utf8')

function listCode(page: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...page.matchAll(fence)].map(([, code = '']) => code)
}

/** A supplier with three products on two pages, or in one document at `/all`. Returns its origin. */
async function serveHardware(t: { after(work: () => void): void }): Promise<string> {
  const items = [
    { id: 'b', name: 'Bolt', cents: 120 },
    { id: 'n', name: 'Nut', cents: 80 },
    { id: 's', name: 'Saw', cents: 1995 },
  ]
  const server = createServer(({ url = '' }, response) => {
    if (url === '/all') return void response.end(JSON.stringify(items))
    const page = Number(new URL(url, 'http://localhost').searchParams.get('page'))
    response.end(JSON.stringify({ items: items.slice(2 * page - 2, 2 * page), pages: 2 }))
  })
  t.after(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
