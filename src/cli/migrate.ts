// `shelfsync migrate`: migrates the database and the queue to the schema of this version.

import type { Command } from 'commander'
import { findDataApi, MIGRATE_BY_HAND, openDatabase } from '../app/open-database.ts'
import { SyncError } from '../core/errors.ts'
import { migrate } from '../db/migrate/migrate.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatQuantity } from './format/format.ts'

export function defineMigrate(command: Command, cli: Cli): void {
  command
    .addHelpText(
      'after',
      formatExamples('shelfsync migrate', 'DATABASE_URL=postgres://… shelfsync migrate'),
    )
    .action(() => migrateDatabase(cli))
}

async function migrateDatabase(cli: Cli): Promise<void> {
  const { output } = cli
  const settings = await cli.readSettings()
  if (findDataApi(settings) !== null)
    throw new SyncError(
      'db/unsuitable',
      `Migrations cannot be applied over the Data API. ${MIGRATE_BY_HAND}`,
    )
  await using opened = await openDatabase(settings, { notify: (text) => output.note(text) })
  const applied = (await migrate(opened.db)).map(({ file }) => file)
  const { migrateQueue } = await import('../jobs/queues.ts')
  await migrateQueue(opened.db)
  output.result(
    { applied },
    applied.length === 0
      ? 'The database is up to date.'
      : `${applied.join('\n')}\nApplied ${formatQuantity(applied.length, 'migration')}.`,
  )
}
