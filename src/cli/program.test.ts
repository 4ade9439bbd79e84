import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { ERRORS } from '../core/error-table.ts'
import { Cli } from './cli.ts'
import { Output } from './output.ts'
import { createProgram } from './program.ts'

function build(): { program: Command; said: () => string } {
  let text = ''
  const stream = { write: (more: string) => (text += more) }
  return { program: createProgram(new Cli(new Output(stream, stream), {})), said: () => text }
}

/** Lists all commands, including groups such as `runs`. */
function listCommands(group: Command): Command[] {
  return group.commands.flatMap((command) => [command, ...listCommands(command)])
}

test('every command and every group has a description, and help with an example of itself', async () => {
  const commands = listCommands(build().program)
  assert.deepEqual(commands.filter((command) => command.description() === '').map(toPath), [])
  const names = commands.map(toPath)
  assert.ok(
    ['runs', 'runs list', 'migrations', 'sync'].every((name) => names.includes(name)),
    names.join(),
  )
  for (const path of names) {
    const { program, said } = build()
    await assert.rejects(program.parseAsync([...path.split(' '), '--help'], { from: 'user' }), {
      code: 'commander.helpDisplayed',
    })
    const example = path.replace(/ list$/, '')
    assert.match(said(), new RegExp(`Examples:\\n(.*\\n)*.*shelfsync ${example}`), path)
    assert.match(said(), /--json/, path)
  }
})

test('every command that the hint of an error names exists', () => {
  const names = listCommands(build().program).map(toPath)
  for (const [code, { hint }] of Object.entries(ERRORS)) {
    for (const [, words = ''] of hint.matchAll(/`shelfsync ((?:[a-z]+ ?)+)/g)) {
      const [group = '', verb] = words.trim().split(' ')
      const isGroup = names.some((name) => name.startsWith(`${group} `))
      const named = isGroup && verb !== undefined ? `${group} ${verb}` : group
      assert.ok(names.includes(named), `${code}: shelfsync ${named} does not exist`)
    }
  }
})

function toPath(command: Command): string {
  return command.parent?.parent ? `${toPath(command.parent)} ${command.name()}` : command.name()
}

test('a wrong command line prints the reason and throws', async () => {
  for (const wrong of [
    ['bogus'],
    ['sync', '--bogus'],
    ['runs', 'show'],
    ['sync', 'a', 'b'],
    ['sync', '--since', 'soon'],
  ]) {
    const { program, said } = build()
    await assert.rejects(program.parseAsync(wrong, { from: 'user' }), CommanderError)
    assert.match(said(), /^error: /, wrong.join(' '))
  }
})
