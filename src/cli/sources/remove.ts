// `shelfsync sources remove`: removes a source with its products, runs, artifacts and jobs.

import type { Command } from 'commander'
import type { Tools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import { countSource, type SourceContents } from '../../db/read/source-summaries.ts'
import { loadSource, saveSource, type Source } from '../../db/sources.ts'
import { removeSource } from '../../db/write/remove-source.ts'
import { removeArtifacts, type RemovedArtifacts } from '../../pipeline/remove-artifacts.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { formatBytes } from '../../format/format.ts'
import { formatQuantity } from '../../lib/words.ts'
import { openQueueIfPossible } from '../open-queue.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { ask, isInteractive } from '../terminal/prompt.ts'

interface RemoveFlags {
  readonly yes?: boolean
  readonly keepArtifacts?: boolean
}

export function addRemove(sources: Command, cli: Cli): void {
  sources
    .command('remove')
    .argument('<name>', 'the source')
    .description('remove a source with its products, changes, reviews, runs and artifacts')
    .option('--yes', 'do not ask')
    .option('--keep-artifacts', "keep the supplier's archived data in the artifact store")
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync sources remove my-shop',
        'shelfsync sources remove my-shop --yes --keep-artifacts',
      ),
    )
    .action((name: string, flags: RemoveFlags) => remove(cli, name, flags))
}

async function remove(cli: Cli, name: string, flags: RemoveFlags): Promise<void> {
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const contents = await countSource(tools.db, source.id)
  await tools.db.call('assert_idle', { source: source.id })
  if (flags.yes !== true) await confirm(cli, name, formatContents(contents, flags), flags)
  // A paused source starts no run while its artifacts are removed.
  await saveSource(tools.db, source.id, { state: 'paused' })
  const removed =
    flags.keepArtifacts === true
      ? { runs: [], elsewhere: [] }
      : await removeArtifacts(tools, source)
  await removeSource(tools.db, name)
  await recordOwnAction(tools.db, {
    action: 'source.remove',
    source: name,
    detail: { products: contents.products, artifacts: removed.runs.length },
  })
  const jobs = await removeJobs(cli, tools, source)
  const { products, openReviews } = contents
  cli.output.result(
    { source: name, products, openReviews, artifacts: removed.runs, jobs },
    `${name} is removed: ${formatQuantity(products, 'product')} and ${formatQuantity(removed.runs.length, 'artifact')}.`,
  )
  reportLeft(cli, tools, source, removed, flags)
}

function reportLeft(
  { output }: Cli,
  { store }: Tools,
  { name, formerNames }: Source,
  { elsewhere }: RemovedArtifacts,
  { keepArtifacts = false }: RemoveFlags,
): void {
  if (keepArtifacts) {
    const folders = [name, ...formerNames].map((folder) => `${folder}/`).join(', ')
    output.note(`its artifacts stay in ${store.describe()} under ${folders}`)
  }
  if (elsewhere.length > 0)
    output.note(
      `the artifacts of ${elsewhere.length === 1 ? 'run' : 'runs'} ${elsewhere.join(', ')} are not in ${store.describe()}. If ARTIFACTS was changed, remove them where it pointed before`,
    )
}

/** `1,204 products, 14 artifacts (12 MB) and 3 open reviews`. */
function formatContents(
  { products, artifacts, storedBytes, openReviews }: SourceContents,
  { keepArtifacts = false }: RemoveFlags,
): string {
  const archive = keepArtifacts
    ? ''
    : `, ${formatQuantity(artifacts, 'artifact')} (${formatBytes(storedBytes)})`
  return `${formatQuantity(products, 'product')}${archive} and ${formatQuantity(openReviews, 'open review')}`
}

/** @throws SyncError `usage/invalid` without a terminal, and when the person does not agree */
async function confirm(
  cli: Cli,
  name: string,
  contents: string,
  { keepArtifacts = false }: RemoveFlags,
): Promise<void> {
  if (!isInteractive(cli))
    throw new SyncError(
      'usage/invalid',
      `${name} has ${contents}. To remove them: shelfsync sources remove ${name} --yes${keepArtifacts ? ' --keep-artifacts' : ''}`,
    )
  const answer = await ask(
    cli,
    `${name} has ${contents}. All of it is removed for good.\nType the name of the source to remove it: `,
  )
  if (answer !== name) throw new SyncError('usage/invalid', `Nothing was removed from ${name}`)
}

async function removeJobs(cli: Cli, { settings }: Tools, { id }: Source): Promise<number> {
  await using queue = await openQueueIfPossible(cli, settings)
  if (queue === null) return 0
  const { removeSourceJobs } = await import('../../jobs/remove-jobs.ts')
  return await removeSourceJobs(queue.queues, id)
}
