// `shelfsync sources rename`: gives a source another name. Its artifacts keep their keys.

import type { Command } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { sourceVariable } from '../../core/credentials.ts'
import { loadSource, renameSource, type Source } from '../../db/sources.ts'
import { copyLatest } from '../../pipeline/keep-artifacts.ts'
import { removeLatest } from '../../pipeline/remove-artifacts.ts'
import { loadConnector } from '../../sources/bound-source.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatQuantity } from '../../lib/words.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { toSourceJson } from './format.ts'

/** A variable of the old name, and the one that the renamed source reads. */
interface RenamedVariable {
  readonly from: string
  readonly to: string
}

export function addRename(sources: Command, cli: Cli): void {
  sources
    .command('rename')
    .argument('<old>', 'the source')
    .argument('<new>', 'its new name: lower-case words joined by hyphens')
    .description('rename a source; its products, runs and artifacts stay')
    .addHelpText('after', formatExamples('shelfsync sources rename my-shop corner-shop'))
    .action((before: string, after: string) => rename(cli, before, after))
}

async function rename(cli: Cli, before: string, after: string): Promise<void> {
  await using tools = await cli.open()
  const source = await loadSource(tools.db, before)
  const renamed = await renameSource(tools.db, source.id, after)
  await recordOwnAction(tools.db, {
    action: 'source.rename',
    source: after,
    detail: { from: before },
  })
  const variables = listVariables(tools, source, after)
  cli.output.result(
    { ...toSourceJson(renamed), renamedFrom: before, variables },
    `${before} is now ${after}.`,
  )
  await moveLatest(cli, tools, source, renamed)
  cli.output.note(
    `artifacts that exist already stay under ${before}/ in ${tools.store.describe()}, where Shelfsync still finds them`,
  )
  if (variables.length > 0)
    cli.output.note(
      `rename ${formatQuantity(variables.length, 'variable')} in the environment or .env: ${variables.map(({ from, to }) => `${from} to ${to}`).join(', ')}`,
    )
}

/** Writes `latest.ndjson` under the new name and removes the old one. */
async function moveLatest(
  { output }: Cli,
  tools: Tools,
  before: Source,
  after: Source,
): Promise<void> {
  if (before.copy === null) return
  await copyLatest(tools, after, tools.settings)
  await removeLatest(tools.store, before.name)
  output.note(`latest.ndjson is now in ${after.name}/`)
}

/** Lists the variables of the source that are set under its old name. */
function listVariables(tools: Tools, source: Source, after: string): RenamedVariable[] {
  const { variables } = loadConnector(tools, source).credentials
  return Object.entries(variables)
    .filter(([, { secret }]) => secret)
    .map(([member]) => ({
      from: sourceVariable(source.name, member),
      to: sourceVariable(after, member),
    }))
    .filter(({ from }) => tools.settings.credentials[from] !== undefined)
}
