import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { Cli } from './cli.ts'
import { COMMANDS } from './commands.ts'
import { Output } from './output.ts'
import { createProgram } from './program.ts'

/** Imports the commands that `args` contain, or all of them. */
async function build(args?: readonly string[]): Promise<{ program: Command; said: () => string }> {
  let text = ''
  const stream = { write: (more: string) => (text += more) }
  const program = await createProgram(new Cli(new Output(stream, stream), {}), args)
  return { program, said: () => text }
}

/** Lists all commands, including groups such as `runs`. */
function listCommands(group: Command): Command[] {
  return group.commands.flatMap((command) => [command, ...listCommands(command)])
}

test('every command and every group has a description, and help with an example of itself', async () => {
  const commands = listCommands((await build()).program)
  assert.deepEqual(commands.filter((command) => command.description() === '').map(toPath), [])
  const names = commands.map(toPath)
  assert.ok(
    ['runs', 'runs list', 'migrations', 'sync'].every((name) => names.includes(name)),
    names.join(),
  )
  for (const path of names) {
    const { program, said } = await build()
    await assert.rejects(program.parseAsync([...path.split(' '), '--help'], { from: 'user' }), {
      code: 'commander.helpDisplayed',
    })
    const example = path.replace(/ list$/, '')
    assert.match(said(), new RegExp(`Examples:\\n(.*\\n)*.*shelfsync ${example}`), path)
    assert.match(said(), /--json/, path)
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
    const { program, said } = await build()
    await assert.rejects(program.parseAsync(wrong, { from: 'user' }), CommanderError)
    assert.match(said(), /^error: /, wrong.join(' '))
  }
})

test('the root help is the same, whether or not the commands are imported', async () => {
  const imported = (await build()).program
  const named = (await build([])).program
  assert.equal(named.helpInformation(), imported.helpInformation())
  assert.ok(named.commands.every((command) => command.options.length === 0))
})

test('the help of a command is the same before and after its name', async () => {
  for (const { name } of COMMANDS) {
    const texts = [
      ['help', name],
      [name, '--help'],
      ['--json', name, '-h'],
    ].map(async (args) => {
      const { program, said } = await build(args)
      await assert.rejects(program.parseAsync(args, { from: 'user' }), CommanderError)
      return said()
    })
    const [first, ...others] = await Promise.all(texts)
    assert.match(first ?? '', /Examples:/)
    for (const other of others) assert.equal(other, first)
  }
})

test('the error for a mistyped command suggests the right one', async () => {
  for (const { name } of COMMANDS) {
    const wrong = [`${name}x`]
    const { program, said } = await build(wrong)
    await assert.rejects(program.parseAsync(wrong, { from: 'user' }), {
      code: 'commander.unknownCommand',
    })
    assert.match(said(), new RegExp(`Did you mean (one of )?.*\\b${name}\\b`))
  }
})
