// Products as CSV (RFC 4180): one line for each variant, with a column for each type of price.

import { formatMoney } from '../../core/money.ts'
import type { ListedProduct, ListedVariant } from '../../db/read/products.ts'

export interface CsvOptions {
  /** The types of price, in the order of their columns. */
  readonly priceTypes: readonly string[]
  /** True to write every text unchanged, for programs. */
  readonly exact: boolean
}

/**
 * A spreadsheet executes a cell that begins so as a formula:
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\t\r]/

const PRODUCT_COLUMNS = [
  'product',
  'status',
  'title',
  'brand',
  'manufacturer',
  'url',
  'changed_at',
] as const
const VARIANT_COLUMNS = ['variant', 'variant_title', 'sku', 'gtin', 'availability'] as const

/** Returns the first line, with its end. */
export function formatCsvHeader(options: CsvOptions): string {
  const prices = options.priceTypes.flatMap((type) => [`${type}_price`, `${type}_currency`])
  return formatLine([...PRODUCT_COLUMNS, ...VARIANT_COLUMNS, ...prices], options)
}

/** Returns the lines of a product; one without variants has one line. */
export function formatCsvLines(product: ListedProduct, options: CsvOptions): string {
  const { id, status, title, brand, manufacturer, url, changedAt } = product
  const cells = [id, status, title, brand, manufacturer, url, changedAt.toISOString()]
  const variants = product.variants.length === 0 ? [null] : product.variants
  return variants
    .map((variant) =>
      formatLine(
        [
          ...cells,
          variant?.id ?? null,
          variant?.title ?? null,
          variant?.sku ?? null,
          variant?.gtin ?? null,
          variant?.availability ?? null,
          ...listPriceCells(variant, options),
        ],
        options,
      ),
    )
    .join('')
}

function listPriceCells(
  variant: ListedVariant | null,
  { priceTypes }: CsvOptions,
): (string | null)[] {
  return priceTypes.flatMap((type) => {
    const price = variant?.prices.find((one) => one.type === type)
    if (!price) return [null, null]
    const [currency = '', amount = ''] = formatMoney(price.amountMinor, price.currency).split(' ')
    return [amount, currency]
  })
}

function formatLine(cells: readonly (string | null)[], { exact }: CsvOptions): string {
  return `${cells.map((cell) => formatCell(cell ?? '', exact)).join(',')}\r\n`
}

function formatCell(text: string, exact: boolean): string {
  const safe = !exact && FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
