// `shelfsync init` at a terminal, against a real Postgres and a simulated supplier.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseEnv } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openTestDatabase } from '../../test/support/database.ts'
import { Keyboard } from '../../test/support/keyboard.ts'
import { Terminal } from '../../test/support/terminal.ts'
import { Cli } from './cli.ts'
import { Output } from './terminal/output.ts'
import { createProgram } from './program.ts'
import type { Env } from './read-settings.ts'

const PASSWORD = 'p@ss/w:rd#1?'

async function openFolder(t: TestContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-init-'))
  const before = process.cwd()
  process.chdir(folder)
  t.after(async () => {
    process.chdir(before)
    await rm(folder, { recursive: true, force: true })
  })
}

/** Runs init, and types each line when its question is on the screen. */
async function runInit(env: Env, answers: readonly (readonly [RegExp, string])[]) {
  const [keyboard, terminal] = [new Keyboard(), new Terminal(400)]
  const cli = new Cli(new Output(terminal, terminal), env, keyboard)
  const program = await createProgram(cli, ['init'])
  const done = program.parseAsync(['init'], { from: 'user' })
  for (const [question, answer] of answers) {
    await Promise.race([terminal.shows(question), done])
    keyboard.type(`${answer}\r`)
  }
  await done
  return terminal.screen
}

test('init checks the database and the key, and writes them to .env, which only its owner may read', async (t) => {
  const database = await openTestDatabase(t)
  await openFolder(t)
  const role = `init_${process.pid}`
  await database.pool.query(`create role ${role} login password '${PASSWORD}'`)
  t.after(() => database.pool.query(`drop role ${role}`).catch(() => undefined))
  const simulator = await startMedipim({
    products: 1,
    rateLimit: null,
    keys: [{ id: '42', secret: 'right-secret' }],
  })
  t.after(simulator.close)
  const { host, pathname } = new URL(database.url)
  const address = `postgres://${role}@${host}${pathname}`
  await writeFile('.env', `# mine\nLOG_LEVEL=warn\nMEDIPIM_API_URL=${simulator.url}\n`)
  const env = { ALLOW_PRIVATE_HOSTS: '127.0.0.1' }
  const screen = await runInit(env, [
    [/embedded Postgres\):$/m, 'mysql://nowhere'],
    [/begin with postgres[^]*embedded Postgres\):$/m, address],
    [/Password of/, PASSWORD],
    [/accepts the login[^]*MEDIPIM_API_KEY_ID:$/m, '42'],
    [/MEDIPIM_API_KEY_SECRET:$/m, 'wrong-secret'],
    [/did not accept[^]*MEDIPIM_API_KEY_ID:$/m, '42'],
    [/did not accept[^]*MEDIPIM_API_KEY_SECRET:$/m, 'right-secret'],
    [/AMAZON_CREDENTIAL_ID:$/m, ''],
  ])
  assert.match(
    screen,
    /\.env contains DATABASE_URL, MEDIPIM_API_KEY_ID, MEDIPIM_API_KEY_SECRET\. Next: shelfsync migrate/,
  )
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'wrong-secret', 'right-secret'])
    assert.ok(!screen.includes(secret), secret)
  const text = await readFile('.env', 'utf8')
  assert.ok(text.startsWith(`# mine\nLOG_LEVEL=warn\nMEDIPIM_API_URL=${simulator.url}\n`), text)
  const written = parseEnv(text)
  assert.equal(new URL(written['DATABASE_URL'] ?? '').password, encodeURIComponent(PASSWORD))
  assert.equal(written['MEDIPIM_API_KEY_SECRET'], 'right-secret')
  assert.equal((await stat('.env')).mode & 0o777, 0o600)

  const again = await runInit(env, [
    [/embedded Postgres\):$/m, database.url],
    [/MEDIPIM_API_KEY_ID:$/m, ''],
    [/AMAZON_CREDENTIAL_ID:$/m, ''],
    [/already sets DATABASE_URL. Replace it/, 'n'],
  ])
  assert.match(again, /DATABASE_URL stays as it is[^]*Nothing was written/)
  assert.equal(await readFile('.env', 'utf8'), text)
})

test('init keeps a key that could not be checked only if the person agrees', async (t) => {
  await openFolder(t)
  const env = { ALLOW_PRIVATE_HOSTS: '127.0.0.1', MEDIPIM_API_URL: 'http://127.0.0.1:1' }
  const unchecked =
    /could not be checked: [^]*refuses the connection[^]*without a check\? \[y\/N\]$/m
  const screen = await runInit(env, [
    [/embedded Postgres\):$/m, ''],
    [/MEDIPIM_API_KEY_ID:$/m, '42'],
    [/MEDIPIM_API_KEY_SECRET:$/m, 'first-secret'],
    [unchecked, 'n'],
    [/is not kept[^]*MEDIPIM_API_KEY_ID:$/m, '43'],
    [/is not kept[^]*MEDIPIM_API_KEY_SECRET:$/m, 'second-secret'],
    [/is not kept[^]*without a check\? \[y\/N\]$/m, 'y'],
    [/AMAZON_CREDENTIAL_ID:$/m, ''],
  ])
  assert.doesNotMatch(screen, /did not accept/)
  const { MEDIPIM_API_KEY_ID: id } = parseEnv(await readFile('.env', 'utf8'))
  assert.equal(id, '43')
})

test('init prompts for what belongs to a key, and for no variable that was replaced', async (t) => {
  await openFolder(t)
  const screen = await runInit({}, [
    [/embedded Postgres\):$/m, ''],
    [/MEDIPIM_API_KEY_ID:$/m, ''],
    [/AMAZON_CREDENTIAL_ID:$/m, 'an-id'],
    [/AMAZON_CREDENTIAL_SECRET:$/m, 'a-secret'],
    [/by the marketplace\.\nAMAZON_CREDENTIAL_VERSION:$/m, '3.2'],
    [/Empty: www\.amazon\.com\.\nAMAZON_MARKETPLACE:$/m, ''],
    [/AMAZON_PARTNER_TAG:$/m, 'my-shop-20'],
    [/version 3\.2 is not valid for www\.amazon\.com[^]*Keep it without a check\? \[y\/N\]$/m, 'y'],
  ])
  assert.ok(!/PAAPI/.test(screen) && !screen.includes('a-secret'))
  assert.deepEqual(
    { ...parseEnv(await readFile('.env', 'utf8')) },
    {
      AMAZON_CREDENTIAL_ID: 'an-id',
      AMAZON_CREDENTIAL_SECRET: 'a-secret',
      AMAZON_CREDENTIAL_VERSION: '3.2',
      AMAZON_PARTNER_TAG: 'my-shop-20',
    },
  )
})

test('without a terminal, init prints the lines to write', async (t) => {
  await openFolder(t)
  const cli = new Cli(new Output({ write: () => true }, { write: () => true }), {})
  const program = await createProgram(cli, ['init'])
  await assert.rejects(program.parseAsync(['init'], { from: 'user' }), (error: Error) => {
    assert.match(
      error.message,
      /DATABASE_URL=postgres:\/\/user:password@host[^]*MEDIPIM_API_KEY_ID=[^]*AMAZON_CREDENTIAL_VERSION=/,
    )
    assert.doesNotMatch(error.message, /PAAPI/)
    return true
  })
})
