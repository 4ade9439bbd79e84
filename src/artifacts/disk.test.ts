// A folder as a store: the common suite, and what only a disk can do wrong.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSyncError } from '../../test/support/error-matchers.ts'
import { testStore } from '../../test/conformance/store.ts'
import { SyncError } from '../core/errors.ts'
import { DiskStore } from './disk.ts'

async function openEmpty(): Promise<{
  store: DiskStore
  root: string
  close: () => Promise<void>
}> {
  const parent = await mkdtemp(join(tmpdir(), 'shelfsync-store-'))
  const root = join(parent, 'artifacts')
  return { store: new DiskStore(root), root, close: () => rm(parent, { recursive: true }) }
}

testStore('a folder', openEmpty)

test('only the owner may read the files and enter the folders', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('shop/2026/part', Buffer.from('x'))
  const modeOf = async (path: string): Promise<number> =>
    (await stat(join(root, path))).mode & 0o777
  assert.equal(await modeOf('shop/2026/part'), 0o600)
  for (const folder of ['', 'shop', 'shop/2026']) assert.equal(await modeOf(folder), 0o700)
  await close()
})

test('what a crash left behind is not listed, and swept only when it is old', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('shop/run/part', Buffer.from('x'))
  await mkdir(join(root, 'shop/dead'))
  const leftovers = {
    'shop/run/part.1.tmp': 1000,
    'shop/dead/part.2.tmp': 1000,
    'shop/run/part.3.tmp': 3000,
  }
  for (const [path, touchedAtS] of Object.entries(leftovers)) {
    await writeFile(join(root, path), 'half')
    await utimes(join(root, path), touchedAtS, touchedAtS)
  }
  assert.deepEqual(
    (await Array.fromAsync(store.list('shop/'))).map(({ key }) => key),
    ['shop/run/part'],
  )
  assert.equal(await store.sweep(new Date(2_000_000)), 2)
  assert.deepEqual(await readdir(join(root, 'shop')), ['run'])
  assert.deepEqual((await readdir(join(root, 'shop/run'))).sort(), ['part', 'part.3.tmp'])
  await close()
})

test('folders that removing has emptied are removed, the store itself stays', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('shop/2026/11/22/run/part', Buffer.from('x'))
  await store.put('shop/2026/other', Buffer.from('x'))
  await store.remove(['shop/2026/11/22/run/part'])
  assert.deepEqual(await readdir(join(root, 'shop/2026')), ['other'])
  await store.remove(['shop/2026/other'])
  assert.deepEqual(await readdir(root), [])
  await close()
})

test('a store that takes no bytes is artifact/unwritable and says why', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('file', Buffer.from('x'))
  await assert.rejects(store.put('file/below', Buffer.from('x')), (error) => {
    assert.ok(error instanceof SyncError && error.code === 'artifact/unwritable')
    assert.match(
      error.message,
      /^Cannot write file\/below in file:.*a file stands where a folder should be \((ENOTDIR|EEXIST)\)$/,
    )
    return true
  })
  assert.deepEqual(await readdir(root), ['file'])
  await close()
})

test('a part is never a symbolic link, and neither is a folder on its way', async () => {
  const { store, root, close } = await openEmpty()
  const outside = join(root, '..', 'outside')
  await mkdir(outside)
  await writeFile(join(outside, 'part'), 'not ours')
  await store.put('shop/run/part', Buffer.from('x'))
  await symlink(join(outside, 'part'), join(root, 'shop/run/link'))
  await symlink(outside, join(root, 'shop/elsewhere'))
  await symlink('run', join(root, 'shop/inside'))

  for (const key of ['shop/run/link', 'shop/elsewhere/part', 'shop/inside/part']) {
    await assert.rejects(
      store.get(key),
      isSyncError(
        'artifact/missing',
        /a symbolic link stands on its way, and none is followed \(ELOOP\)$/,
      ),
      key,
    )
  }
  for (const key of ['shop/elsewhere/new', 'shop/elsewhere/deeper/new', 'shop/inside/new']) {
    await assert.rejects(
      store.put(key, Buffer.from('x')),
      isSyncError('artifact/unwritable', /a symbolic link stands on its way/),
      key,
    )
  }
  await assert.rejects(
    store.remove(['shop/elsewhere/part']),
    isSyncError('artifact/unwritable', /a symbolic link stands on its way/),
  )
  assert.deepEqual(
    (await Array.fromAsync(store.list(''))).map(({ key }) => key),
    ['shop/run/part'],
  )
  await assert.rejects(
    Array.fromAsync(store.list('shop/elsewhere/')),
    isSyncError('artifact/missing', /a symbolic link stands on its way/),
  )
  assert.equal(await store.sweep(new Date(Date.now() + 1_000)), 0)
  // What is written takes the place of a link, and not of what the link leads to.
  await store.put('shop/run/link', Buffer.from('new'))
  assert.equal(Buffer.from(await store.get('shop/run/link')).toString(), 'new')
  assert.deepEqual(
    [await readdir(outside), await readFile(join(outside, 'part'), 'utf8')],
    [['part'], 'not ours'],
  )
  await close()
})

test('a store whose root is a symbolic link works as any other', async () => {
  const { root, close } = await openEmpty()
  await mkdir(`${root}-real`)
  await symlink(`${root}-real`, root)
  const store = new DiskStore(root)
  await store.put('shop/part', Buffer.from('x'))
  assert.equal(Buffer.from(await store.get('shop/part')).toString(), 'x')
  assert.deepEqual(
    (await Array.fromAsync(store.list('shop/'))).map(({ key }) => key),
    ['shop/part'],
  )
  await close()
})

test(
  'what is no file is not read, and a pipe is not waited for',
  { skip: process.platform === 'win32' && 'needs mkfifo' },
  async () => {
    const { store, root, close } = await openEmpty()
    await store.put('shop/part', Buffer.from('x'))
    assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', join(root, 'shop/pipe')]).status, 0)
    await assert.rejects(store.get('shop/pipe'), isSyncError('artifact/missing', /it is no file/))
    assert.deepEqual(
      (await Array.fromAsync(store.list(''))).map(({ key }) => key),
      ['shop/part'],
    )
    await close()
  },
)

test(
  'a place where the system makes no folders is artifact/unwritable',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    await assert.rejects(new DiskStore('/proc/nope').check(), {
      code: 'artifact/unwritable',
      detail: { errno: 'ENOENT' },
    })
  },
)

test('a write that the disk cuts off leaves nothing behind', async () => {
  const { root, close } = await openEmpty()
  const script = `
    import { DiskStore } from ${JSON.stringify(import.meta.resolve('./disk.ts'))}
    const store = new DiskStore(${JSON.stringify(root)})
    await store.put('small', Buffer.alloc(100))
    await store.put('large', Buffer.alloc(1_000_000)).catch((error) => console.log(error.code, error.detail.errno))`
  const limited = 'ulimit -f 100; exec "$0" --input-type=module -e "$1"'
  // The limit would cut a coverage file off too, and no report survives half a file.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const { stdout } = spawnSync('sh', ['-c', limited, process.execPath, script], {
    encoding: 'utf8',
    env,
  })
  assert.equal(stdout, 'artifact/unwritable EFBIG\n')
  assert.deepEqual(await readdir(root), ['small'])
  await close()
})
