// Inputs of the command line: `.env`, the working directory, and addresses that contain secrets.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openShelfsync } from './shelfsync.ts'

test('a .env with a byte order mark is read completely, and invalid values are reported at once', async (t) => {
  const shelf = await openShelfsync(t, {
    HTTPS_PROXY: 'http://user:hunter2@proxy.example:3128',
    DATABASE_URL: '',
  })
  await writeFile(
    join(shelf.folder, '.env'),
    `\ufeffDATABASE_URL="${shelf.url}"\nMEDIPIM_API_KEY_ID=id\nMEDIPIM_API_KEY_SECRET=ab#hunter2\n`,
  )
  const { code, stdout, stderr } = await shelf.run('sources')
  assert.deepEqual(
    [code, stdout],
    [0, 'No sources yet. Add one: shelfsync add https://some-shop.example\n'],
  )
  assert.match(
    stderr,
    /^\.env: the value of MEDIPIM_API_KEY_SECRET ends before its "#".*quotes\nHTTPS_PROXY: ignored;/,
  )
  assert.doesNotMatch(stderr, /hunter2/)
})

test('a removed working directory is reported as such', () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const script = 'folder=$(mktemp -d) && cd "$folder" && rmdir "$folder" && exec "$0" "$1" status'
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script, process.execPath, main], {
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  assert.match(
    stderr,
    /^error: The working directory does not exist any more: change to another directory$/m,
  )
})

test('an address with a password is refused before any of it is printed', async (t) => {
  const shelf = await openShelfsync(t)
  for (const address of [
    'https://id:2024/Summer!x@shop.example',
    'https://id:Sum?mer!x@shop.example',
    'id:Sum#mer!x@shop.example',
  ]) {
    const refused = await shelf.run('add', address)
    assert.equal(refused.code, 64)
    assert.match(refused.stderr, /remove the user name and the password/)
    assert.doesNotMatch(refused.stdout + refused.stderr, /Sum|mer!x|2024/)
  }
})
