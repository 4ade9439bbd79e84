// `shelfsync migrate`: brings the database to the newest schema.

import type { Command } from 'commander'
import { migrate } from '../db/migrate.ts'
import { type Cli, examples } from './cli.ts'
import { openDatabase, readSettings } from './open.ts'
import { counted } from './text.ts'

export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description('bring the database to the newest schema; twice is safe')
    .addHelpText('after', examples('shelfsync migrate', 'DATABASE_URL=postgres://… shelfsync migrate'))
    .action(async () => {
      await using opened = await openDatabase(cli.output, await readSettings(cli.output, cli.env))
      const applied = (await migrate(opened.db)).map(({ file }) => file)
      const text = applied.length === 0 ? 'Nothing to do: the database is up to date.' : `${applied.join('\n')}\nApplied ${counted(applied.length, 'migration')}.`
      cli.output.result({ applied }, text)
    })
}
