// `shelfsync artifacts`: lists, verifies and prints the archived data of the suppliers.

import { type Command, Option } from 'commander'
import type { Tools } from '../app/compose.ts'
import { readPart, readParts, verifyArtifact } from '../artifacts/parts.ts'
import { readLine } from '../artifacts/read-line.ts'
import { findManifestProblems, toManifestKeyOf } from '../artifacts/verify-manifest.ts'
import { SyncError } from '../core/errors.ts'
import {
  countArtifacts,
  listArtifacts,
  loadArtifact,
  type ArtifactSummary,
} from '../db/read/artifacts.ts'
import { loadRunSummary } from '../db/read/run-summaries.ts'
import { loadAllPages, type PageRequest } from '../db/read/page.ts'
import { loadSource } from '../db/sources.ts'
import { listParts, type ArchivedPart } from '../db/write/artifacts.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { formatBytes } from '../format/format.ts'
import { formatQuantity, formatRelative } from '../lib/words.ts'
import { createLimitOption, parseCount, parseId } from './arguments/numbers.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'
import { writeBytes } from './terminal/write-bytes.ts'

/** The part of an artifact that `cat` prints. Default: all of it. */
interface Place {
  readonly part?: number
  readonly line?: number
}

interface ListFlags extends PageRequest {
  readonly source?: string
}

export function defineArtifacts(artifacts: Command, cli: Cli): void {
  artifacts.addHelpText(
    'after',
    formatExamples(
      'shelfsync artifacts',
      'shelfsync artifacts verify 7',
      'shelfsync artifacts cat 7 | head -3',
    ),
  )
  artifacts
    .command('list', { isDefault: true })
    .description('list artifacts, the newest first')
    .option('--source <name>', 'only artifacts of this source')
    .addOption(createLimitOption(20))
    .addOption(createAfterOption('artifacts'))
    .addHelpText(
      'after',
      formatExamples('shelfsync artifacts', 'shelfsync artifacts --source my-shop'),
    )
    .action((flags: ListFlags) => printArtifacts(cli, flags))
  artifacts
    .command('verify')
    .argument(
      '[run]',
      'the run of the artifact; by default every artifact that is not purged',
      parseId,
    )
    .description(
      'read stored bytes back; compare checksums, sizes and line counts, and the manifest with the database',
    )
    .addHelpText(
      'after',
      formatExamples('shelfsync artifacts verify', 'shelfsync artifacts verify 7'),
    )
    .action((run: number | undefined) => verifyArtifacts(cli, run))
  artifacts
    .command('cat')
    .argument('<run>', 'the run of the artifact', parseId)
    .description('print an artifact as the archived NDJSON, verified part by part')
    .addOption(new Option('--part <n>', 'only this part').argParser(parseCount))
    .addOption(
      new Option('--line <n>', 'only this line of the part, counted from 1').argParser(parseCount),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync artifacts cat 7 > run-7.ndjson',
        'shelfsync artifacts cat 7 | head -3',
        'shelfsync artifacts cat 7 --part 1 --line 12',
      ),
    )
    .action((run: number, place: Place) => printArtifact(cli, run, place))
}

async function printArtifacts(cli: Cli, flags: ListFlags): Promise<void> {
  await using tools = await cli.open()
  if (flags.source !== undefined) await loadSource(tools.db, flags.source)
  const page = await listArtifacts(tools.db, flags)
  const now = new Date()
  await printPage(cli.output, page, {
    headings: [
      'run',
      'source',
      'state',
      'complete',
      'started',
      'parts',
      'lines',
      'raw',
      'stored',
      'parsing',
    ],
    rows: page.items.map((artifact) => [
      String(artifact.run),
      artifact.source,
      artifact.latest ? `${artifact.state}, latest` : artifact.state,
      artifact.complete ? 'yes' : 'no',
      formatRelative(artifact.startedAt, now),
      artifact.parts,
      artifact.lines,
      formatBytes(artifact.rawBytes),
      formatBytes(artifact.storedBytes),
      artifact.parsingWarnings,
    ]),
    empty: 'No artifacts yet.',
    command: formatRepeat(['artifacts'], { source: flags.source, limit: flags.limit }),
    count: () => countArtifacts(tools.db, flags.source),
  })
}

