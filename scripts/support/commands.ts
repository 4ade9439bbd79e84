// The command line as data: every command with its arguments, options and examples. Nothing is run
// and no setting is read.

import type { Command } from 'commander'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/output.ts'
import { createProgram } from '../../src/cli/program.ts'

/** The program, deaf and mute: it understands a command line, or throws, and does nothing. */
export function createSilentProgram(): Command {
  const nowhere = { write: () => true }
  const program = createProgram(new Cli(new Output(nowhere, nowhere), {}))
  for (const { command } of listCommands(program)) command.action(() => undefined)
  return program
}

/**
 * The commands that can be called, such as `sources set`, in the order of `--help`; those that only
 * hold others are left out.
 */
export function listCommands(
  program: Command,
  path: readonly string[] = [],
): { readonly name: string; readonly command: Command }[] {
  return program.commands.flatMap((command) => {
    const here = [...path, command.name()]
    return command.commands.length > 0
      ? listCommands(command, here)
      : [{ name: here.join(' '), command }]
  })
}

/** The commands to copy that `--help` ends with. */
export function examplesOf(command: Command): string[] {
  let help = ''
  command.configureOutput({ writeOut: (text) => void (help += text) })
  command.outputHelp()
  return [...help.matchAll(/^ {2}\$ (.+)$/gm)].map(([, example = '']) => example)
}
