// The whole command line: the commands of the table, and the options of all commands.

import { Command } from 'commander'
import { VERSION } from '../core/version.ts'
import { escapeLines } from '../lib/escape-controls.ts'
import { type Cli, formatExamples } from './cli.ts'
import { COMMANDS } from './commands.ts'

const EXIT_CODES =
  'Exit codes: 0 succeeded, 1 failed, 2 held for a decision, 64 wrong command line, 130 stopped by Ctrl-C.'

/**
 * Creates the program that parses `args`. Only commands that `args` contain are imported; the others
 * have a name, a usage and a description for the help and for suggestions. Without `args`, all
 * commands are imported.
 *
 * @throws CommanderError from its `parseAsync` when a command line is wrong, after printing the reason
 */
export async function createProgram(cli: Cli, args?: readonly string[]): Promise<Command> {
  const program = new Command('shelfsync')
    .description('Keeps a Postgres or Supabase database in step with product catalogues.')
    .version(VERSION)
    .option('--json', 'print results as JSON lines, and progress as JSON lines on standard error')
    .option('--verbose', 'log at level debug, and print stack traces')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void cli.output.stdout.write(escapeLines(text)),
      writeErr: (text) => void cli.output.stderr.write(escapeLines(text)),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `${formatExamples('shelfsync add https://some-shop.example', 'shelfsync sync', 'shelfsync status')}\n\n${EXIT_CODES}`,
    )
    .hook('preAction', (_, command) => {
      const { json = false, verbose = false } = command.optsWithGlobals<{
        json?: boolean
        verbose?: boolean
      }>()
      Object.assign(cli.output, { json, verbose })
    })
  for (const { name, usage, description, load } of COMMANDS) {
    if (args === undefined || args.includes(name))
      (await load())(program.command(name).description(description), cli)
    // Commander prints "[options]" of a usage like an argument.
    else program.command(`${name} ${usage}`).description(description)
  }
  return program
}
