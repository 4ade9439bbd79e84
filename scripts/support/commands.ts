// The command line as data: every command with its arguments, options and examples, without running
// a command or reading a setting.

import type { Command } from 'commander'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { createProgram } from '../../src/cli/program.ts'

/** Creates a program that parses a command line, or throws, without any action or output. */
export async function createSilentProgram(): Promise<Command> {
  const nowhere = { write: () => true }
  const program = await createProgram(new Cli(new Output(nowhere, nowhere), {}))
  for (const { command } of listCommands(program)) command.action(() => undefined)
  return program
}

/** Lists the callable commands, such as `sources set`, in the order of `--help`. */
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

/** Returns the example commands at the end of `--help`. */
export function listExamples(command: Command): string[] {
  let help = ''
  command.configureOutput({ writeOut: (text) => void (help += text) })
  command.outputHelp()
  return [...help.matchAll(/^ {2}\$ (.+)$/gm)].map(([, example = '']) => example)
}
