// `shelfsync explain SOURCE PRODUCT`: prints everything that explains the status and the prices of
// a product, with the place of each fact in the archive.

import type { Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import {
  explainProduct,
  findProducts,
  loadRecord,
  type ProductMatch,
} from '../db/read/product-explanations.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { formatQuantity } from '../lib/words.ts'
import { formatTitle } from './format/changes.ts'
import { formatExplanation } from './format/explanation.ts'
import { printList } from './terminal/list.ts'

interface ExplainFlags {
  readonly raw?: boolean
}

export function defineExplain(command: Command, cli: Cli): void {
  command
    .argument('<source>', 'the source')
    .argument('<product>', "the supplier's id, a SKU, a GTIN, or the id in api.products")
    .option('--raw', "print the supplier's record instead")
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync explain my-shop 1001',
        'shelfsync explain my-shop SKU-7 --json',
        'shelfsync explain my-shop 1001 --raw',
      ),
    )
    .action((source: string, product: string, flags: ExplainFlags) =>
      printExplanation(cli, source, product, flags),
    )
}

async function printExplanation(
  cli: Cli,
  name: string,
  text: string,
  { raw = false }: ExplainFlags,
): Promise<void> {
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const matches = await findProducts(tools.db, source.id, text)
  if (matches.length > 1) return printMatches(cli, name, text, matches)
  const externalId = matches[0]?.externalId ?? text
  if (raw) {
    const record = await loadRecord(tools.db, source.id, externalId)
    if (record === null) throw createUnknownError(name, text)
    return cli.output.result(JSON.parse(record), record, { raw: true })
  }
  const explanation = await explainProduct(tools.db, source.id, externalId)
  if (explanation.product === null && explanation.quarantine.length === 0)
    throw createUnknownError(name, text)
  cli.output.result(
    { source: name, externalId, ...explanation },
    formatExplanation(cli.output, { source: name, externalId, ...explanation }, new Date()),
  )
}

/** The command failed: it does not know which of the products is meant. */
function printMatches(
  cli: Cli,
  source: string,
  text: string,
  matches: readonly ProductMatch[],
): void {
  printList(
    cli.output,
    { source, matches },
    {
      headings: ['product', 'title', 'status', 'matched'],
      rows: matches.map(({ externalId, title, status, matched }) => [
        externalId,
        formatTitle(cli.output, title),
        status,
        matched,
      ]),
      empty: '',
    },
  )
  cli.output.say(
    `${formatQuantity(matches.length, 'product')} match. Name one by its id: shelfsync explain ${source} PRODUCT`,
  )
  cli.end(EXIT.failed)
}

function createUnknownError(source: string, text: string): SyncError {
  return new SyncError('product/unknown', `${source} has no product ${JSON.stringify(text)}`)
}
