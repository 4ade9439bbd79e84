// `shelfsync jobs`: dead letters, tasks that failed for good and wait for a person.

import type { Command } from 'commander'
import { type Cli, formatExamples } from './cli.ts'
import { readSettings } from './open.ts'
import { formatRelative } from './format.ts'

export function addJobs(program: Command, cli: Cli): void {
  // Only here: other commands start faster and smaller without a queue.
  const load = () => import('../jobs/dead-letters.ts')
  const open = async () =>
    (await import('./open-queues.ts')).openQueueTools(
      cli.output,
      await readSettings(cli.output, cli.env),
    )
  const jobs = program
    .command('jobs')
    .description('dead letters: tasks of the services that failed for good')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync jobs',
        'shelfsync jobs retry 12-fetch',
        'shelfsync jobs discard 12-part-3',
      ),
    )
  jobs
    .command('list', { isDefault: true })
    .description('list them, with what went wrong')
    .addHelpText('after', formatExamples('shelfsync jobs', 'shelfsync jobs --json'))
    .action(async () => {
      await using tools = await open()
      const now = new Date()
      const letters = await (await load()).listDeadLetters(tools.queues)
      const rows = letters.map(({ id, source, run, part, attempts, failedAt, reason }) => [
        id,
        source,
        run,
        part,
        attempts,
        failedAt && formatRelative(failedAt, now),
        reason,
      ])
      cli.output.list(
        letters,
        ['job', 'source', 'run', 'part', 'attempts', 'failed', 'reason'],
        rows,
        'No task has failed for good.',
      )
    })
  jobs
    .command('retry')
    .argument('<job>', 'as `jobs list` shows it')
    .description('let its run go on where it stopped')
    .addHelpText('after', formatExamples('shelfsync jobs retry 12-fetch'))
    .action(async (id: string) => {
      await using tools = await open()
      const letter = await (await load()).retryDeadLetter(tools.db, tools.queues, id)
      cli.output.result(letter, `Run ${letter.run} of ${letter.source} goes on.`)
    })
  jobs
    .command('discard')
    .argument('<job>', 'as `jobs list` shows it')
    .description('throw it away; its run stays as it ended')
    .addHelpText('after', formatExamples('shelfsync jobs discard 12-part-3'))
    .action(async (id: string) => {
      await using tools = await open()
      const letter = await (await load()).discardDeadLetter(tools.queues, id)
      cli.output.result(
        letter,
        `${letter.id} is gone. Run ${letter.run} of ${letter.source} stays as it ended.`,
      )
    })
}
