// `shelfsync migrations copy DIR`: copies the migrations into a project that the Supabase CLI
// pushes.

import type { Command } from 'commander'
import { copyMigrations } from '../db/migrate/migration-files.ts'
import { type Cli, formatExamples } from './cli.ts'
import { printList } from './terminal/list.ts'

export function defineMigrations(migrations: Command, cli: Cli): void {
  migrations.addHelpText('after', formatExamples('shelfsync migrations copy supabase/migrations'))
  migrations
    .command('copy')
    .argument('<dir>', "your project's folder of migrations; created if it does not exist")
    .description(
      'copy the migrations into a Supabase project for its own `supabase db push` (with --include-all if you have already pushed a later migration)',
    )
    .addHelpText('after', formatExamples('shelfsync migrations copy supabase/migrations'))
    .action((directory: string) => copyToProject(cli, directory))
}

async function copyToProject({ output }: Cli, directory: string): Promise<void> {
  const copied = await copyMigrations(directory)
  printList(output, copied, {
    headings: ['file', 'outcome'],
    rows: copied.map(({ file, outcome }) => [file, outcome]),
    empty: 'This version has no migrations.',
  })
  if (copied.some(({ outcome }) => outcome === 'copied'))
    output.note(
      'if `shelfsync migrate` has applied them already, run `shelfsync migrate --supabase-history` before `supabase db push`',
    )
}
