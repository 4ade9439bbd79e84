import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { Cli } from './cli.ts'
import { Output } from './output.ts'
import { createProgram } from './program.ts'

function build(): { program: Command; said: () => string } {
  let text = ''
  const stream = { write: (more: string) => (text += more) }
  return { program: createProgram(new Cli(new Output(stream, stream), {})), said: () => text }
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

test('every command has a description, and help with an example of itself', async () => {
  const names = leavesOf(build().program).map((command) => pathOf(command))
  assert.ok(names.length >= 25, names.join())
  for (const path of names) {
    const { program, said } = build()
    await assert.rejects(program.parseAsync([...path.split(' '), '--help'], { from: 'user' }), { code: 'commander.helpDisplayed' })
    const example = path.replace(/ list$/, '')
    assert.match(said(), new RegExp(`Examples:\\n(.*\\n)*.*shelfsync ${example}`), path)
    assert.match(said(), /--json/, path)
  }
})

function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

test('what is not understood is said, and thrown', async () => {
  for (const wrong of [['bogus'], ['sync', '--bogus'], ['runs', 'show'], ['sync', 'a', 'b'], ['sync', '--since', 'soon']]) {
    const { program, said } = build()
    await assert.rejects(program.parseAsync(wrong, { from: 'user' }), CommanderError)
    assert.match(said(), /^error: /, wrong.join(' '))
  }
})
