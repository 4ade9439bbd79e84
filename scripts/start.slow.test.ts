// `npm start` with fewer products and a temporary home.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { explainMissingProgram } from '../test/support/processes.ts'

const inRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

test('the demo fits a narrow terminal, and what it leaves behind does not get in the way', async (t) => {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'shelfsync-start-')))
  // The account that Postgres runs under has to get in.
  await chmod(home, 0o755)
  const ask = (args: readonly string[], chosen: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(process.execPath, args, {
      cwd: home,
      env: { PATH: process.env['PATH'], SHELFSYNC_HOME: home, DEMO_PRODUCTS: '400', ...chosen },
    })
  const shelfsync = async (...args: readonly string[]) =>
    (await ask([inRoot('bin/shelfsync'), ...args])).stdout
  t.after(async () => {
    await rm(join(home, '.env'), { force: true })
    await shelfsync('stop')
    await rm(home, { recursive: true, force: true })
  })

  assert.equal(
    await shelfsync('stop'),
    `${home} does not contain a database. SHELFSYNC_HOME chooses the folder.\n`,
  )
  assert.deepEqual(await readdir(home), [])
  const place = join(home, 'postgres')
  assert.ok(
    (await ask([inRoot('bin/shelfsync'), 'status'])).stderr.includes(
      `a new, empty database was created in ${place}. `,
    ),
  )
  assert.ok(
    (await ask([inRoot('bin/shelfsync'), 'runs'])).stderr.includes(
      `the database in ${place} is empty: it has no source. `,
    ),
  )
  assert.equal(await shelfsync('stop'), `The database in ${home} is not running.\n`)

  const demo = [inRoot('bin/launch.js'), inRoot('scripts/start.ts')]
  const { stdout } = await ask(demo)
  const [table = ''] = stdout.match(/^ +first sync[^]*?\n\n/m) ?? []
  assert.match(
    table,
    /^fetched +400 +390 +390\ncreated +400 +15 +0\n[^]*\nheld +0 +\d+ +0\nquarantined +0 +1 +1\nmissing +0 +25 +0\nremoved +0 +0 +25\n/m,
  )
  const [query = ''] = stdout.match(/^ +PGPASSWORD=.*/m) ?? []
  const noPsql = explainMissingProgram('psql', 'postgresql-client')
  const found = noPsql ? '' : (await promisify(execFile)('sh', ['-c', query])).stdout
  for (const line of [...table.split('\n'), ...found.split('\n')])
    assert.ok(line.length <= 80, line)
  const [, dashboard = ''] = /^The dashboard is open: (http:\/\/\S+)$/m.exec(stdout) ?? []
  const [, key = ''] = /^ {2}Sign in with the key (\S+?),/m.exec(stdout) ?? []
  assert.equal((await fetch(`${dashboard}/healthz`)).status, 200)
  const api = await fetch(`${dashboard}/api/v1/sources`, { headers: { 'X-ADMIN-KEY': key } })
  const { items } = (await api.json()) as { items: { name: string }[] }
  assert.deepEqual(
    items.map(({ name }) => name),
    ['medipim-demo'],
  )

  assert.match(await shelfsync('quarantine'), /publicPrice/)
  const { stdout: status, stderr } = await ask([inRoot('bin/shelfsync'), 'status'])
  assert.match(status, /^medipim-demo +fresh .* 24 h ago /m)
  assert.equal(stderr, '', 'a database with a source is not announced')
  assert.match(stdout, /^ {2}npx shelfsync status {14}the state of the source$/m)

  // With settings for another database, the printed commands name the demo's database.
  await writeFile(join(home, '.env'), 'DATABASE_URL=postgres://nowhere.invalid/x\n')
  const beside = (await ask(demo)).stdout
  const chosen = `DATABASE_URL=embedded SHELFSYNC_HOME=${home}`
  for (const command of ['status', 'stop'])
    assert.ok(beside.includes(`\n  ${chosen} npx shelfsync ${command} `), beside)
  const runAsPrinted = async (command: string) =>
    (
      await ask([inRoot('bin/shelfsync'), command], {
        DATABASE_URL: 'embedded',
        SHELFSYNC_HOME: home,
      })
    ).stdout
  assert.match(await runAsPrinted('status'), /^medipim-demo /m)
  assert.match(
    await shelfsync('stop'),
    /^DATABASE_URL chooses a database that Shelfsync does not manage/,
  )
  assert.match(await runAsPrinted('stop'), /is stopped/)
  // Without its supplier the source would fail, so it is paused.
  await rm(join(home, '.env'))
  assert.match(await shelfsync('sync'), /medipim-demo is paused/)
  assert.match(await shelfsync('doctor'), /^ok +medipim key/m)
})
