// `npm start` as a newcomer runs it, with fewer products and a home of its own.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const inRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

test('the demo fits a narrow terminal, and what it leaves behind does not get in the way', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-start-'))
  // The account that Postgres runs under has to get in.
  await chmod(home, 0o755)
  const run = async (...args: readonly string[]): Promise<string> => {
    const env = { PATH: process.env['PATH'], SHELFSYNC_HOME: home, DEMO_PRODUCTS: '400' }
    return (await promisify(execFile)(process.execPath, args, { cwd: home, env })).stdout
  }
  const shelfsync = (...args: readonly string[]) => run(inRoot('bin/shelfsync'), ...args)
  t.after(async () => {
    await shelfsync('stop')
    await rm(home, { recursive: true, force: true })
  })

  const told = await run(inRoot('bin/lean.js'), inRoot('scripts/start.ts'))
  const [table = ''] = told.match(/^ +first sync[^]*?\n\n/m) ?? []
  assert.match(table, /^fetched +400 +390 +390\ncreated +400 +15 +0\n[^]*\nheld +0 +\d+ +0\nquarantined +0 +1 +1\nmissing +0 +25 +0\nremoved +0 +0 +25\n/m)
  for (const line of table.split('\n')) assert.ok(line.length <= 80, line)
  assert.match(told, /medipim-demo is paused/)

  assert.match(await shelfsync('quarantine'), /publicPrice/)
  // Its supplier is gone and no key is set: exit codes other than 0 would reject.
  assert.match(await shelfsync('sync'), /medipim-demo is paused/)
  assert.match(await shelfsync('doctor'), /^ok +medipim key/m)
  assert.match(await shelfsync('status'), /^medipim-demo .* 24 h ago +paused$/m)
})
