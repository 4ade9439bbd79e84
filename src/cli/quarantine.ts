// `shelfsync quarantine`: records that could not be applied, and trying them again after a
// correction.

import type { Command } from 'commander'
import {
  countClosed,
  listOpenRecords,
  listQuarantine,
  listQuarantinedRuns,
} from '../db/quarantine.ts'
import { loadSource } from '../db/sources.ts'
import { bindSource } from '../sources/bound-source.ts'
import { replayRun } from '../pipeline/sync.ts'
import { type Cli, formatExamples } from './cli.ts'
import { createLimitOption } from './ids.ts'
import { STOPPING, watchRun } from './run-sync.ts'
import { formatQuantity } from './format.ts'

export function addQuarantine(program: Command, cli: Cli): void {
  const quarantine = program
    .command('quarantine')
    .description('list the records that could not be applied, or try them again')
    .addHelpText(
      'after',
      formatExamples('shelfsync quarantine', 'shelfsync quarantine replay medipim-au'),
    )
  quarantine
    .command('list', { isDefault: true })
    .description('list the records in quarantine, the newest first')
    .option('--source <name>', 'of this source only')
    .addOption(createLimitOption(50))
    .addHelpText(
      'after',
      formatExamples('shelfsync quarantine', 'shelfsync quarantine --source medipim-au --json'),
    )
    .action(async (filter: { source?: string; limit: number }) => {
      await using tools = await cli.open()
      if (filter.source !== undefined) await loadSource(tools.db, filter.source)
      const { total, records } = await listQuarantine(tools.db, filter)
      const rows = records.map(
        ({ id, source, artifactRun, part, line, byteOffset, product, rule, message }) => [
          String(id),
          source,
          `run ${artifactRun}, part ${part}, line ${line}, byte ${byteOffset}`,
          product,
          rule,
          cli.output.short(message, 80),
        ],
      )
      cli.output.list(
        records,
        ['record', 'source', 'where', 'product', 'rule', 'message'],
        rows,
        'Nothing is in quarantine.',
      )
      if (total > records.length)
        cli.output.say(`${formatQuantity(total - records.length, 'more record')}: raise --limit.`)
    })

  quarantine
    .command('replay')
    .argument('<name>', 'the source')
    .description(
      'apply the artifacts with quarantined records anew; what can be applied leaves quarantine, as it does when a later sync brings it in good order',
    )
    .addHelpText('after', formatExamples('shelfsync quarantine replay medipim-au'))
    .action(async (name: string) => {
      const signal = cli.createStopSignal(STOPPING)
      await using tools = await cli.open()
      const source = await loadSource(tools.db, name)
      const bound = bindSource(tools, source)
      const before = await listOpenRecords(tools.db, source.id)
      for (const { run, artifact } of await listQuarantinedRuns(tools.db, source.id)) {
        if (signal.aborted) return
        if (artifact !== 'closed') {
          cli.output.note(
            `${artifact === 'purged' ? `The artifact of run ${run} is purged` : `The fetch of run ${run} did not end`}: its records stay in quarantine`,
          )
          continue
        }
        await watchRun(cli, tools, source, (progress) =>
          replayRun(tools, bound, run, { progress, signal }),
        )
      }
      const replayed = await countClosed(tools.db, source.id, before)
      const { total: open } = await listQuarantine(tools.db, { source: name, limit: 1 })
      cli.output.result(
        { source: name, replayed, open },
        `${formatQuantity(replayed, 'record')} left quarantine, ${formatQuantity(open, 'record')} still in it.`,
      )
    })
}
