// `shelfsync sources`: lists the sources, shows one, and pauses or resumes it.

import type { Command } from 'commander'
import type { PageRequest } from '../db/read/page.ts'
import { listSourcePage, loadSource, saveSource, type Source } from '../db/sources.ts'
import { findAddress, loadConnector } from '../sources/bound-source.ts'
import { listSecretStates } from '../sources/credentials.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { formatTable } from './format.ts'
import { createLimitOption } from './ids.ts'
import { createAfterOption, printPage } from './paging.ts'
import type { SyncTools } from '../app/compose.ts'
import { addSourcesSet } from './sources-set.ts'
import { formatPolicy, formatSchedule, sourceToJson } from './source-format.ts'

export function addSources(program: Command, cli: Cli): void {
  const sources = program
    .command('sources')
    .description('list the sources, or change how they behave')
    .addHelpText(
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
  addSourcesSet(sources, cli)
  addStateCommand(sources, cli, 'pause', 'stop syncing a source until it is resumed')
  addStateCommand(sources, cli, 'resume', 'sync a paused source again')
}

function addList(sources: Command, cli: Cli): void {
  sources
    .command('list', { isDefault: true })
    .description('list the sources by name')
    .addOption(createLimitOption(1000))
    .addOption(createAfterOption('sources'))
    .addHelpText('after', formatExamples('shelfsync sources', 'shelfsync sources --json'))
    .action(async (request: PageRequest) => {
      await using tools = await cli.openSync()
      const { items, next } = await listSourcePage(tools.db, request)
      printPage(
        cli.output,
        { items: items.map(sourceToJson), next },
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
        },
      )
    })
}

function addShow(sources: Command, cli: Cli): void {
  sources
    .command('show')
    .argument('<name>', 'the source')
    .description('show the settings and limits of a source, and which of its secrets are set')
    .addHelpText(
      'after',
      formatExamples('shelfsync sources show my-shop', 'shelfsync sources show my-shop --json'),
    )
    .action(async (name: string) => {
      await using tools = await cli.openSync()
      const source = await loadSource(tools.db, name)
      const secrets = listSecretStates(
        { source, connector: loadConnector(tools, source) },
        tools.settings.credentials,
      )
      cli.output.result(
        { ...sourceToJson(source), secrets },
        formatSource(tools, source, secrets.map(formatSecret)),
      )
    })
}

function formatSecret({ name, set }: { readonly name: string; readonly set: boolean }): string {
  return `${name} ${set ? 'set' : 'missing'}`
}

function formatSource(tools: SyncTools, source: Source, secrets: readonly string[]): string {
  const rows = [
    ['connector', source.connector],
    ['address', findAddress(tools, source) ?? '-'],
    ['state', source.state],
    ['schedule', formatSchedule(source.schedule)],
    ['settings', JSON.stringify(source.settings)],
    ['limits', formatPolicy(source)],
    ['secrets', secrets.length === 0 ? 'none needed' : secrets.join(' · ')],
  ]
  return formatTable([source.name, ''], rows)
}

function addStateCommand(
  sources: Command,
  cli: Cli,
  verb: 'pause' | 'resume',
  description: string,
): void {
  const state = verb === 'pause' ? 'paused' : 'active'
  sources
    .command(verb)
    .argument('<name>', 'the source')
    .description(description)
    .addHelpText('after', formatExamples(`shelfsync sources ${verb} my-shop`))
    .action(async (name: string) => {
      await using tools = await cli.open()
      const saved = await saveSource(tools.db, (await loadSource(tools.db, name)).id, { state })
      cli.output.result(sourceToJson(saved), `${name} is ${state}.`)
    })
}
