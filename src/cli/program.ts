// The whole command line: the commands, each added by its own file, and the options of all commands.

import { Command } from 'commander'
import { VERSION } from '../core/version.ts'
import { escapeLines } from '../lib/escape-controls.ts'
import { addAdd } from './add.ts'
import { addArtifacts } from './artifacts.ts'
import { type Cli, formatExamples } from './cli.ts'
import { addDoctor } from './doctor.ts'
import { addJobs } from './jobs.ts'
import { addMigrate } from './migrate.ts'
import { addMigrations } from './migrations.ts'
import { addPlan } from './plan.ts'
import { addPublish } from './publish.ts'
import { addPurge } from './purge.ts'
import { addQuarantine } from './quarantine.ts'
import { addReplay } from './replay.ts'
import { addReviews } from './reviews.ts'
import { addRuns } from './runs.ts'
import { addServe } from './serve.ts'
import { addSources } from './sources.ts'
import { addStatus } from './status.ts'
import { addStop } from './stop.ts'
import { addSync } from './sync.ts'

const COMMANDS = [
  addAdd,
  addSync,
  addPlan,
  addReplay,
  addStatus,
  addRuns,
  addReviews,
  addQuarantine,
  addSources,
  addArtifacts,
  addPurge,
  addServe,
  addJobs,
  addMigrate,
  addMigrations,
  addPublish,
  addDoctor,
  addStop,
]

const EXIT_CODES =
  'Exit codes: 0 succeeded, 1 failed, 2 held for a decision, 64 wrong command line, 130 stopped by Ctrl-C.'

/** @throws CommanderError when a command line is wrong, after printing the reason */
export function createProgram(cli: Cli): Command {
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
  for (const add of COMMANDS) add(program, cli)
  return program
}
