// `shelfsync publish`: lets database roles read the views of schema `api`, takes that away again,
// or says who may.

import type { Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import { listReaders, publishTo, unpublishFrom } from '../db/write/publications.ts'
import { type Cli, formatExamples } from './cli.ts'

export function addPublish(program: Command, cli: Cli): void {
  program
    .command('publish')
    .description(
      'let database roles read the catalogue through schema api, but never the raw records; without a role: say who may',
    )
    .option('--role <role...>', 'who may read, such as anon and authenticated of Supabase', [])
    .option('--revoke', 'take the right away again')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync publish --role anon authenticated',
        'shelfsync publish --role anon --revoke',
        'shelfsync publish',
      ),
    )
    .action(async ({ role: roles, revoke = false }: { role: string[]; revoke?: boolean }) => {
      if (revoke && roles.length === 0)
        throw new SyncError(
          'usage/invalid',
          'Whose right is to be revoked? Name them: shelfsync publish --role anon --revoke',
        )
      await using tools = await cli.open()
      for (const role of roles)
        await (revoke ? unpublishFrom(tools.db, role) : publishTo(tools.db, role))
      const readers = await listReaders(tools.db)
      cli.output.result(
        { readers },
        readers.length === 0
          ? 'Nobody but the owner may read schema api.'
          : `Schema api can be read by: ${readers.join(', ')}`,
      )
    })
}
