import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeFolder } from './make-folder.ts'

async function openEmpty(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'shelfsync-folder-'))
  t.after(() => rm(parent, { recursive: true }))
  return parent
}

test('missing folders are created once, the outermost first, all with the mode', async (t) => {
  const parent = await openEmpty(t)
  const [outer, inner] = [join(parent, 'a'), join(parent, 'a/b')]
  assert.deepEqual(await makeFolder(inner, 0o700), [outer, inner])
  for (const folder of [outer, inner]) assert.equal((await stat(folder)).mode & 0o777, 0o700)
  assert.deepEqual(await makeFolder(inner), [])
})

test('concurrent calls create one folder', async (t) => {
  const inner = join(await openEmpty(t), 'a/b/c')
  await Promise.all(Array.from({ length: 20 }, () => makeFolder(inner)))
  assert.ok((await stat(inner)).isDirectory())
})

test('a file in the path is an error, at its end or inside it', async (t) => {
  const file = join(await openEmpty(t), 'file')
  await writeFile(file, '')
  await assert.rejects(makeFolder(file), { code: 'EEXIST' })
  await assert.rejects(makeFolder(join(file, 'below/it')), { code: 'ENOTDIR' })
})

test(
  'where no folder can be created, the call fails at once',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    await assert.rejects(makeFolder('/proc/nope/artifacts'), { code: 'ENOENT', path: '/proc/nope' })
  },
)