async function verifyArtifacts(cli: Cli, run: number | undefined): Promise<void> {
  await using tools = await cli.open()
  const artifacts =
    run === undefined
      ? await loadAllPages((page) => listArtifacts(tools.db, page))
      : [await loadStoredArtifact(tools, run)]
  for (const artifact of artifacts.filter(({ state }) => state !== 'purged')) {
    const parts = await listArtifactParts(tools, artifact)
    const damaged: string[] = []
    for await (const { problem } of verifyArtifact(tools.store, parts))
      if (problem) damaged.push(problem.message)
    const manifest = await verifyManifest(tools, artifact, parts)
    const problems = [...damaged, ...(manifest ?? [])]
    const ok = problems.length === 0
    if (!ok) cli.end(EXIT.failed)
    const { run: id, source } = artifact
    const sound = parts.length - damaged.length
    cli.output.result(
      { run: id, source, ok, sound, problems, manifest: manifest && manifest.length === 0 },
      [
        `run ${id} of ${source}: ${formatVerdict(parts.length, damaged.length, manifest)}`,
        ...problems.map((problem) => `  ${problem}`),
      ].join('\n'),
    )
  }
}

/**
 * Returns the problems of the manifest. Null without one: settle writes it, and an artifact without
 * parts has nothing to list.
 */
async function verifyManifest(
  { db, store }: Tools,
  { run, complete, expected }: ArtifactSummary,
  parts: readonly ArchivedPart[],
): Promise<string[] | null> {
  const [first] = parts
  if (first === undefined || (await loadRunSummary(db, run)).ledger === null) return null
  return findManifestProblems(store, toManifestKeyOf(first), { run, complete, expected, parts })
}

function formatVerdict(parts: number, damaged: number, manifest: string[] | null): string {
  const verdict =
    damaged === 0
      ? `${formatQuantity(parts, 'part')} verified`
      : `${damaged} of ${formatQuantity(parts, 'part')} damaged`
  if (manifest === null)
    return parts === 0 ? verdict : `${verdict}, no manifest before the run settles`
  return `${verdict}, manifest ${manifest.length === 0 ? 'verified' : 'damaged'}`
}

/** @throws SyncError `usage/invalid` when the artifact does not have the part or the line */
async function printArtifact(cli: Cli, run: number, { part: no, line }: Place): Promise<void> {
  if (line !== undefined && no === undefined)
    throw new SyncError('usage/invalid', '--line needs --part: lines are counted in each part')
  await using tools = await cli.open()
  const parts = await listArtifactParts(tools, await loadStoredArtifact(tools, run))
  if (no === undefined) return await writeBytes(readParts(tools.store, parts))
  const part = parts.find((one) => one.no === no)
  if (!part)
    throw new SyncError(
      'usage/invalid',
      `The artifact of run ${run} has ${formatQuantity(parts.length, 'part')}, not part ${no}`,
    )
  if (line !== undefined && line > part.lineCount)
    throw new SyncError(
      'usage/invalid',
      `Part ${no} of run ${run} has ${formatQuantity(part.lineCount, 'line')}, not line ${line}`,
    )
  await writeBytes(
    line === undefined ? readPart(tools.store, part) : readLine(tools.store, part, line),
  )
}

/** @throws SyncError `run/no-artifact`, also when it is purged */
async function loadStoredArtifact({ db }: Tools, run: number): Promise<ArtifactSummary> {
  const artifact = await loadArtifact(db, run)
  if (artifact.state === 'purged')
    throw new SyncError('run/no-artifact', `The artifact of run ${run} is purged`)
  return artifact
}

async function listArtifactParts(
  { db }: Tools,
  { source, run }: ArtifactSummary,
): Promise<ArchivedPart[]> {
  return listParts(db, (await loadSource(db, source)).id, run)
}
