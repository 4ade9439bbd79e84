// The program of docs/calls.md works as it is printed there.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { addSource } from '../src/db/sources.ts'
import { startDataApi } from './support/data-api.ts'
import { openTestDatabase } from './support/database.ts'

const database = await openTestDatabase()
const root = fileURLToPath(new URL('../', import.meta.url))

test('the program of docs/calls.md writes a product, and its tenfold price is held', async (t) => {
  const api = await startDataApi(t, database)
  await addSource(database.pool, {
    name: 'tea-shop',
    connector: 'shopify',
    settings: {},
    schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: 'none' },
  })
  const page = await readFile(`${root}docs/calls.md`, 'utf8')
  const [, program = ''] = /^```js\n(.*?)^```/ms.exec(page) ?? []
  // In the repository, so that it finds the package.
  const path = `${root}test/.docs-calls-${process.pid}.mjs`
  await writeFile(path, program)
  t.after(() => rm(path))
  const child = spawn(process.execPath, [path], {
    env: { ...process.env, SUPABASE_URL: api.url, SUPABASE_SECRET_KEY: api.keys.secret },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.deepEqual([output, errors], ['created\nheld 1\n', ''])
})
