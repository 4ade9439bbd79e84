// `shelfsync stop`: ends the embedded database that a command left running.

import type { Command } from 'commander'
import { openEmbedded } from '../db/embedded.ts'
import { type Cli, examples } from './cli.ts'
import { readSettings } from './open.ts'

export function addStop(program: Command, cli: Cli): void {
  program
    .command('stop')
    .description('stop the embedded database in SHELFSYNC_HOME, for everybody who uses it; a running `shelfsync serve` starts it again, so stop that first')
    .addHelpText('after', examples('shelfsync stop'))
    .action(async () => {
      const { databaseUrl, home } = await readSettings(cli.output, cli.env)
      if (databaseUrl === null) await (await openEmbedded({ home })).stop()
      const text = databaseUrl === null
        ? `The database in ${home} is stopped. A \`shelfsync serve\` that runs on it starts it again: end that first.`
        : 'DATABASE_URL names a database of your own: nothing to stop.'
      cli.output.result({ stopped: databaseUrl === null }, text)
    })
}
