// `shelfsync import`: imports named products now, in this process, beside any other run of their source.

import type { Command } from 'commander'
import type { SyncTools } from '../../app/compose.ts'
import { isStop, SyncError } from '../../core/errors.ts'
import type { FailedImport, ImportResult } from '../../core/import-result.ts'
import { loadImportedFacts } from '../../db/read/imported-products.ts'
import { loadRunDetails } from '../../db/read/run-summaries.ts'
import { toSyncError } from '../../db/errors.ts'
import { cutText } from '../../lib/text.ts'
import { createProgress } from '../../pipeline/context.ts'
import { keepArtifacts } from '../../pipeline/keep-artifacts.ts'
import type { RunReport } from '../../pipeline/run-in-process.ts'
import { importKeys } from '../../pipeline/sync.ts'
import { bindSource, type BoundSource } from '../../sources/bound-source.ts'
import {
  chooseImportSource,
  marketplaceOf,
  readTypedKeys,
  type RefusedText,
} from '../../sources/import-source.ts'
import { type Cli, EXIT, formatExamples } from '../cli.ts'
import { showProgress } from '../terminal/progress.ts'
import { formatCard, formatLine, formatSummary } from './format.ts'
import { readItems } from './read-items.ts'

interface ImportFlags {
  readonly from?: string
  readonly marketplace?: string
  readonly source?: string
}

/** More products than these are printed as lines. */
const CARDS_MAX = 20
const TYPED_CHARS_MAX = 200
const NO_PRODUCT = new SyncError('usage/invalid', 'No product of the command is valid')
const STOPPING = 'stopping; the same import resumes'

export function defineImport(command: Command, cli: Cli): void {
  command
    .argument('[products...]', 'ASINs or addresses of product pages; for other connectors, ids')
    .option(
      '--from <file>',
      'import the products in this file, one in each line; - reads standard input',
    )
    .option(
      '--marketplace <marketplace>',
      'such as www.amazon.de; by default the one of the environment, or of the only source',
    )
    .option('--source <name>', 'the source, of any connector that can fetch products by their ids')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync import B08DQQ8CBP',
        'shelfsync import https://www.amazon.de/dp/B08DQQ8CBP --marketplace www.amazon.de',
        'shelfsync import --from asins.txt --json',
        'shelfsync import 1001 1002 --source my-shop',
      ),
    )
    .action((items: readonly string[], flags: ImportFlags) => importProducts(cli, items, flags))
}

async function importProducts(
  cli: Cli,
  items: readonly string[],
  flags: ImportFlags,
): Promise<void> {
  const { output, input } = cli
  const { from, marketplace = null, source: name = null } = flags
  const texts = await readItems({ items, from, input })
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.openSync()
  const values = tools.settings.credentials
  const source = await chooseImportSource({ ...tools, values }, { source: name, marketplace })
  const bound = bindSource(tools, source)
  const { keys, refused } = readTypedKeys(bound, texts)
  const refusals = refused.map((one) => toRefusal(bound, one))
  if (keys.length === 0)
    return await printResults(cli, tools, bound, { run: null, results: refusals })
  const progress = createProgress()
  const hide = showProgress(output, source.name, progress)
  let report: RunReport
  try {
    report = await importKeys(tools, bound, keys, { progress, signal })
  } catch (thrown) {
    if (refusals.length > 0) await printResults(cli, tools, bound, { run: null, results: refusals })
    throw toSyncError(thrown)
  } finally {
    hide()
  }
  const { imports } = await loadRunDetails(tools.db, report.run)
  await printResults(cli, tools, bound, { run: report, results: [...imports, ...refusals] })
  await keepArtifacts(
    tools,
    source,
    { id: report.run, succeeded: report.state === 'succeeded' },
    tools.settings,
  )
}

interface Results {
  /** Null when no run was started. */
  readonly run: RunReport | null
  readonly results: readonly ImportResult[]
}

async function printResults(
  cli: Cli,
  tools: SyncTools,
  bound: BoundSource,
  { run, results }: Results,
): Promise<void> {
  const { output } = cli
  const { source } = bound
  const error = run === null ? NO_PRODUCT : run.error instanceof SyncError ? run.error : null
  output.result(
    {
      run: run?.run ?? null,
      source: source.name,
      marketplace: marketplaceOf(bound.settings),
      state: run?.state ?? 'failed',
      reason: run === null ? NO_PRODUCT.message : run.reason,
      code: isStop(run?.error) ? 'run/cancelled' : (error?.code ?? null),
      imports: results,
      hint: error?.hint ?? null,
    },
    await formatResults(cli, tools, bound, { run, results }),
  )
  output.isReported = true
  if (run?.error != null) {
    if (output.json && run.error instanceof Error) output.reportedError = run.error
    output.error(run.error)
  }
  if (isStop(run?.error)) cli.end(EXIT.interrupted)
  else if (results.some(({ state }) => state === 'failed')) cli.end(EXIT.failed)
  else if (run?.state === 'held') cli.end(EXIT.held)
}

async function formatResults(
  { output }: Cli,
  { db }: SyncTools,
  { source }: BoundSource,
  { run, results }: Results,
): Promise<string> {
  if (output.json) return ''
  const lines = results.length === 1 ? [] : [formatSummary(results)]
  const held =
    run?.state === 'held'
      ? [
          `run ${run.run} is held: ${output.short(run.reason ?? '', 500)}`,
          `decide: shelfsync runs diff ${run.run}`,
        ]
      : []
  const isTerminal = output.width !== Infinity
  if (!isTerminal || results.length > CARDS_MAX)
    return [...results.map((one) => formatLine(output, one)), ...lines, ...held].join('\n')
  const asOf = run === null ? null : (await loadRunDetails(db, run.run)).startedAt
  const facts = await loadImportedFacts(
    db,
    source.id,
    results.map(({ externalId }) => externalId),
  )
  const cards = results.map((result) =>
    formatCard(output, { result, asOf, facts: facts.get(result.externalId) ?? null }),
  )
  return [...cards, ...lines, ...held].join('\n')
}

/** The result of a text that names no product: nothing was requested for it. */
function toRefusal({ settings }: BoundSource, { text, problem }: RefusedText): FailedImport {
  return {
    productId: null,
    externalId: cutText(text.trim(), TYPED_CHARS_MAX),
    asin: null,
    marketplace: marketplaceOf(settings),
    state: 'failed',
    imported: [],
    missing: [],
    error: { code: 'usage/invalid', message: problem },
  }
}
