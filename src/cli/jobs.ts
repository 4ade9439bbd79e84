// `shelfsync jobs`: dead letters, the tasks that failed permanently and wait for a person.

import type { Command } from 'commander'
import { type Cli, formatExamples } from './cli.ts'
import { formatRelative } from '../lib/words.ts'
import { openQueue } from './open-queue.ts'
import { recordOwnAction } from './record-own-action.ts'

export function defineJobs(jobs: Command, cli: Cli): void {
  jobs.addHelpText(
    'after',
    formatExamples(
      'shelfsync jobs',
      'shelfsync jobs retry 12-fetch',
      'shelfsync jobs discard 12-part-3',
    ),
  )
  jobs
    .command('list', { isDefault: true })
    .description('list the dead letters, with the reason of each')
    .addHelpText('after', formatExamples('shelfsync jobs', 'shelfsync jobs --json'))
    .action(() => listJobs(cli))
  jobs
    .command('retry')
    .argument('<job>', 'the id in `jobs list`')
    .description('resume the run of a dead letter where it stopped')
    .addHelpText('after', formatExamples('shelfsync jobs retry 12-fetch'))
    .action((id: string) => retryJob(cli, id))
  jobs
    .command('discard')
    .argument('<job>', 'the id in `jobs list`')
    .description('delete a dead letter; its run stays failed')
    .addHelpText('after', formatExamples('shelfsync jobs discard 12-part-3'))
    .action((id: string) => discardJob(cli, id))
}

async function listJobs(cli: Cli): Promise<void> {
  await using tools = await openQueue(cli, await cli.readSettings())
  const { listDeadLetters } = await loadDeadLetters()
  const letters = await listDeadLetters(tools.queues)
  const now = new Date()
  // Not for the help of this command.
  const [{ printList }, { listBreakers }, { formatBreaker }] = await Promise.all([
    import('./terminal/list.ts'),
    import('../db/read/limits.ts'),
    import('./format/failure.ts'),
  ])
  printList(cli.output, letters, {
    headings: ['job', 'source', 'run', 'part', 'attempts', 'failed', 'reason'],
    rows: letters.map(({ id, source, run, part, attempts, failedAt, reason }) => [
      id,
      source,
      run,
      part,
      attempts,
      failedAt && formatRelative(failedAt, now),
      reason,
    ]),
    empty: 'No task has failed permanently.',
  })
  for (const breaker of await listBreakers(tools.db)) cli.output.say(formatBreaker(breaker, now))
}

async function retryJob(cli: Cli, id: string): Promise<void> {
  await using tools = await openQueue(cli, await cli.readSettings())
  const { retryDeadLetter } = await loadDeadLetters()
  const letter = await retryDeadLetter(tools.db, tools.queues, id)
  await recordOwnAction(tools.db, { action: 'job.retry', run: letter.run, subject: id })
  cli.output.result(letter, `Run ${letter.run} of ${letter.source} resumes.`)
}

async function discardJob(cli: Cli, id: string): Promise<void> {
  await using tools = await openQueue(cli, await cli.readSettings())
  const { discardDeadLetter } = await loadDeadLetters()
  const letter = await discardDeadLetter(tools.queues, id)
  await recordOwnAction(tools.db, { action: 'job.discard', run: letter.run, subject: id })
  cli.output.result(
    letter,
    `${letter.id} is deleted. Run ${letter.run} of ${letter.source} stays failed.`,
  )
}

function loadDeadLetters() {
  return import('../jobs/dead-letters.ts')
}
