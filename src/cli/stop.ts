// `shelfsync stop`: ends the embedded database that a command left running.

import type { Command } from 'commander'
import { resolve } from 'node:path'
import { stopEmbedded } from '../embedded-postgres/embedded.ts'
import { type Cli, formatExamples } from './cli.ts'
import { EMBEDDED } from '../config/database-choice.ts'
import { readSettings } from './open.ts'

export function addStop(program: Command, cli: Cli): void {
  program
    .command('stop')
    .description(
      'stop the embedded database in SHELFSYNC_HOME, for everybody who uses it; a running `shelfsync serve` starts it again, so stop that first',
    )
    .addHelpText('after', formatExamples('shelfsync stop'))
    .action(async () => {
      const { databaseUrl, home } = await readSettings(cli.output, cli.env)
      const end = databaseUrl === null ? await stopEmbedded(home) : 'foreign'
      cli.output.result({ stopped: end === 'stopped' }, TEXTS[end](resolve(home)))
    })
}

const TEXTS = {
  stopped: (home: string) =>
    `The database in ${home} is stopped. A \`shelfsync serve\` that runs on it starts it again: end that first.`,
  'not running': (home: string) => `The database in ${home} does not run: nothing to stop.`,
  'no database': (home: string) =>
    `There is no database in ${home}: nothing to stop. SHELFSYNC_HOME names the folder.`,
  foreign: () =>
    `DATABASE_URL names a database of your own: nothing to stop. DATABASE_URL=${EMBEDDED} stops the one in SHELFSYNC_HOME.`,
}
