// `shelfsync migrate`: brings the database to the newest schema.

import type { Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import { migrate } from '../db/migrate/migrate.ts'
import { type Cli, formatExamples } from './cli.ts'
import { dataApiOf, MIGRATE_BY_HAND, openDatabase, readSettings } from './open.ts'
import { formatQuantity } from './format.ts'

export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description('bring the database to the newest schema, the queue included; twice is safe')
    .addHelpText(
      'after',
      formatExamples('shelfsync migrate', 'DATABASE_URL=postgres://… shelfsync migrate'),
    )
    .action(async () => {
      const settings = await readSettings(cli.output, cli.env)
      if (dataApiOf(settings) !== null)
        throw new SyncError('db/unsuitable', `The Data API takes no migrations. ${MIGRATE_BY_HAND}`)
      await using opened = await openDatabase(cli.output, settings)
      const applied = (await migrate(opened.db)).map(({ file }) => file)
      const { migrateQueue } = await import('../jobs/queues.ts')
      await migrateQueue(opened.db)
      const text =
        applied.length === 0
          ? 'Nothing to do: the database is up to date.'
          : `${applied.join('\n')}\nApplied ${formatQuantity(applied.length, 'migration')}.`
      cli.output.result({ applied }, text)
    })
}
