// `shelfsync stop`: stops the embedded database, and the services that the demo left in the
// background.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { EMBEDDED } from '../config/database-choice.ts'
import { stopEmbedded } from '../embedded-postgres/embedded.ts'
import { endBackground } from '../node/background-services.ts'
import { type Cli, formatExamples } from './cli.ts'

const RESULTS = {
  stopped: (home: string) =>
    `The database in ${home} is stopped. A running \`shelfsync serve\` or \`shelfsync sync\` starts it again: stop that first.`,
  'not running': (home: string) => `The database in ${home} is not running.`,
  'no database': (home: string) =>
    `${home} does not contain a database. SHELFSYNC_HOME chooses the folder.`,
  foreign: () =>
    `DATABASE_URL chooses a database that Shelfsync does not manage. DATABASE_URL=${EMBEDDED} stops the one in SHELFSYNC_HOME.`,
}

export function defineStop(command: Command, cli: Cli): void {
  command.addHelpText('after', formatExamples('shelfsync stop')).action(() => stopDatabase(cli))
}

async function stopDatabase(cli: Cli): Promise<void> {
  const { databaseUrl, home } = await cli.readSettings()
  if (databaseUrl === null) await endBackground(home)
  const result = databaseUrl === null ? await stopEmbedded(home) : 'foreign'
  cli.output.result({ stopped: result === 'stopped' }, RESULTS[result](resolve(home)))
}
