// `shelfsync sources`: lists the sources, shows one, and pauses or resumes it.

import type { Command } from 'commander'
import type { Connector } from '../../core/connector.ts'
import { isOptional } from '../../core/credentials.ts'
import { countSourceImages, type SourceImages } from '../../db/read/images.ts'
import type { PageRequest } from '../../db/read/page.ts'
import { findSuccessions } from '../../db/successions.ts'
import { listSourcePage, loadSource, saveSource, type Source } from '../../db/sources.ts'
import { findAddress, loadConnector } from '../../sources/bound-source.ts'
import { listSecretStates, type SecretState } from '../../sources/credentials.ts'
import { loadSourceSummary } from '../../db/read/source-summaries.ts'
import { formatSchedule, formatSettings } from '../../format/source.ts'
import { type Cli, formatExamples, NO_SOURCES } from '../cli.ts'
import { formatFailure } from '../../sources/format-failure.ts'
import { formatCount } from '../../lib/words.ts'
import { formatTable } from '../terminal/table.ts'
import { createLimitOption } from '../arguments/numbers.ts'
import { createAfterOption, formatRepeat, printPage } from '../terminal/paging.ts'
import type { SyncTools } from '../../app/compose.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { addRemove } from './remove.ts'
import { addRename } from './rename.ts'
import { addSet } from './set.ts'
import { describeSuccessions, formatPolicy, toSourceJson } from './format.ts'

export function defineSources(sources: Command, cli: Cli): void {
  sources.addHelpText(
    'after',
    formatExamples(
      'shelfsync sources',
      'shelfsync sources show my-shop',
      'shelfsync sources set my-shop --full-on sunday',
      'shelfsync sources pause my-shop',
    ),
  )
  addList(sources, cli)
  addShow(sources, cli)
  addSet(sources, cli)
  addRename(sources, cli)
  addStateCommand(sources, cli, 'pause', 'stop syncing a source until it is resumed')
  addStateCommand(sources, cli, 'resume', 'sync a paused source again')
  addRemove(sources, cli)
}

function addList(sources: Command, cli: Cli): void {
  sources
    .command('list', { isDefault: true })
    .description('list the sources by name')
    .addOption(createLimitOption(1000))
    .addOption(createAfterOption('sources'))
    .addHelpText('after', formatExamples('shelfsync sources', 'shelfsync sources --json'))
    .action((request: PageRequest) => printSources(cli, request))
}

async function printSources(cli: Cli, request: PageRequest): Promise<void> {
  await using tools = await cli.openSync()
  const { items, next } = await listSourcePage(tools.db, request)
  await printPage(
    cli.output,
    { items: items.map(toSourceJson), next },
    {
      headings: ['source', 'connector', 'state', 'schedule', 'address'],
      rows: items.map((source) => [
        source.name,
        source.connector,
        source.state,
        formatSchedule(source.schedule),
        findAddress(tools, source),
      ]),
      empty: NO_SOURCES,
      command: formatRepeat(['sources'], { limit: request.limit }),
    },
  )
}

function addShow(sources: Command, cli: Cli): void {
  sources
    .command('show')
    .argument('<name>', 'the source')
    .description(
      'show the settings and limits of a source, which of its secrets are set, and whether its host fails',
    )
    .addHelpText(
      'after',
      formatExamples('shelfsync sources show my-shop', 'shelfsync sources show my-shop --json'),
    )
    .action((name: string) => printSource(cli, name))
}

async function printSource(cli: Cli, name: string): Promise<void> {
  await using tools = await cli.openSync()
  const source = await loadSource(tools.db, name)
  const connector = loadConnector(tools, source)
  const settings = connector.settings.safeParse(source.settings).data
  const secrets = listSecretStates({ source, connector, settings }, tools.settings.credentials)
  const { failure } = await loadSourceSummary(tools.db, name)
  const successions = await findSuccessions(tools.db, source.id)
  const images = await countSourceImages(tools.db, source.id)
  const rows = formatSource(tools, source, {
    secrets: secrets.map((secret) => formatSecret(secret, connector)),
    images,
  })
  if (failure !== null) rows.push(['failure', formatFailure(failure, new Date())])
  cli.output.result(
    { ...toSourceJson(source), secrets, images, failure, ...successions },
    formatTable([source.name, ''], rows),
  )
  const text = describeSuccessions(name, successions)
  if (text !== '') cli.output.say(text)
}

function formatSecret({ name, set }: SecretState, connector: Connector): string {
  if (set) return `${name} set`
  return `${name} ${isOptional(connector) ? 'not set' : 'missing'}`
}

function formatSource(
  tools: SyncTools,
  source: Source,
  { secrets, images }: { readonly secrets: readonly string[]; readonly images: SourceImages },
): string[][] {
  return [
    ['connector', source.connector],
    ['address', findAddress(tools, source) ?? '-'],
    ['state', source.state],
    ['schedule', formatSchedule(source.schedule)],
    ['settings', formatSettings(source.settings)],
    ['options', formatSettings(source.options) || 'none'],
    ['limits', formatPolicy(source)],
    ['images', formatImages(images)],
    ['secrets', secrets.length === 0 ? 'none needed' : secrets.join(' · ')],
  ]
}

function formatImages({ new: waiting, stored, failed }: SourceImages): string {
  const count = formatCount
  return `${count(stored)} stored · ${count(failed)} failed · ${count(waiting)} not stored`
}

function addStateCommand(
  sources: Command,
  cli: Cli,
  verb: 'pause' | 'resume',
  description: string,
): void {
  sources
    .command(verb)
    .argument('<name>', 'the source')
    .description(description)
    .addHelpText('after', formatExamples(`shelfsync sources ${verb} my-shop`))
    .action((name: string) => saveState(cli, name, verb === 'pause' ? 'paused' : 'active'))
}

async function saveState(cli: Cli, name: string, state: Source['state']): Promise<void> {
  await using tools = await cli.open()
  const { id } = await loadSource(tools.db, name)
  const saved = await saveSource(tools.db, id, { state })
  await recordOwnAction(tools.db, {
    action: state === 'paused' ? 'source.pause' : 'source.resume',
    source: name,
  })
  cli.output.result(toSourceJson(saved), `${name} is ${state}.`)
}
