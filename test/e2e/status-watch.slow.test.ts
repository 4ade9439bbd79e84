// `shelfsync status --watch`: a line for each change in a pipe, one object with --json, and a screen that is
// redrawn in a terminal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output } from '../../src/cli/terminal/output.ts'
import { watchStatuses } from '../../src/cli/status/watch.ts'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { Calendar } from '../../src/sources/due.ts'
import { openTestDatabase } from '../support/database.ts'
import { addManySources } from '../support/many-sources.ts'
import { Terminal } from '../support/terminal.ts'
import { openShelfsync, type RunningCommand } from './shelfsync.ts'

const { pool: db, url } = await openTestDatabase()
await addManySources(db, 3)
// No earlier time is due.
await db.query('update catalog.sources set schedule_set_at = now() where true')

/** Resolves with all of standard output so far when it matches. */
function waitForLine({ child }: RunningCommand, pattern: RegExp): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      if (pattern.test(text)) resolve(text)
    })
    child.once('exit', () => reject(new Error(`It ended after: ${text}`)))
  })
}

test('a pipe gets a line for each source and for each change, and Ctrl-C ends the command with code 0', async (t) => {
  const shelf = await openShelfsync(t, { DATABASE_URL: url })
  const text = shelf.start('status', '--watch')
  const json = shelf.start('status', '--watch', '--json')
  await Promise.all([waitForLine(text, /shop-3 {2}fresh/), waitForLine(json, /"source":"shop-3"/)])
  const changed = [
    waitForLine(text, /shop-2 {2}paused {2}it is paused/),
    waitForLine(json, /"source":"shop-2","state":"paused"/),
  ]
  await db.query(`update catalog.sources set state = 'paused' where name = 'shop-2'`)
  await Promise.all(changed)
  for (const { child } of [text, json]) child.kill('SIGINT')
  const [lines, objects] = await Promise.all([text.result, json.result])
  assert.deepEqual([lines.code, objects.code, lines.stderr, objects.stderr], [0, 0, '', ''])
  const sources = (stdout: string) => stdout.match(/shop-\d/g)?.join(' ')
  assert.equal(sources(lines.stdout), 'shop-1 shop-2 shop-3 shop-2')
  const states = objects.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { state: string }).state)
  assert.deepEqual(states, ['held', 'fresh', 'fresh', 'paused'])
  const unknown = await shelf.run('status', 'no-shop', '--watch')
  assert.match(unknown.stderr, /no-shop does not exist/)
})

test('a terminal is redrawn in place, the worst source first, and shows no line that is wider', async () => {
  const terminal = new Terminal(60)
  const stop = new AbortController()
  const tools = { db, connectors: CONNECTORS, calendar: new Calendar() }
  const watching = watchStatuses({ output: new Output(terminal, terminal) }, tools, {
    name: null,
    signal: stop.signal,
  })
  await terminal.shows(/^3 sources · 1 held · /)
  assert.match(terminal.screen, /shop-1\b[^]*shop-3\b/)
  await db.query(`update catalog.sources set state = 'paused' where name = 'shop-3'`)
  await terminal.shows(/· 2 paused · /)
  assert.equal(terminal.lines.filter((line) => line.includes('sources ·')).length, 1)
  assert.ok(terminal.lines.every((line) => line.length < 60))
  stop.abort()
  await watching
  assert.deepEqual([terminal.screen, terminal.cursorShown], ['', true])
})
