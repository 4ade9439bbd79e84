import assert from 'node:assert/strict'
import { chmod, cp, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { findAccount, runAs } from './account.ts'
import { findBinaries, findPackage, readMajor } from './binaries.ts'

const asRoot = process.getuid?.() === 0

test('the programs are used where npm installed them', async (t) => {
  const account = await findAccount()
  const binaries = await findBinaries(
    account,
    () => temporaryFolder(t),
    await installed(t, { linked: true }),
  )
  assert.match(binaries, /package\/native\/bin$/)
  assert.equal(await readMajor(account, binaries), 18)
})

test('links that `npm ci --ignore-scripts` omitted are restored', async (t) => {
  const root = await installed(t, { linked: false })
  const binaries = await findBinaries(await findAccount(), () => temporaryFolder(t), root)
  assert.equal(binaries, join(root, 'native', 'bin'))
  assert.equal(await readlink(join(root, 'native', 'lib', 'libicuuc.so.60')), 'libicuuc.so.60.2')
})

test(
  'programs in a folder that only root can enter are copied once for the account',
  { skip: !asRoot },
  async (t) => {
    const root = await installed(t, { linked: false })
    await chmod(join(root, '..'), 0o700)
    const spare = await temporaryFolder(t)
    const account = await findAccount()
    const openSpare = (): Promise<string> => Promise.resolve(spare)
    const [one, two] = await Promise.all([
      findBinaries(account, openSpare, root),
      findBinaries(account, openSpare, root),
    ])
    assert.equal(one, two)
    assert.match(one, new RegExp(`^${spare}/binaries-[^/]+/native/bin$`))
    assert.match(await runAs(account, join(one, 'initdb'), ['--version']), /PostgreSQL/)
  },
)

test('root uses another account for the server, and other users their own', async () => {
  const account = await findAccount()
  assert.equal((await runAs(account, 'id', ['-u'])) === '0\n', false)
  assert.equal(account.uid === undefined, !asRoot)
})

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-binaries-'))
  await chmod(folder, 0o755)
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Copies the installed package, with the links of its install script or without them. */
async function installed(t: TestContext, { linked }: { linked: boolean }): Promise<string> {
  const root = join(await temporaryFolder(t), 'package')
  const original = findPackage()
  await cp(original, root, { recursive: true, verbatimSymlinks: true })
  if (!linked) await runAs({}, 'find', [root, '-type', 'l', '-delete'])
  return root
}
