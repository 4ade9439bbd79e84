// The `shelfsync` command lines in pages, and whether they are valid.

import assert from 'node:assert/strict'
import { createSilentProgram } from '../../scripts/support/commands.ts'

/** The `shelfsync` command lines in a piece of code, without the syntax of the shell. */
export function listCommandLines(code: string): string[][] {
  const lines = [
    // After -u, it is the name of an account.
    ...code.matchAll(/(?<![\w/.-]|-u )shelfsync ((?:'[^'\n]*'|"[^"\n]*"|[^'"\n|>#&;`])+)/g),
  ]
  return lines.map(([, line = '']) =>
    [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, word]) => single ?? double ?? word ?? '',
    ),
  )
}

export async function parseCommand(args: readonly string[]): Promise<void> {
  const program = await createSilentProgram()
  await program.parseAsync(args, { from: 'user' })
}

/** Asserts that the command and its options exist. In running text, arguments may be missing. */
export async function findCommand(args: readonly string[]): Promise<void> {
  const program = await createSilentProgram()
  let command = program
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word)
    if (!next) break
    command = next
  }
  if (args[0] !== undefined && !args[0].startsWith('-') && args[0] !== 'COMMAND')
    assert.notEqual(command, program, `unknown command ${args[0]}`)
  for (const option of args.filter((word) => word.startsWith('--') && word !== '--help')) {
    assert.ok(
      [...command.options, ...program.options].some(({ long }) => long === option),
      `${args.join(' ')}: unknown option ${option}`,
    )
  }
}
