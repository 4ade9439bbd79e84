// Every command that prints for people, on terminals of 60 and 80 columns: its text wraps at words.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createSilentProgram, listCommands } from '../../scripts/support/commands.ts'
import { Cli } from '../../src/cli/cli.ts'
import { runProgram } from '../../src/cli/program.ts'
import { measureText } from '../../src/cli/terminal/measure-text.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { Keyboard } from '../support/keyboard.ts'
import { STREAM, withMedipim } from './medipim-shelf.ts'
import type { Shelfsync } from './shelfsync.ts'

/** Commands that print data, and the one that does not end. */
const DATA = ['artifacts cat', 'export', 'mcp', 'parse', 'serve']

/** Run 2 is held, with removals, a held price and a quarantined record. */
async function openHeld(t: TestContext): Promise<Shelfsync & { id: string; bad: string }> {
  const { simulator, ...shelf } = await withMedipim(t, 60, { ADMIN_KEY: 'k'.repeat(32) })
  assert.equal((await shelf.run('sync')).code, 0)
  const { catalogue, faults, clock } = simulator
  const states = catalogue.visible()
  const priced = states.filter((state) => Number(catalogue.build(state, '').publicPrice) > 0)
  const id = priced.map((state) => catalogue.idOf(state))[0] ?? ''
  const ids = states.map((state) => catalogue.idOf(state)).filter((one) => one !== id)
  const [bad = '', renamed = ''] = ids
  clock.advance(3_600_000)
  catalogue.setPrice([id], { factor: 20 })
  catalogue.update([renamed], { name: { en: 'A name of very many words '.repeat(4) } })
  catalogue.remove(ids.slice(20))
  const patch = { publicPrice: 'ask us' }
  faults.set({ kind: 'patch', ids: [bad], patch, path: STREAM, times: null })
  assert.equal((await shelf.run('sync', '--full')).code, 2)
  return { ...shelf, id, bad }
}

/** Returns what the command prints on a terminal, when the person types `n`. */
async function show(
  env: Readonly<Record<string, string | undefined>>,
  line: string,
  columns: number,
): Promise<string> {
  let shown = ''
  const stream = { write: (text: string) => void (shown += text), isTTY: true, columns, rows: 9999 }
  const output = new Output(stream, stream)
  const keyboard = new Keyboard()
  keyboard.end('n\r')
  try {
    await runProgram(new Cli(output, env, keyboard), line.split(' '))
  } catch (error) {
    output.error(error)
  }
  return shown
}

/** Lines that are too wide, except single words, commands, text in backticks, and raw records. */
function findWide(text: string, columns: number): string[] {
  return text
    .split('\n')
    .filter((line) => measureText(line) > columns && !line.startsWith('{"meta":'))
    .filter(
      (line) =>
        !/^ *(?:(?:\S+ )*\S+ {2,})*(?:\S+|[("]?(?:npx )?shelfsync .*|\$ .*|[("]?`.*)$/.test(line),
    )
}

// Each command in this process listens to the signals of a stop.
process.setMaxListeners(0)

test('the text of every command wraps at words at 60 and 80 columns', async (t) => {
  const { env, run, id, bad } = await openHeld(t)
  const lines = [
    'status',
    'plan pharmacy',
    'plan pharmacy --full',
    'runs list',
    'runs show 1',
    'runs show 2',
    'runs changes 2',
    'runs diff 2',
    'runs approve 2',
    'runs cancel 2',
    'runs cancel 1',
    'runs reject 1 --yes',
    'products pharmacy',
    `explain pharmacy ${id}`,
    `explain pharmacy ${bad}`,
    'explain pharmacy nothing',
    'changes',
    'actions',
    'reviews list',
    'reviews show 1',
    'reviews approve 999',
    'reviews approve --all',
    'reviews reject --run 2',
    'reviews edit 999 12.50',
    'reviews rules list',
    'reviews rules add never price --source pharmacy --zero',
    'reviews rules remove 999',
    'quarantine list',
    'quarantine show 1',
    'sync pharmacy',
    'import 1001 --source pharmacy',
    'import 1001 --marketplace www.amazon.com',
    'import 1001 --marketplace amazon',
    'replay pharmacy --run 1 --plan',
    'quarantine replay pharmacy',
    'sources list',
    'sources show pharmacy',
    'sources show farmacy',
    'sources set pharmacy --policy removalShare=7',
    'sources set pharmacy --full-on every',
    'sources pause pharmacy',
    'sources resume pharmacy',
    'sources rename pharmacy UPPER',
    'sources remove pharmacy',
    'artifacts list',
    'artifacts verify',
    'webhooks list',
    'webhooks add orders https://127.0.0.1:1/hook',
    'webhooks deliveries orders',
    'webhooks replay orders',
    'webhooks test orders',
    'webhooks pause orders',
    'webhooks resume orders',
    'rules list',
    'rules add cheaper price-down --percent 10 --to orders',
    'rules try cheaper',
    'rules on cheaper',
    'rules off cheaper',
    'rules remove cheaper',
    'webhooks remove orders',
    'images list',
    'images retry --source pharmacy',
    'purge',
    'alerts list',
    'alerts acknowledge 1',
    'alerts mute 1 --for 2d',
    'alerts sound 1',
    'alerts test',
    'limits list',
    'limits reset some-shop.example',
    'jobs list',
    'jobs retry 1-fetch',
    'jobs discard 1-fetch',
    'logins nobody',
    'migrate',
    'migrations copy /dev/null/x',
    'functions copy /dev/null/x',
    'publish --role nobody',
    'add medipim',
    'add medipim --name pharmacy',
    'add https://127.0.0.1:1 not-an-address/%',
    'init',
    'doctor',
    'stop',
    'runs shw 1',
    '--help',
  ]
  const commands = listCommands(await createSilentProgram()).map(({ name }) => name)
  const covered = (name: string): boolean => lines.some((line) => line.startsWith(name))
  const printing = commands.filter((name) => !DATA.some((one) => name.startsWith(one)))
  assert.deepEqual(
    printing.filter((name) => !covered(name)),
    [],
    'commands without a line',
  )
  const longer = new Set<string>()
  for (const line of [...lines, ...commands.map((name) => `${name} --help`)])
    for (const columns of [60, 80]) {
      const shown = await show(env, line, columns)
      assert.deepEqual(findWide(shown, columns), [], `${line} at ${columns}:\n${shown}`)
      if (/\n {3,}\S/.test(shown)) longer.add(line)
    }
  for (const line of ['runs show 2', `explain pharmacy ${bad}`, 'quarantine show 1'])
    assert.ok(longer.has(line), `${line} has a wrapped line`)
  const piped = (await run('runs', 'show', '2')).stdout
  assert.ok(
    piped.split('\n').some((one) => one.length > 100),
    piped,
  )
})
