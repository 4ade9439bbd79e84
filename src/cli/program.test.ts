import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { Cli } from './cli.ts'
import { COMMANDS } from './commands.ts'
import { Output } from './terminal/output.ts'
import { createProgram, runProgram } from './program.ts'
import type { SyncError } from '../core/errors.ts'

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

/** Returns the message and the hint of a command line that is refused. */
async function refuse(line: string): Promise<string> {
  const nowhere = { write: () => true }
  const cli = new Cli(new Output(nowhere, nowhere), {})
  let text = ''
  await assert.rejects(runProgram(cli, line.split(' ')), (error: SyncError) => {
    text = `${error.message}\n${error.hint}`
    return error.code === 'usage/invalid'
  })
  return text
}

test('the error of a wrong command line states the fault, the usage and an example', async () => {
  for (const [line, words] of [
    [
      'runs show',
      'shelfsync runs show: the argument <id> (the run) is missing\nUsage: shelfsync runs show [options] <id>\n       Example: shelfsync runs show 7',
    ],
    ['runs show x', 'shelfsync runs show: <id> x is not valid. It must be a number.\nUsage: '],
    ['sync a b', 'shelfsync sync: b is one argument too many\nUsage: '],
    ['stop now', 'shelfsync stop: it takes no argument, not now\nUsage: '],
    ['sync --ful', 'shelfsync sync: unknown option --ful; did you mean --full?\nUsage: '],
    ['runs --limit', 'shelfsync runs list: --limit needs a value: --limit <n>\nUsage: '],
    ['runs --limit x', 'shelfsync runs list: --limit x is not valid. It must be a whole number'],
    [
      'sync --full --since 2026-01-31',
      'shelfsync sync: --full and --since cannot be given together',
    ],
    ['export my-shop', 'Give either --csv or --ndjson\nSee `shelfsync export --help`.'],
  ] as const) {
    const text = await refuse(line)
    assert.ok(text.startsWith(words), `${line}: ${text}`)
  }
})

test('a mistyped command or another word for it suggests the right one, never a dangerous one', async () => {
  for (const [line, words] of [
    ['synk', 'Unknown command synk; did you mean `shelfsync sync`?'],
    ['runs shw', 'shelfsync runs has no shw; did you mean `shelfsync runs show`?'],
    ['runs shw 7 --bogus', 'shelfsync runs has no shw; did you mean `shelfsync runs show`?'],
    ['sources ls', 'shelfsync sources has no ls; did you mean `shelfsync sources list`?'],
    ['quarantine get 7', 'did you mean `shelfsync quarantine show`?'],
    ['show 7', 'Unknown command show\nSee `shelfsync sources show`, `shelfsync runs show` or'],
    ['ls', 'Unknown command ls\nSee `shelfsync sources list` or'],
    ['delete my-shop', 'Unknown command delete\nSee `shelfsync sources --help`.'],
    ['sources delete my-shop', 'shelfsync sources has no delete\nSee `shelfsync sources --help`.'],
    ['runs aprove 7', 'shelfsync runs has no aprove\nSee `shelfsync runs --help`.'],
    ['prge', 'Unknown command prge\nSee `shelfsync --help`.'],
    ['stopp', 'Unknown command stopp\nSee `shelfsync --help`.'],
    ['logins --too x', 'shelfsync logins: unknown option --too; did you mean --to?\nUsage: '],
    ['purge --everythin', 'shelfsync purge: unknown option --everythin\nUsage: '],
    ['bogus', 'Unknown command bogus\nSee `shelfsync --help`.'],
  ] as const) {
    const text = await refuse(line)
    assert.ok(text.includes(words), `${line}: ${text}`)
  }
})

/** Misspellings of a word: without a letter, with two swapped, and with one doubled. */
function misspell(word: string): string[] {
  const at = Array.from(word, (_, index) => index)
  return [
    ...at.map((index) => word.slice(0, index) + word.slice(index + 1)),
    ...at.map(
      (index) =>
        `${word.slice(0, index)}${word[index + 1] ?? ''}${word[index]}${word.slice(index + 2)}`,
    ),
    ...at.map((index) => word.slice(0, index + 1) + word.slice(index)),
  ]
}

test('in every group, a misspelt command suggests the right one, and none that destroys or decides', async () => {
  const dangerous = /^(?:remove|purge|cancel|approve|reject|discard|stop)$/
  const { program } = await build()
  for (const group of [
    program,
    ...program.commands.filter(({ commands }) => commands.length > 0),
  ]) {
    const path = group === program ? 'shelfsync' : `shelfsync ${group.name()}`
    const names = group.commands.map((command) => command.name())
    for (const name of names.filter((one) => one !== 'help'))
      for (const word of misspell(name).filter((one) => !names.includes(one))) {
        const text = await refuse(`${path} ${word}`.slice('shelfsync '.length))
        const meant = new RegExp(`did you mean \`${path} ([a-z]+)\``).exec(text)?.[1]
        if (dangerous.test(name)) assert.equal(meant, undefined, text)
        else if (name.length > 3) assert.equal(meant, name, text)
        else assert.doesNotMatch(meant ?? '', dangerous, text)
      }
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
