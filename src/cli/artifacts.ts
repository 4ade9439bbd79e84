// `shelfsync artifacts`: what suppliers sent, as it was archived.

import type { Command } from 'commander'
import { readParts, verifyArtifact } from '../artifacts/parts.ts'
import { SyncError } from '../core/errors.ts'
import { listArtifacts, type ArtifactListing } from '../db/read/listings.ts'
import { listParts, type ArchivedPart } from '../db/write/artifacts.ts'
import { escapeLines } from '../lib/printable.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples, EXIT } from './cli.ts'
import { createLimitOption, parseId } from './ids.ts'
import type { Tools } from '../app/compose.ts'
import { formatBytes, formatQuantity, formatRelative } from './format.ts'

export function addArtifacts(program: Command, cli: Cli): void {
  const artifacts = program
    .command('artifacts')
    .description('list, verify or print what suppliers sent')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync artifacts',
        'shelfsync artifacts verify 7',
        'shelfsync artifacts cat 7 | head -3',
      ),
    )
  artifacts
    .command('list', { isDefault: true })
    .description('list the newest artifacts')
    .option('--source <name>', 'of this source only')
    .addOption(createLimitOption(20))
    .addHelpText(
      'after',
      formatExamples('shelfsync artifacts', 'shelfsync artifacts --source medipim-au'),
    )
    .action(async (filter: { source?: string; limit: number }) => {
      await using tools = await cli.open()
      if (filter.source !== undefined) await loadSource(tools.db, filter.source)
      const listed = await listArtifacts(tools.db, filter)
      const now = new Date()
      const rows = listed.map(
        ({
          run,
          source,
          state,
          complete,
          startedAt,
          parts,
          lines,
          rawBytes,
          storedBytes,
          latest,
        }) => [
          String(run),
          source,
          latest ? `${state}, latest` : state,
          complete ? 'yes' : 'no',
          formatRelative(startedAt, now),
          parts,
          lines,
          formatBytes(rawBytes),
          formatBytes(storedBytes),
        ],
      )
      cli.output.list(
        listed,
        ['run', 'source', 'state', 'complete', 'started', 'parts', 'lines', 'raw', 'stored'],
        rows,
        'No artifacts yet.',
      )
    })

  artifacts
    .command('verify')
    .argument('[run]', 'whose artifact; by default all that are not purged', parseId)
    .description(
      'read stored bytes back and compare them with their checksums, sizes and line counts',
    )
    .addHelpText(
      'after',
      formatExamples('shelfsync artifacts verify', 'shelfsync artifacts verify 7'),
    )
    .action(async (run: number | undefined) => {
      await using tools = await cli.open()
      const listed =
        run === undefined
          ? await listArtifacts(tools.db, { limit: 1_000_000 })
          : [await loadArtifact(tools, run)]
      for (const artifact of listed.filter(({ state }) => state !== 'purged')) {
        let sound = 0
        const problems: string[] = []
        for await (const { problem } of verifyArtifact(
          tools.store,
          await partsOf(tools, artifact),
        )) {
          if (problem) problems.push(problem.message)
          else sound += 1
        }
        if (problems.length > 0) cli.end(EXIT.failed)
        const verdict =
          problems.length === 0
            ? `${formatQuantity(sound, 'part')} as archived`
            : `${problems.length} of ${formatQuantity(sound + problems.length, 'part')} damaged`
        const text = [
          `run ${artifact.run} of ${artifact.source}: ${verdict}`,
          ...problems.map((problem) => `  ${problem}`),
        ].join('\n')
        cli.output.result(
          {
            run: artifact.run,
            source: artifact.source,
            ok: problems.length === 0,
            sound,
            problems,
          },
          text,
        )
      }
    })

  artifacts
    .command('cat')
    .argument('<run>', 'whose artifact', parseId)
    .description('print an artifact as the NDJSON that was archived, verified part by part')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync artifacts cat 7 > run-7.ndjson',
        'shelfsync artifacts cat 7 | head -3',
      ),
    )
    .action(async (run: number) => {
      await using tools = await cli.open()
      await writeAll(readParts(tools.store, await partsOf(tools, await loadArtifact(tools, run))))
    })
}

async function loadArtifact({ db }: Tools, run: number): Promise<ArtifactListing> {
  const [artifact] = await listArtifacts(db, { run, limit: 1 })
  if (!artifact) throw new SyncError('run/no-artifact', `There is no artifact of a run ${run}`)
  if (artifact.state === 'purged')
    throw new SyncError('run/no-artifact', `The artifact of run ${run} is purged`)
  return artifact
}

async function partsOf({ db }: Tools, { source, run }: ArtifactListing): Promise<ArchivedPart[]> {
  return listParts(db, (await loadSource(db, source)).id, run)
}

/**
 * To standard output byte for byte, no faster than it is read, and no further than that: `head`
 * closes it early. A terminal gets what is harmless.
 */
async function writeAll(chunks: AsyncIterable<Buffer>): Promise<void> {
  const decoder = new TextDecoder()
  let isClosed = false
  process.stdout.once('error', () => (isClosed = true))
  for await (const chunk of chunks) {
    if (isClosed) return
    const shown = process.stdout.isTTY
      ? escapeLines(decoder.decode(chunk, { stream: true }))
      : chunk
    await new Promise<void>((resolve) => process.stdout.write(shown, () => resolve()))
  }
}
