// Every command that Shelfsync names exists: in hints, messages, help examples, comments of the SQL and
// files for deployment. docs.test.ts does the same for the documentation.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createSilentProgram, listCommands, listExamples } from '../scripts/support/commands.ts'
import { ERRORS } from '../src/core/error-table.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The name of a database session, which is not a command. */
const PRESENCE = 'presence'
/** A command line up to the end of its code, its quotation or its sentence. */
const NAMED = /(?<![\w/.-])shelfsync ((?:\$\{[^}]*\}|[^\n`"·|<>#;&()])+)/g
/** A word of a command, in which `${…}` is a value. */
const WORD =
  /^(?:--?[a-z][a-z-]*(?:=\S+)?|[a-z][a-z0-9-]*|[A-Z]+…?|\d+|\S*\$\{.*|https?:\S+|'.*|\S*=\S*)$/

/** The words of the command; prose after it may follow. */
function listWords(text: string): string[] {
  const words: string[] = []
  for (const word of text
    .replaceAll(/\$\{[^}]*\}/g, '${}')
    .trim()
    .split(/\s+/)) {
    const bare = word.replace(/[.,:'\\]+$/, '')
    if (!WORD.test(bare)) break
    words.push(bare)
    if (bare !== word) break
  }
  return words
}

/** Describes the first word that is not a command, a verb or an option, or returns null. */
function findFault(program: Command, words: readonly string[]): string | null {
  const [name = '', verb] = words
  if (/^-|^\$|^COMMAND$/.test(name)) return null
  const command = program.commands.find((one) => one.name() === name)
  if (!command) return `${name} is not a command`
  const isGroup = command.commands.length > 0
  const isVerb = isGroup && verb !== undefined && /^[a-z]/.test(verb)
  const called = isVerb
    ? command.commands.filter((one) => one.name() === verb)
    : isGroup
      ? command.commands.filter((one) => verb?.startsWith('$') === true || one.name() === 'list')
      : [command]
  if (called.length === 0) return `${name} has no verb ${verb}`
  if (isVerb && called.some((one) => one.commands.length > 0))
    return findFault(command, words.slice(1))
  const options = [...called.flatMap((one) => one.options), ...program.options].map(
    ({ long }) => long,
  )
  const wrong = words.find(
    (word) =>
      word.startsWith('--') && word !== '--help' && !options.includes(word.split(/[=$]/)[0] ?? ''),
  )
  return wrong === undefined ? null : `${name} has no option ${wrong}`
}

function listNamed(text: string): string[][] {
  return [...text.matchAll(NAMED)]
    .map(([, line = '']) => listWords(line))
    .filter(([name]) => name !== undefined && name !== PRESENCE)
}

test('every command that a hint, a message, the SQL or a file for deployment names exists', async () => {
  const program = await createSilentProgram()
  const paths = [
    ...globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }),
    ...globSync(['supabase/schemas/*.sql', 'deploy/**/*.*', 'scripts/*.ts', '.env.example'], {
      cwd: root,
      exclude: ['**/*.test.ts'],
    }),
  ]
  const texts = [
    ...paths.map((path) => [path, readFileSync(`${root}${path}`, 'utf8')] as const),
    ...Object.entries(ERRORS).map(([code, { hint }]) => [code, hint] as const),
  ]
  const named = texts.flatMap(([place, text]) => listNamed(text).map((words) => ({ place, words })))
  assert.ok(named.length > 150, `${named.length} commands`)
  const faults = named.flatMap(({ place, words }) => {
    const fault = findFault(program, words)
    return fault === null ? [] : [`${place}: shelfsync ${words.join(' ')}: ${fault}`]
  })
  assert.deepEqual(faults, [])
})

test('every example in the help can be parsed', async () => {
  const examples = listCommands(await createSilentProgram()).flatMap(({ command }) =>
    listExamples(command),
  )
  assert.ok(examples.length > 60, `${examples.length} examples`)
  for (const example of examples) {
    const line = /shelfsync (.+?)(?: [|>].*)?$/.exec(example)?.[1] ?? assert.fail(example)
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, word = '']) => quoted ?? word,
    )
    const program = await createSilentProgram()
    try {
      program.parse(words, { from: 'user' })
    } catch (error) {
      assert.fail(`${example}: ${String(error)}`)
    }
  }
})
