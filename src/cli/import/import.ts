// `shelfsync import`: imports named products now, in this process, beside any other run of their
// source.

import type { Command } from 'commander'
import type { SyncTools } from '../../app/compose.ts'
import { SyncError } from '../../core/errors.ts'
import type { FailedImport, ImportResult } from '../../core/import-result.ts'
import { loadImportedFacts } from '../../db/read/imported-products.ts'
import { loadRunDetails, type RunDetails } from '../../db/read/run-summaries.ts'
import type { Source } from '../../db/sources.ts'
import { cutText } from '../../lib/text.ts'
import { importKeys } from '../../pipeline/sync.ts'
import { bindSource, type BoundSource } from '../../sources/bound-source.ts'
import {
  chooseImportSource,
  marketplaceOf,
  readTypedKeys,
  type RefusedText,
} from '../../sources/import-source.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { type Cli, EXIT, formatExamples, toErrorExitCode } from '../cli.ts'
import { describeError, toRefusedReport, type Report } from '../sync/report.ts'
import { watchRun } from '../sync/watch-run.ts'
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
  const { input } = cli
  const { from, marketplace = null, source: name = null } = flags
  const texts = await readItems({ items, from, input })
  const signal = cli.createStopSignal(STOPPING)
  await using tools = await cli.openSync()
  const values = tools.settings.credentials
  const source = await chooseImportSource({ ...tools, values }, { source: name, marketplace })
  const bound = bindSource(tools, source)
  const { keys, refused } = readTypedKeys(bound, texts)
  const refusals = refused.map((one) => toRefusal(bound, one))
  const print = (report: Report) => printResults(cli, tools, bound, { report, refusals })
  if (keys.length === 0) return await print(toRefusedReport(source.name, NO_PRODUCT))
  await recordOwnAction(tools.db, {
    action: 'source.import',
    source: source.name,
    detail: { products: keys.length },
  })
  await watchRun(cli, tools, source, {
    work: (progress) => importKeys(tools, bound, keys, { progress, signal }),
    print,
  })
}

interface Ended {
  readonly report: Report
  /** The results of the texts that name no product. */
  readonly refusals: readonly FailedImport[]
}

async function printResults(
  cli: Cli,
  tools: SyncTools,
  { source, settings }: BoundSource,
  { report, refusals }: Ended,
): Promise<void> {
  const { output } = cli
  const { run, state, reason, error } = report
  const details = run === null ? null : await loadRunDetails(tools.db, run)
  const results = [...(details?.imports ?? []), ...refusals]
  const { code, hint } = describeError(error)
  if (output.json || results.length > 0)
    output.result(
      {
        run,
        source: source.name,
        marketplace: marketplaceOf(settings),
        state,
        reason,
        code,
        imports: results,
        hint,
      },
      output.json ? '' : await formatResults(cli, tools, source, { report, details, results }),
    )
  output.isReported = true
  if (output.json && error instanceof Error) output.reportedError = error
  // The results explain each text that names no product.
  if (error !== null && error !== NO_PRODUCT) {
    output.error(error)
    if (run === null) cli.end(toErrorExitCode(error))
  }
  if (results.some((one) => one.state === 'failed')) cli.end(EXIT.failed)
}

interface Results {
  readonly report: Report
  /** Null when no run was started. */
  readonly details: RunDetails | null
  readonly results: readonly ImportResult[]
}

async function formatResults(
  { output }: Cli,
  { db }: SyncTools,
  { id }: Source,
  { report: { run, state, reason }, details, results }: Results,
): Promise<string> {
  const lines = results.length === 1 ? [] : [formatSummary(results)]
  const held =
    state === 'held'
      ? [
          `run ${run} is held: ${output.short(reason ?? '', 500)}`,
          `decide: shelfsync runs diff ${run}`,
        ]
      : []
  const isTerminal = output.width !== Infinity
  if (!isTerminal || results.length > CARDS_MAX)
    return [...results.map((one) => formatLine(output, one)), ...lines, ...held].join('\n')
  const facts = await loadImportedFacts(
    db,
    id,
    results.map(({ externalId }) => externalId),
  )
  const asOf = details?.startedAt ?? null
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
