// `shelfsync products`: lists and searches the products of a source.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PageRequest } from '../db/read/page.ts'
import {
  listProducts,
  LISTED_STATUSES,
  PRODUCT_STATUSES,
  type ListedPrice,
  type ListedProduct,
  type ProductStatus,
} from '../db/read/products.ts'
import { loadSource } from '../db/sources.ts'
import { type Cli, formatExamples } from './cli.ts'
import { formatPrice } from '../format/format.ts'
import { formatRelative } from '../lib/words.ts'
import { formatTitle } from './format/changes.ts'
import type { Output } from './terminal/output.ts'
import { createLimitOption } from './arguments/numbers.ts'
import { createAfterOption, formatRepeat, printPage } from './terminal/paging.ts'

interface ProductFlags extends PageRequest {
  readonly status?: readonly ProductStatus[]
  readonly all?: boolean
}

/** Rows of one page with --all. */
const ALL_PAGE = 1000
/** The types that a shopper pays come before those between companies. */
const SHOWN_TYPES = ['public', 'list']

export function defineProducts(command: Command, cli: Cli): void {
  command
    .argument('<name>', 'the source')
    .argument(
      '[words...]',
      'only products with all of these words: parts of the title, or the whole id, SKU or GTIN',
    )
    .addOption(createStatusOption())
    .addOption(createLimitOption(50))
    .addOption(createAfterOption('products'))
    .option('--all', 'print all pages, one after the other')
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync products my-shop',
        'shelfsync products my-shop blue shirt',
        'shelfsync products my-shop 9312345678907 --json',
        'shelfsync products my-shop --status removed --all',
      ),
    )
    .action((name: string, words: readonly string[], flags: ProductFlags) =>
      printProducts(cli, name, words, flags),
    )
}

/** The option --status of lists and exports. */
export function createStatusOption(): Option {
  return new Option(
    '--status <status>',
    `only products in this status: ${PRODUCT_STATUSES.join(', ')}, or all; by default all that are not removed`,
  ).argParser(parseStatus)
}

/** Returns the default of --status. */
export function chooseStatuses(
  given: readonly ProductStatus[] | undefined,
): readonly ProductStatus[] {
  return given ?? LISTED_STATUSES
}

async function printProducts(
  cli: Cli,
  name: string,
  words: readonly string[],
  { status, all = false, ...request }: ProductFlags,
): Promise<void> {
  await using tools = await cli.open()
  const { id } = await loadSource(tools.db, name)
  const filter = { words, statuses: chooseStatuses(status) }
  let { after } = request
  do {
    const limit = all ? ALL_PAGE : request.limit
    const page = await listProducts(tools.db, id, { ...filter, limit, after })
    await printProductPage(cli, { page, words, name, request, status, all })
    after = all ? (page.next ?? undefined) : undefined
  } while (after !== undefined)
}

interface PrintedPage {
  readonly page: Awaited<ReturnType<typeof listProducts>>
  readonly words: readonly string[]
  readonly name: string
  readonly request: PageRequest
  readonly status: readonly ProductStatus[] | undefined
  readonly all: boolean
}

async function printProductPage(
  { output }: Cli,
  { page, words, name, request, status, all }: PrintedPage,
): Promise<void> {
  const now = new Date()
  await printPage(output, all ? { ...page, next: null } : page, {
    headings: ['product', 'title', 'status', 'price', 'SKU', 'GTIN', 'changed'],
    rows: page.items.map((product) => toRow(output, product, now)),
    empty: words.length === 0 ? `${name} has no products yet.` : 'No product has all these words.',
    command: formatRepeat(['products', name, ...words], {
      status: status?.length === 1 ? status[0] : status && 'all',
      limit: request.limit,
    }),
  })
}

function toRow(output: Output, product: ListedProduct, now: Date): string[] {
  const { id, title, status, variants, changedAt } = product
  const [first] = variants
  const more = variants.length > 1 ? ` +${variants.length - 1}` : ''
  return [
    output.short(id, 60),
    formatTitle(output, title),
    status,
    formatPrices(variants.flatMap(({ prices }) => prices)),
    first?.sku == null ? '-' : output.short(first.sku, 30) + more,
    first?.gtin ?? '-',
    formatRelative(changedAt, now),
  ]
}

/** `AUD 12.50`, or `AUD 12.50 to 19.00` for variants with different prices; of one type. */
function formatPrices(prices: readonly ListedPrice[]): string {
  const type =
    SHOWN_TYPES.find((shown) => prices.some((price) => price.type === shown)) ?? prices[0]?.type
  const shown = prices.filter((price) => price.type === type)
  const [lowest] = shown.toSorted((a, b) => a.amountMinor - b.amountMinor)
  const highest = shown.toSorted((a, b) => b.amountMinor - a.amountMinor)[0]
  if (!lowest || !highest) return '-'
  const [from, to] = [formatPrice(lowest), formatPrice(highest)]
  return from === to ? from : `${from} to ${to.slice(to.indexOf(' ') + 1)}`
}

function parseStatus(text: string): readonly ProductStatus[] {
  if (text === 'all') return PRODUCT_STATUSES
  const status = PRODUCT_STATUSES.find((one) => one === text)
  if (!status)
    throw new InvalidArgumentError(`It must be one of ${PRODUCT_STATUSES.join(', ')}, all.`)
  return [status]
}
