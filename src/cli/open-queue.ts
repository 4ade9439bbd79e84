// Opens the queue for a command. It is imported on demand: all other commands start faster without
// it.

import type { QueueTools } from '../app/open-queues.ts'
import type { Settings } from '../config/settings.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import type { Cli } from './cli.ts'

/** @throws SyncError as `openQueueTools` */
export async function openQueue(cli: Cli, settings: Settings): Promise<QueueTools> {
  const { openQueueTools } = await import('../app/open-queues.ts')
  return openQueueTools(settings, await cli.createHost(settings))
}

/**
 * Returns null when the queue does not exist or is unavailable, and reports the second case: its
 * tasks are then skipped by the workers.
 */
export async function openQueueIfPossible(
  cli: Cli,
  settings: Settings,
): Promise<QueueTools | null> {
  try {
    return await openQueue(cli, settings)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    if (error.code !== 'db/not-migrated')
      cli.output.note(`the queue was not changed, and workers skip its tasks: ${messageOf(error)}`)
    return null
  }
}
