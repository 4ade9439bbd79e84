// `shelfsync export`: writes all products, prices or changes of one source or of all as CSV or
// NDJSON, in one snapshot and with one page in memory.

import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import { SyncError } from '../core/errors.ts'
import type { ProductStatus } from '../db/read/products.ts'
import { readInSnapshot } from '../db/read/snapshot.ts'
import type { Db } from '../db/pool.ts'
import { loadSource } from '../db/sources.ts'
import {
  exportList,
  EXPORT_LISTS,
  type ExportChunk,
  type ExportList,
  type ExportRequest,
} from '../http/catalogue/export/export.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatQuantity } from '../lib/words.ts'
import { chooseStatuses, createStatusOption } from './products.ts'
import { writeBytes } from './terminal/write-bytes.ts'
import { writeToFile } from './terminal/write-file.ts'

interface ExportFlags {
  readonly csv?: boolean
  readonly ndjson?: boolean
  readonly list: ExportList
  readonly to?: string
  readonly gzip?: boolean
  readonly exact?: boolean
  readonly status?: readonly ProductStatus[]
  readonly type?: string
  readonly history?: boolean
}

export function defineExport(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'the source; by default all sources')
    .option(
      '--csv',
      'lines for spreadsheets; text that one would execute begins with an apostrophe',
    )
    .option('--ndjson', 'one JSON object on each line, as the read API returns it')
    .addOption(
      new Option('--list <list>', 'what to export').choices(EXPORT_LISTS).default('products'),
    )
    .option(
      '--to <file>',
      'write to this file, compressed if it ends with .gz; by default to standard output',
    )
    .option('--gzip', 'compress the output')
    .option('--exact', 'with --csv: write every text unchanged, for programs')
    .addOption(createStatusOption())
    .option('--type <type>', 'with --list prices: only prices of this type')
    .option('--history', 'with --list prices: earlier prices too')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync export my-shop --csv --to my-shop.csv',
        'shelfsync export my-shop --ndjson | head -1',
        'shelfsync export --ndjson --list prices --history --to prices.ndjson.gz',
        'shelfsync export my-shop --csv --exact --status active',
      ),
    )
    .action((name: string | undefined, flags: ExportFlags) => writeExport(cli, name, flags))
}

async function writeExport(cli: Cli, name: string | undefined, flags: ExportFlags): Promise<void> {
  const { csv = false, exact = false, to } = flags
  requireConsistent(flags, cli.output.json)
  await using tools = await cli.open()
  const { db } = tools
  const request = await toRequest(db, name, flags)
  const counted = { rows: 0 }
  const format = csv ? 'csv' : 'ndjson'
  const text = countRows(
    readInSnapshot(db, (session) => exportList(session, request, format, { exact })),
    counted,
  )
  const bytes = compress(text, flags)
  if (to === undefined) return await writeBytes(bytes)
  await writeToFile(to, bytes)
  cli.output.result(
    { source: name, list: flags.list, file: to, [flags.list]: counted.rows },
    `${formatQuantity(counted.rows, flags.list.slice(0, -1))} of ${name ?? 'all sources'} in ${to}.`,
  )
}

/** @throws SyncError `usage/invalid` */
function requireConsistent(flags: ExportFlags, json: boolean): void {
  const { csv = false, ndjson = false, exact = false, to, list, gzip = false } = flags
  const ofPrices = flags.type !== undefined || flags.history === true
  const problems: readonly (readonly [boolean, string])[] = [
    [csv === ndjson, 'Give either --csv or --ndjson'],
    [exact && !csv, '--exact needs --csv: NDJSON is exact'],
    [flags.status !== undefined && list !== 'products', '--status needs --list products'],
    [ofPrices && list !== 'prices', '--type and --history need --list prices'],
    [json && to === undefined && csv, '--csv with --json needs --to: CSV lines are not JSON'],
    [json && to === undefined && gzip, '--gzip with --json needs --to: bytes are not JSON'],
  ]
  const problem = problems.find(([isWrong]) => isWrong)
  if (problem) throw new SyncError('usage/invalid', problem[1])
}

/** @throws SyncError `source/unknown` */
async function toRequest(
  db: Db,
  name: string | undefined,
  { list, status, type, history = false }: ExportFlags,
): Promise<ExportRequest> {
  const sourceId = name === undefined ? null : (await loadSource(db, name)).id
  if (list === 'products') return { list, filter: { sourceId, statuses: chooseStatuses(status) } }
  return { list, filter: { sourceId, product: null, variant: null, type: type ?? null, history } }
}

async function* countRows(
  chunks: AsyncIterable<ExportChunk>,
  counted: { rows: number },
): AsyncGenerator<string> {
  for await (const { text, rows } of chunks) {
    counted.rows += rows
    yield text
  }
}

function compress(
  text: AsyncIterable<string>,
  { gzip = false, to }: ExportFlags,
): AsyncIterable<Buffer> {
  if (!gzip && to?.endsWith('.gz') !== true) return toBytes(text)
  return Readable.from(text).compose(createGzip())
}

/** A terminal needs no carriage returns. */
async function* toBytes(chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks)
    yield Buffer.from(process.stdout.isTTY ? chunk.replaceAll('\r\n', '\n') : chunk)
}
