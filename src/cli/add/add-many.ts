// Adds many sources side by side. One that cannot be added does not stop the others.

import type { SyncTools } from '../../app/compose.ts'
import { isStop, SyncError } from '../../core/errors.ts'
import type { Source } from '../../db/sources.ts'
import { syncSource } from '../../pipeline/sync.ts'
import { bindSource } from '../../sources/bound-source.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { type Cli, toErrorExitCode } from '../cli.ts'
import { createSource, type CreatedSource, type SourceRequest } from './create-source.ts'
import { listTried } from './found.ts'
import { eachByKey } from '../sync/each-by-key.ts'
import { formatQuantity } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'
import { toRequest } from '../sync/sync-request.ts'
import { RUNS_AT_ONCE, watchRuns } from '../sync/watch-runs.ts'
import { type List, printTotals } from '../terminal/list.ts'

/** Most of the time, an addition waits for the turn of its next request to the host. */
const ADDED_AT_ONCE = 12

type Result = { readonly created: CreatedSource } | { readonly error: SyncError }

interface Additions {
  readonly requests: readonly SourceRequest[]
  readonly syncs: boolean
  readonly signal: AbortSignal
}

/**
 * Prints a line or a JSON object for each request, and a table at the end; then syncs the shops.
 */
export async function addMany(
  cli: Cli,
  tools: SyncTools,
  { requests, syncs, signal }: Additions,
): Promise<void> {
  const results = new Map<SourceRequest, Result>()
  await eachByKey(requests, { atOnce: ADDED_AT_ONCE, keyOf: toHostKey }, async (request) => {
    if (signal.aborted) return
    const result = await addOne(tools, request, signal)
    if (result === null) return
    results.set(request, result)
    if ('error' in result) cli.end(toErrorExitCode(result.error))
    printResult(cli.output, request, result, `${results.size} of ${requests.length}`)
  })
  const added = [...results.values()].filter((result) => 'created' in result).length
  const totals = `${added} of ${formatQuantity(requests.length, 'source')} added`
  printTotals(cli.output, toTable(cli.output, requests, results), totals)
  const shops = [...results.values()].flatMap((result) =>
    'created' in result && result.created.samples !== null ? [result.created.source] : [],
  )
  if (syncs && shops.length > 0 && !signal.aborted) await syncAll(cli, tools, shops, signal)
  else if (shops.length > 0) cli.output.say('Next: shelfsync sync')
}

/** Requests of the same shop come one after the other. */
function toHostKey({ shop }: SourceRequest): string {
  return URL.parse(shop)?.host ?? shop
}

/** Returns null when the command is stopped. */
async function addOne(
  tools: SyncTools,
  request: SourceRequest,
  signal: AbortSignal,
): Promise<Result | null> {
  try {
    if (request.shop === '') throw new SyncError('usage/invalid', 'The line has no address')
    const created = await createSource(tools, request, signal)
    await recordOwnAction(tools.db, { action: 'source.add', source: created.source.name })
    return { created }
  } catch (error) {
    if (isStop(error)) return null
    if (error instanceof SyncError) return { error }
    throw error
  }
}

async function syncAll(
  cli: Cli,
  tools: SyncTools,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<void> {
  cli.output.say('')
  await watchRuns(cli, tools, {
    sources,
    atOnce: RUNS_AT_ONCE,
    signal,
    work: async (source, progress) =>
      syncSource(tools, bindSource(tools, source), toRequest({}), { progress, signal }),
  })
}

function printResult(output: Output, { shop }: SourceRequest, result: Result, place: string): void {
  const added = 'created' in result ? result.created : null
  const error = 'error' in result ? result.error : null
  output.result(
    {
      address: shop,
      source: added?.source.name ?? null,
      connector: added?.connector.name ?? null,
      settings: added?.source.settings ?? null,
      tried: added?.tried ?? (error ? listTried(error) : []),
      samples: added?.samples ?? null,
      error: error && { code: error.code, message: error.message, hint: error.hint },
    },
    `${place}  ${output.inLine(shop) || 'a line without an address'}: ${added ? `added as ${added.source.name}` : 'not added'}`,
  )
  for (const note of added?.notes ?? []) output.note(note)
  if (error && !output.json) output.error(error)
}

function toTable(
  output: Output,
  requests: readonly SourceRequest[],
  results: ReadonlyMap<SourceRequest, Result>,
): Pick<List, 'headings' | 'rows'> {
  return {
    headings: ['name', 'address', 'result'],
    rows: requests.map((request) => {
      const result = results.get(request)
      const { name, shop } = request
      if (result === undefined) return [name ?? '-', shop, 'not added: stopped']
      return 'created' in result
        ? [result.created.source.name, shop, describeFound(output, result.created)]
        : [name ?? '-', shop, 'not added']
    }),
  }
}

/** `shopify: 5 products, such as Blue shirt AUD 12.50`. */
function describeFound(output: Output, { connector, samples }: CreatedSource): string {
  const [first] = samples ?? []
  if (first === undefined)
    return samples === null ? connector.name : `${connector.name}: no product`
  const price = first.price === null ? '' : ` ${first.price}`
  return `${connector.name}: ${formatQuantity(samples?.length ?? 0, 'product')} read, such as ${output.short(first.title, 40)}${price}`
}
