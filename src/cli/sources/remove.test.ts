// `shelfsync sources remove` at a terminal. test/e2e/sources-cli.long.ts tests what it removes.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestDatabase } from '../../../test/support/database.ts'
import { Keyboard } from '../../../test/support/keyboard.ts'
import { Terminal } from '../../../test/support/terminal.ts'
import { Cli } from '../cli.ts'
import { Output } from '../terminal/output.ts'
import { createProgram } from '../program.ts'

test('a source is removed when its name is typed, and stays when anything else is', async (t) => {
  const database = await openTestDatabase(t)
  const home = await mkdtemp(join(tmpdir(), 'shelfsync-remove-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await database.pool.query(
    `insert into catalog.sources (name, connector) values ('my-shop', 'shopify')`,
  )
  const remove = async (typed: string): Promise<string> => {
    const [keyboard, terminal] = [new Keyboard(), new Terminal()]
    const env = { DATABASE_URL: database.url, SHELFSYNC_HOME: home }
    const cli = new Cli(new Output(terminal, terminal), env, keyboard)
    const program = await createProgram(cli, ['sources'])
    const done = program.parseAsync(['sources', 'remove', 'my-shop'], { from: 'user' })
    await terminal.shows(/has 0 products, 0 artifacts \(0 B\) and 0 open reviews[^]*remove it:$/)
    keyboard.type(`${typed}\r`)
    await done
    return terminal.screen
  }
  const count = async () => (await database.pool.query('select from catalog.sources')).rowCount
  await assert.rejects(remove('yes'), { code: 'usage/invalid' })
  assert.equal(await count(), 1)
  assert.match(await remove('my-shop'), /my-shop is removed/)
  assert.equal(await count(), 0)
})
