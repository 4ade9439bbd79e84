// `shelfsync export`: writes all products of a source as CSV or NDJSON, in one snapshot and with
// one page in memory.

import type { Command } from 'commander'
import type { Tools } from '../app/compose.ts'
import { SyncError } from '../core/errors.ts'
import {
  listPriceTypes,
  type ProductFilter,
  type ProductStatus,
  readProducts,
} from '../db/read/products.ts'
import { loadSource, type Source } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatQuantity } from './format/format.ts'
import { type CsvOptions, formatCsvHeader, formatCsvLines } from './format/product-csv.ts'
import { chooseStatuses, createStatusOption } from './products.ts'
import { writeBytes } from './terminal/write-bytes.ts'
import { writeToFile } from './terminal/write-file.ts'

interface ExportFlags {
  readonly csv?: boolean
  readonly ndjson?: boolean
  readonly to?: string
  readonly exact?: boolean
  readonly status?: readonly ProductStatus[]
}

interface Counted {
  products: number
}

export function defineExport(command: Command, cli: Cli): void {
  command
    .argument('<name>', 'the source')
    .option(
      '--csv',
      'one line for each variant; text that a spreadsheet would execute begins with an apostrophe',
    )
    .option('--ndjson', 'one JSON object for each product, with its variants, prices and images')
    .option('--to <file>', 'write to this file; by default to standard output')
    .option('--exact', 'with --csv: write every text unchanged, for programs')
    .addOption(createStatusOption())
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync export my-shop --csv --to my-shop.csv',
        'shelfsync export my-shop --ndjson | head -1',
        'shelfsync export my-shop --csv --exact --status active',
      ),
    )
    .action((name: string, flags: ExportFlags) => exportProducts(cli, name, flags))
}

async function exportProducts(cli: Cli, name: string, flags: ExportFlags): Promise<void> {
  const { csv = false, ndjson = false, exact = false, to } = flags
  if (csv === ndjson) throw new SyncError('usage/invalid', 'Give either --csv or --ndjson')
  if (exact && !csv) throw new SyncError('usage/invalid', '--exact needs --csv: NDJSON is exact')
  if (csv && cli.output.json && to === undefined)
    throw new SyncError('usage/invalid', '--csv with --json needs --to: CSV lines are not JSON')
  await using tools = await cli.open()
  const source = await loadSource(tools.db, name)
  const filter = { words: [], statuses: chooseStatuses(flags.status) }
  const counted: Counted = { products: 0 }
  const chunks = csv
    ? formatCsv(tools, source, filter, { exact, counted })
    : formatNdjson(tools, source, filter, counted)
  if (to === undefined) return await writeBytes(toBytes(chunks))
  await writeToFile(to, chunks)
  cli.output.result(
    { source: name, file: to, products: counted.products },
    `${formatQuantity(counted.products, 'product')} of ${name} in ${to}.`,
  )
}

async function* formatCsv(
  { db }: Tools,
  { id }: Source,
  filter: ProductFilter,
  { exact, counted }: { readonly exact: boolean; readonly counted: Counted },
): AsyncGenerator<string> {
  const options: CsvOptions = { exact, priceTypes: await listPriceTypes(db, id) }
  yield formatCsvHeader(options)
  for await (const products of readProducts(db, id, filter)) {
    counted.products += products.length
    yield products.map((product) => formatCsvLines(product, options)).join('')
  }
}

async function* formatNdjson(
  { db }: Tools,
  { id }: Source,
  filter: ProductFilter,
  counted: Counted,
): AsyncGenerator<string> {
  for await (const products of readProducts(db, id, filter)) {
    counted.products += products.length
    yield products.map((product) => `${JSON.stringify(product)}\n`).join('')
  }
}

/** A terminal needs no carriage returns. */
async function* toBytes(chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks)
    yield Buffer.from(process.stdout.isTTY ? chunk.replaceAll('\r\n', '\n') : chunk)
}
