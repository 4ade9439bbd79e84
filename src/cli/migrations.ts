// `shelfsync migrations copy DIR`: for projects whose database is pushed by the Supabase CLI.

import type { Command } from 'commander'
import { copyMigrations } from '../db/migrate/migrate.ts'
import { type Cli, formatExamples } from './cli.ts'

export function addMigrations(program: Command, cli: Cli): void {
  const migrations = program
    .command('migrations')
    .description('the SQL files that make the schema')
    .addHelpText('after', formatExamples('shelfsync migrations copy supabase/migrations'))
  migrations
    .command('copy')
    .argument('<dir>', "your project's folder of migrations, made when missing")
    .description(
      'copy the migrations into a Supabase project, for its own `supabase db push`; when a later migration of yours has been pushed before, with --include-all',
    )
    .addHelpText('after', formatExamples('shelfsync migrations copy supabase/migrations'))
    .action(async (directory: string) => {
      const copied = await copyMigrations(directory)
      cli.output.list(
        copied,
        ['file', 'outcome'],
        copied.map(({ file, outcome }) => [file, outcome]),
        'There are no migrations.',
      )
    })
}
