// The disk store: the conformance suite, and faults that only a disk has.

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
import { isSyncError } from '../../../test/support/error-matchers.ts'
import { testStore } from '../../../test/conformance/store.ts'
import { SyncError } from '../../core/errors.ts'
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

test('files of a crashed writer are not listed, and are swept only when they are old', async () => {
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

test('remove deletes emptied folders but not the root', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('shop/2026/11/22/run/part', Buffer.from('x'))
  await store.put('shop/2026/other', Buffer.from('x'))
  await store.remove(['shop/2026/11/22/run/part'])
  assert.deepEqual(await readdir(join(root, 'shop/2026')), ['other'])
  await store.remove(['shop/2026/other'])
  assert.deepEqual(await readdir(root), [])
  await close()
})

test('a store that rejects writes reports artifact/unwritable with the reason', async () => {
  const { store, root, close } = await openEmpty()
  await store.put('file', Buffer.from('x'))
  await assert.rejects(store.put('file/below', Buffer.from('x')), (error) => {
    assert.ok(error instanceof SyncError && error.code === 'artifact/unwritable')
    assert.match(
      error.message,
      /^Cannot write file\/below in file:.*a file is in the place of a folder \((ENOTDIR|EEXIST)\)$/,
    )
    return true
  })
  assert.deepEqual(await readdir(root), ['file'])
  await close()
})

test('symbolic links are refused as files and as folders', async () => {
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
        /its path contains a symbolic link, which is not allowed \(ELOOP\)$/,
      ),
      key,
    )
  }
  for (const key of ['shop/elsewhere/new', 'shop/elsewhere/deeper/new', 'shop/inside/new']) {
    await assert.rejects(
      store.put(key, Buffer.from('x')),
      isSyncError('artifact/unwritable', /its path contains a symbolic link/),
      key,
    )
  }
  await assert.rejects(
    store.remove(['shop/elsewhere/part']),
    isSyncError('artifact/unwritable', /its path contains a symbolic link/),
  )
  assert.deepEqual(
    (await Array.fromAsync(store.list(''))).map(({ key }) => key),
    ['shop/run/part'],
  )
  await assert.rejects(
    Array.fromAsync(store.list('shop/elsewhere/')),
    isSyncError('artifact/missing', /its path contains a symbolic link/),
  )
  assert.equal(await store.sweep(new Date(Date.now() + 1_000)), 0)
  // A write replaces a link, not the target of the link.
  await store.put('shop/run/link', Buffer.from('new'))
  assert.equal(Buffer.from(await store.get('shop/run/link')).toString(), 'new')
  assert.deepEqual(
    [await readdir(outside), await readFile(join(outside, 'part'), 'utf8')],
    [['part'], 'not ours'],
  )
  await close()
})

test('the root of a store may be a symbolic link', async () => {
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
  'get rejects a pipe without waiting for it',
  { skip: process.platform === 'win32' && 'needs mkfifo' },
  async () => {
    const { store, root, close } = await openEmpty()
    await store.put('shop/part', Buffer.from('x'))
    assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', join(root, 'shop/pipe')]).status, 0)
    await assert.rejects(
      store.get('shop/pipe'),
      isSyncError('artifact/missing', /it is not a regular file/),
    )
    assert.deepEqual(
      (await Array.fromAsync(store.list(''))).map(({ key }) => key),
      ['shop/part'],
    )
    await close()
  },
)

test(
  'a folder that cannot be created is artifact/unwritable',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    await assert.rejects(new DiskStore('/proc/nope').check(), {
      code: 'artifact/unwritable',
      detail: { errno: 'ENOENT' },
    })
  },
)

test('a write that the disk interrupts leaves no file', async () => {
  const { root, close } = await openEmpty()
  const script = `
    import { DiskStore } from ${JSON.stringify(import.meta.resolve('./disk.ts'))}
    const store = new DiskStore(${JSON.stringify(root)})
    await store.put('small', Buffer.alloc(100))
    const print = (error) => console.log(error.code, error.detail.errno)
    await store.put('large', Buffer.alloc(1_000_000)).catch(print)`
  const limited = 'ulimit -f 100; exec "$0" --input-type=module -e "$1"'
  // The limit would also truncate a coverage file, which breaks the report.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const { stdout } = spawnSync('sh', ['-c', limited, process.execPath, script], {
    encoding: 'utf8',
    env,
  })
  assert.equal(stdout, 'artifact/unwritable EFBIG\n')
  assert.deepEqual(await readdir(root), ['small'])
  await close()
})
