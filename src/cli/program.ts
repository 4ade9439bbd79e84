// The whole command line: the commands of the table, and the options of all commands.

import { Command, CommanderError } from 'commander'
import { SyncError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { escapeLines } from '../lib/escape-controls.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { COMMANDS } from './commands.ts'

/** Of a wide terminal, a pipe or a file. */
const HELP_COLUMNS_MAX = 80
const EXIT_CODES =
  'Exit codes: 0 succeeded, 1 failed, 2 held for a decision, 64 wrong command line, 130 stopped by Ctrl-C.'

/**
 * Executes the command that `args` name.
 *
 * @throws SyncError `usage/invalid` with the usage as its hint · the errors of the command
 */
export async function runProgram(cli: Cli, args: readonly string[]): Promise<void> {
  // Also when the command line is wrong, or a command fails before its action.
  const options = args.slice(0, args.indexOf('--') + 1 || undefined)
  cli.output.json = options.includes('--json')
  cli.output.verbose = options.includes('--verbose')
  const program = await createProgram(cli, args)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return
      // The help of a group without a verb is printed.
      if (error.code === 'commander.help' && !cli.output.json) return cli.end(EXIT.usage)
    } else if (!(error instanceof SyncError && error.code === 'usage/invalid')) throw error
    const { toUsageError } = await import('./usage-error.ts')
    throw toUsageError(program, args, error)
  }
}

/**
 * Creates the program that parses `args`. Only commands that `args` contain are imported; the others
 * have a name, a usage and a description for the help and for suggestions. Without `args`, all
 * commands are imported.
 *
 * @throws CommanderError from its `parseAsync` when a command line is wrong, and after it has printed
 * help or the version
 */
export async function createProgram(cli: Cli, args?: readonly string[]): Promise<Command> {
  const program = new Command('shelfsync')
    .description('Keeps a Postgres or Supabase database in step with product catalogues.')
    .version(VERSION)
    .option('--json', 'print results as JSON lines, and progress as JSON lines on standard error')
    .option('--verbose', 'log at level debug, and print stack traces')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void cli.output.stdout.write(`${cli.output.render(text.trimEnd())}\n`),
      getOutHelpWidth: () => Math.min(cli.output.width, HELP_COLUMNS_MAX),
      // With --json, standard error contains JSON lines only.
      writeErr: (text) => void (cli.output.json || cli.output.stderr.write(escapeLines(text))),
      outputError: () => undefined,
    })
    .showSuggestionAfterError(false)
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
