// `shelfsync functions copy`: the copy of the edge functions is checked and run by both versions of
// Deno without the repository, and the bundle of each is far below what the platform accepts.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openShelfsync } from '../e2e/shelfsync.ts'
import { startDataApi } from '../support/data-api.ts'
import { openTestDatabase } from '../support/database.ts'
import { cleanEnv } from '../support/processes.ts'
import { listBlocks } from '../support/terminal-folder.ts'
import {
  DENOS,
  denoEnv,
  explainMissingDeno,
  findDeno,
  ROOT,
  startFunction,
} from './edge-function.ts'
import { openFunctionSource } from './function-source.ts'

const run = promisify(execFile)
const database = await openTestDatabase()
const NAMES = ['health-check', 'import-product', 'refresh-worker'] as const
/** https://supabase.com/docs/guides/functions/limits: bundling on the server. */
const BUNDLE_BYTES_MAX = 5_000_000

/** The other commands of the page need the platform. */
test('the commands of the page exist in the Supabase CLI, with their options', async () => {
  const blocks = await listBlocks('docs/deploy/supabase.md', { heading: '## Edge functions' })
  const commands = blocks.join('').match(/^supabase .+$/gm) ?? []
  assert.equal(commands.length, 4)
  for (const command of commands) {
    const words = command.split(' ').slice(1)
    const verbs = words.filter((word) => /^[a-z]+$/.test(word) && word !== 'abcdefgh')
    const cli = join(ROOT, 'node_modules/.bin/supabase')
    const { stdout } = await run(cli, [...verbs, '--help'], { env: cleanEnv() })
    assert.match(stdout, new RegExp(`supabase ${verbs.join(' ')} `))
    for (const option of words.filter((word) => word.startsWith('--')))
      assert.ok(stdout.includes(`${option} `), `${command}\n${stdout}`)
  }
})

test('a copy of the functions is checked, run and updated in a project without anything else', async (t) => {
  const shelfsync = await openShelfsync(t, { DATABASE_URL: 'postgres://127.0.0.1:1/nobody' })
  const copy = async () => {
    const copied = await shelfsync.run('functions', 'copy', 'supabase/functions', '--json')
    assert.equal(copied.code, 0, copied.stderr)
    const rows = copied.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    return Object.fromEntries(rows.map(({ file, outcome }) => [file, outcome]))
  }
  const folder = join(shelfsync.folder, 'supabase/functions')
  await mkdir(join(shelfsync.folder, 'supabase'), { recursive: true })
  const config = join(shelfsync.folder, 'supabase/config.toml')
  await writeFile(config, 'project_id = "mine"\n\n[functions.health-check]\nverify_jwt = false')

  const first = await copy()
  assert.deepEqual(new Set(Object.values(first)), new Set(['copied', 'updated']))
  const settings = await readFile(config, 'utf8')
  for (const name of NAMES) assert.equal(settings.split(`[functions.${name}]`).length, 2)
  assert.match(settings, /^project_id = "mine"/)
  assert.deepEqual([...new Set(Object.values(await copy()))], ['unchanged'])

  await appendFile(join(folder, 'import-product/index.ts'), '// mine\n')
  await writeFile(join(folder, '_shared/shelfsync.js'), '// of an earlier version\n')
  const again = await copy()
  assert.deepEqual(
    [again['import-product/index.ts'], again['_shared/shelfsync.js']],
    ['kept', 'updated'],
  )
  const { size } = await stat(join(folder, '_shared/shelfsync.js'))
  assert.ok(size < BUNDLE_BYTES_MAX, `${size} bytes`)

  const api = await startDataApi(t, database)
  const { pipeline, makeDue, keys } = await openFunctionSource(t, database, { products: 12 })
  for (const deno of DENOS.filter((name) => explainMissingDeno(name) === false)) {
    const env = cleanEnv(denoEnv(deno))
    for (const name of NAMES)
      await run(findDeno(deno), ['check', '--no-remote', '--no-npm', 'index.ts'], {
        cwd: join(folder, name),
        env,
      })
    await pipeline.syncKeys(keys)
    await makeDue(keys)
    const worker = await startFunction(t, 'refresh-worker', { deno, api, folder })
    const { body } = await worker.call()
    assert.deepEqual([body['due'], body['unchanged']], [12, 12], worker.process.output())
    const health = await startFunction(t, 'health-check', { deno, api, folder })
    assert.equal((await health.call({ method: 'GET' })).status, 200)
  }
})
