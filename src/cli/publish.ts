// `shelfsync publish`: grants or revokes the right to read schema `api`, or lists its readers.

import type { Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import { listReaders, publishTo, unpublishFrom } from '../db/write/publications.ts'
import { type Cli, formatExamples } from './cli.ts'
import { recordOwnAction } from './record-own-action.ts'

interface PublishFlags {
  readonly role: readonly string[]
  readonly revoke?: boolean
}

export function definePublish(command: Command, cli: Cli): void {
  command
    .option(
      '--role <role...>',
      'the database roles, such as anon and authenticated of Supabase',
      [],
    )
    .option('--revoke', 'revoke the right')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync publish --role anon authenticated',
        'shelfsync publish --role anon --revoke',
        'shelfsync publish',
      ),
    )
    .action((flags: PublishFlags) => publish(cli, flags))
}

async function publish(cli: Cli, { role: roles, revoke = false }: PublishFlags): Promise<void> {
  if (revoke && roles.length === 0)
    throw new SyncError(
      'usage/invalid',
      '--revoke needs a role: shelfsync publish --role anon --revoke',
    )
  await using tools = await cli.open()
  for (const role of roles) {
    await (revoke ? unpublishFrom(tools.db, role) : publishTo(tools.db, role))
    await recordOwnAction(tools.db, {
      action: revoke ? 'catalogue.unpublish' : 'catalogue.publish',
      subject: role,
    })
  }
  const readers = await listReaders(tools.db)
  cli.output.result(
    { readers },
    readers.length === 0
      ? 'Only the owner may read schema api.'
      : `Schema api can be read by: ${readers.join(', ')}`,
  )
}
