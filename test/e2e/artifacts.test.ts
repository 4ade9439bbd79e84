// `shelfsync artifacts` from outside: one line of an artifact, and the manifest.

import assert from 'node:assert/strict'
import { glob, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPharmacy } from './pharmacy.ts'

test('artifacts cat prints one part or one line, and refuses a line that does not exist', async (t) => {
  const { print, sync, run } = await openPharmacy(t)
  const id = String(await sync())
  const lines = (await print('artifacts', 'cat', id)).split('\n')
  assert.equal(await print('artifacts', 'cat', id, '--part', '1'), lines.join('\n'))
  for (const no of [1, 17, 30])
    assert.equal(
      await print('artifacts', 'cat', id, '--part', '1', '--line', String(no)),
      `${lines[no - 1]}\n`,
    )
  const refused = await run('artifacts', 'cat', id, '--part', '1', '--line', '31')
  assert.deepEqual([refused.code, refused.stdout], [64, ''])
  assert.match(refused.stderr, /Part 1 of run \d+ has 30 lines, not line 31/)
  assert.match((await run('artifacts', 'cat', id, '--part', '2')).stderr, /has 1 part, not part 2/)
  assert.equal((await run('artifacts', 'cat', id, '--line', '2')).code, 64)
})

test('artifacts verify reports a manifest that is missing, unreadable or differs from the database', async (t) => {
  const { print, sync, run, folder, db } = await openPharmacy(t)
  const id = String(await sync())
  assert.equal(
    await print('artifacts', 'verify', id),
    `run ${id} of pharmacy: 1 part verified, manifest verified\n`,
  )
  const [name = ''] = await Array.fromAsync(glob('artifacts/**/manifest.json', { cwd: folder }))
  const path = join(folder, name)
  const text = await readFile(path, 'utf8')
  const refuse = async (reason: RegExp): Promise<void> => {
    const { code, stdout } = await run('artifacts', 'verify', id)
    assert.equal(code, 1, stdout)
    assert.match(stdout, /: 1 part verified, manifest damaged\n/)
    assert.match(stdout, reason)
  }
  const change = (edit: (manifest: Record<string, unknown>) => object) =>
    writeFile(path, JSON.stringify({ ...JSON.parse(text), ...edit(JSON.parse(text)) }))
  await change(() => ({ lines: 29 }))
  await refuse(/manifest\.json in file:.* states lines 29, but the database has 30\n/)
  await change(({ parts }) => ({
    parts: (parts as object[]).map((part) => ({ ...part, sha256: 'a'.repeat(64) })),
  }))
  await refuse(/ states sha256 of part 1 "a{64}", but the database has "[0-9a-f]{64}"\n/)
  await change(() => ({ parts: [] }))
  await refuse(/ states the number of parts 0, but the database has 1\n/)
  await change(() => ({ complete: 'yes' }))
  await refuse(/ is not a manifest: complete: /)
  await writeFile(path, text.slice(0, 100))
  await refuse(/ is not a manifest: it is not JSON\n/)
  await rm(path)
  await refuse(/manifest\.json/)
  await writeFile(path, text)
  await db.query('update catalog.runs set ledger = null')
  assert.match(await print('artifacts', 'verify', id), /, no manifest before the run settles\n/)
})
