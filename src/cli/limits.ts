// `shelfsync limits`: the limits of requests and the circuit breakers that affect requests now.

import type { Command } from 'commander'
import type { LimitState } from '../db/read/limits.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatNext } from '../lib/words.ts'
import { recordOwnAction } from './record-own-action.ts'

export function defineLimits(limits: Command, cli: Cli): void {
  limits.addHelpText(
    'after',
    formatExamples('shelfsync limits', 'shelfsync limits reset some-shop.example'),
  )
  limits
    .command('list', { isDefault: true })
    .description('list the limits and circuit breakers that affect requests now')
    .addHelpText('after', formatExamples('shelfsync limits', 'shelfsync limits --json'))
    .action(() => printLimits(cli))
  limits
    .command('reset')
    .argument('<name>', 'the name in `limits list`, such as a host')
    .option('--scope <scope>', 'the scope in `limits list`', 'host')
    .description('close a circuit breaker and end the wait for the next request')
    .addHelpText('after', formatExamples('shelfsync limits reset some-shop.example'))
    .action((name: string, { scope }: { readonly scope: string }) => reset(cli, scope, name))
}

async function printLimits(cli: Cli): Promise<void> {
  await using tools = await cli.open()
  // Not for the help of this command.
  const [{ listLimits }, { printList }] = await Promise.all([
    import('../db/read/limits.ts'),
    import('./terminal/list.ts'),
  ])
  const limits = await listLimits(tools.db)
  const now = new Date()
  printList(cli.output, limits, {
    headings: [
      'scope',
      'name',
      'breaker',
      'failures',
      'next request',
      'in progress',
      'today',
      'reason',
    ],
    rows: limits.map((limit) => [
      limit.scope,
      limit.key,
      limit.state,
      limit.failures,
      formatNextRequest(limit, now),
      limit.inProgress,
      limit.usedToday,
      limit.reason,
    ]),
    empty: 'No request waits: every limit is free and every circuit breaker is closed.',
  })
}

function formatNextRequest({ nextAt, state }: LimitState, now: Date): string {
  const at = formatNext(nextAt ?? now, now)
  return state === 'open' ? `test ${at}` : at
}

async function reset(cli: Cli, scope: string, name: string): Promise<void> {
  await using tools = await cli.open()
  const { resetLimit } = await import('../db/read/limits.ts')
  await resetLimit(tools.db, scope, name)
  await recordOwnAction(tools.db, { action: 'limit.reset', subject: `${scope} ${name}` })
  cli.output.result({ scope, name }, `The next request to ${name} begins at once.`)
}
