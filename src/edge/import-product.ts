// import-product: requests one product by its ASIN, stores it, and responds with its id and the
// fields that Amazon has stated. A product that is stored already is brought up to date.

import './node-globals.ts'
import { z } from 'zod'
import { amazon } from '../connectors/amazon/connector.ts'
import { AmazonSettings } from '../connectors/amazon/settings.ts'
import { ERRORS } from '../core/error-table.ts'
import { SyncError } from '../core/errors.ts'
import { readTypedKey } from '../core/typed-key.ts'
import { loadRunDetails } from '../db/read/run-summaries.ts'
import type { EdgeFunction, EdgeResult, EdgeTools } from './function.ts'
import { importBatch, listOpenSources, type OpenSource } from './sync-products.ts'

const Body = z.strictObject({
  /** An ASIN, or the address of its page. */
  asin: z.string().min(1).max(2_000),
  /** Such as www.amazon.de. It may be left out with one source of Amazon. */
  marketplace: z.string().optional(),
})
type Body = z.infer<typeof Body>

export const importProduct: EdgeFunction<Body> = {
  name: 'import-product',
  method: 'POST',
  allowsCron: false,
  body: Body,
  connector: amazon,
  handle: importOne,
}

async function importOne({ asin, marketplace }: Body, tools: EdgeTools): Promise<EdgeResult> {
  const source = chooseSource(await listOpenSources(tools, amazon), marketplace)
  const { key, problem } = readTypedKey(amazon, asin, settingsOf(source))
  if (key === null) throw new SyncError('request/invalid', problem)
  const report = await importBatch(source, [key], tools.signal)
  const [result] = (await loadRunDetails(tools.db, report.run)).imports
  if (result === undefined) throw report.error
  const { state } = result
  tools.log.info({ run: report.run, asin: key, state }, 'import')
  // The stored settings may leave the marketplace to its default.
  const named = { ...result, run: report.run, asin: key, marketplace: marketplaceOf(source) }
  if (result.state !== 'failed') return { status: 200, body: named }
  const { code, message } = result.error
  const status = code === null ? 500 : ERRORS[code].status
  const hint = code === null ? '' : ERRORS[code].hint
  return { status, body: { ...named, error: { code, message, hint } } }
}

/** @throws SyncError `source/unknown` without a source of the marketplace · `request/invalid` */
function chooseSource(sources: readonly OpenSource[], marketplace: string | undefined): OpenSource {
  const found = sources.filter(
    (source) => (marketplace ?? marketplaceOf(source)) === marketplaceOf(source),
  )
  const [first, second] = found
  if (first === undefined)
    throw new SyncError(
      'source/unknown',
      `No source of ${marketplace ?? 'Amazon'} is active: add one with \`shelfsync add amazon --marketplace ${marketplace ?? 'www.amazon.com'}\``,
    )
  if (second !== undefined && marketplace === undefined)
    throw new SyncError(
      'request/invalid',
      `Name the marketplace: ${found.map(marketplaceOf).join(', ')}`,
    )
  return first
}

function marketplaceOf(source: OpenSource): string {
  return settingsOf(source).marketplace
}

function settingsOf({ bound }: OpenSource): AmazonSettings {
  return AmazonSettings.parse(bound.settings)
}
