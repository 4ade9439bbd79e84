// `shelfsync migrate`: migrates the database and the queue to the schema of this version.

import type { Command } from 'commander'
import { findDataApi, MIGRATE_BY_HAND, openDatabase } from '../app/open-database.ts'
import { SyncError } from '../core/errors.ts'
import { migrate, type MigrateResult } from '../db/migrate/migrate.ts'
import type { Migration } from '../db/migrate/migration-files.ts'
import { requireWorkerRoles } from '../db/rights.ts'
import type { QueueMigration } from '../jobs/queues.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatQuantity } from '../lib/words.ts'

const QUEUE: Readonly<Record<QueueMigration, string>> = {
  created: 'The tables of the queue were created.',
  updated: 'The tables of the queue were updated.',
  unchanged: 'The tables of the queue are up to date.',
}

export function defineMigrate(command: Command, cli: Cli): void {
  command
    .option(
      '--supabase-history',
      'also record the migrations in the history of the Supabase CLI, so that `supabase db push` does not apply ' +
        'them again; only for a project whose folder contains the files, because the CLI refuses a history with others',
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync migrate',
        'DATABASE_URL=postgres://… shelfsync migrate',
        'shelfsync migrate --supabase-history',
      ),
    )
    .action((options: { supabaseHistory?: boolean }) => migrateDatabase(cli, options))
}

async function migrateDatabase(
  cli: Cli,
  { supabaseHistory = false }: { supabaseHistory?: boolean },
): Promise<void> {
  const { output } = cli
  const settings = await cli.readSettings()
  if (findDataApi(settings) !== null)
    throw new SyncError(
      'db/unsuitable',
      `Migrations cannot be applied over the Data API. ${MIGRATE_BY_HAND}`,
    )
  await using opened = await openDatabase(settings, { notify: (text) => output.note(text) })
  const result = await migrate(opened.db, supabaseHistory ? { recordFor: 'supabase' } : {})
  await requireWorkerRoles(opened.db)
  const { migrateQueue } = await import('../jobs/queues.ts')
  const queue = await migrateQueue(opened.db)
  const { applied, adopted, adoptedFrom, recordedForSupabase } = result
  output.result(
    {
      applied: listFiles(applied),
      adopted: listFiles(adopted),
      adoptedFrom,
      recordedForSupabase: listFiles(recordedForSupabase),
      queue,
    },
    [...describeMigrations(result), QUEUE[queue]].join('\n'),
  )
}

function describeMigrations(result: MigrateResult): string[] {
  const { applied, adopted, adoptedFrom, recordedForSupabase } = result
  const lines = listFiles(applied)
  if (applied.length > 0) lines.push(`Applied ${formatQuantity(applied.length, 'migration')}.`)
  else lines.push('The database is up to date.')
  if (adopted.length > 0) {
    const program = adoptedFrom === 'psql' ? 'psql' : '`supabase db push`'
    lines.push(
      `Recorded ${formatQuantity(adopted.length, 'migration')} that ${program} had applied.`,
    )
  }
  if (recordedForSupabase.length > 0)
    lines.push(
      `Recorded ${formatQuantity(recordedForSupabase.length, 'migration')} in the history of the Supabase CLI: ` +
        'before the next `supabase db push`, run `shelfsync migrations copy supabase/migrations` in the folder of the project.',
    )
  return lines
}

function listFiles(migrations: readonly Migration[]): string[] {
  return migrations.map(({ file }) => file)
}
