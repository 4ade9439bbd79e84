// `shelfsync reviews edit`: accepts a review with another value than the one that waited.

import type { Command } from 'commander'
import { acceptEdit } from '../../sources/edit-review.ts'
import { parseId } from '../arguments/numbers.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { createByOption, createReasonOption } from '../runs/decisions.ts'

interface EditFlags {
  readonly by: string
  readonly reason?: string
  readonly despiteGate?: boolean
}

export function addEdit(reviews: Command, cli: Cli): void {
  reviews
    .command('edit')
    .argument('<id>', 'the number of the review', parseId)
    .argument('<value>', 'the price, such as 12.50, or the value of the field')
    .description('accept a price, a disagreement or a proposal with another value')
    .option('--despite-gate', 'accept a price that would be held too')
    .addOption(createReasonOption())
    .addOption(createByOption())
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync reviews edit 3 12.50',
        "shelfsync reviews edit 4 natural --reason 'as on the package'",
      ),
    )
    .action((id: number, value: string, flags: EditFlags) => edit(cli, id, value, flags))
}

async function edit(
  cli: Cli,
  id: number,
  text: string,
  { by, reason, despiteGate = false }: EditFlags,
): Promise<void> {
  await using tools = await cli.openSync()
  const value = await acceptEdit(tools.db, id, text, { by, reason, despite: despiteGate })
  cli.output.result({ review: id, value }, `Review ${id} is accepted with your value.`)
}
