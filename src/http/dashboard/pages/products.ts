// The search of products of all sources. Its words and filters are in the address.

import { z } from 'zod'
import {
  COUNTED_MAX,
  SEARCH_SORTS,
  searchProducts,
  type FoundProduct,
  type FoundProducts,
} from '../../../db/read/product-search.ts'
import { AVAILABILITIES, PRODUCT_STATUSES, type ListedPrice } from '../../../db/read/products.ts'
import { listSources } from '../../../db/sources.ts'
import { formatPrice } from '../../../format/format.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { chooseStatuses } from '../../catalogue/product-statuses.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { definePage } from '../page.ts'
import { toAddress } from '../parts/addresses.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, notice, pageHeading } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { table, type Column } from '../parts/table.ts'
import { orNone, time } from '../parts/values.ts'
import { toProductAddress } from './product-address.ts'

const ROWS = 50
/** The types that a shopper pays come before those between companies. */
const SHOWN_TYPES = ['public', 'list']
const SORT_NAMES: Readonly<Record<(typeof SEARCH_SORTS)[number], string>> = {
  relevance: 'Best match',
  newest: 'Newest change',
  title: 'Title',
  'price-low': 'Lowest price',
  'price-high': 'Highest price',
}

const Amount = z.coerce.number('It must be a number, such as 12.50.').min(0).max(1e12)

const Query = z
  .object({
    q: z.string().max(500).optional(),
    source: z.string().max(63).optional(),
    status: z.enum([...PRODUCT_STATUSES, 'all']).optional(),
    brand: z.string().max(200).optional(),
    category: z.string().max(200).optional(),
    availability: z.enum(AVAILABILITIES).optional(),
    min: Amount.optional(),
    max: Amount.optional(),
    since: z.iso.date('It must be a day, such as 2026-01-31.').optional(),
    review: z.literal('true').optional(),
    sort: z.enum(SEARCH_SORTS).optional(),
    after: z.string().max(2000).optional(),
  })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, {
    path: ['max'],
    error: 'It must not be below the lowest price.',
  })
type Query = z.output<typeof Query>

export const productsPage = definePage({
  path: '/products',
  query: Query,
  async render({ services: { db, nowMs }, query, user }) {
    const [sources, found] = await Promise.all([listSources(db), findProducts(db, query)])
    const names = sources.map(({ name }) => name)
    const shown =
      found.items.length === 0
        ? showNothing(query, names)
        : html`${table({ caption: 'Products', columns: columnsOf(nowMs()), rows: found.items, empty: EMPTY, isBrief: true })}
          ${pager({ address: user.address, next: found.next })}`
    return {
      title: 'Products',
      main: html`${pageHeading({
          title: 'Products',
          about: 'Search all sources by words, or by an id, SKU, GTIN, CNK or ASIN.',
        })}
        ${showFilters(query, names)}
        <div id="results">
          <p class="quiet" role="status">${describeCount(found)}</p>
          ${shown}
        </div>`,
    }
  },
})

function findProducts(db: Parameters<typeof searchProducts>[0], query: Query) {
  const { q, source, status, brand, category, availability, min, max, since, review } = query
  return searchProducts(
    db,
    {
      text: q,
      brand,
      minPrice: min,
      maxPrice: max,
      statuses: chooseStatuses(status),
      sources: source === undefined ? undefined : [source],
      categories: category === undefined ? undefined : [category],
      availability: availability && [availability],
      changedSince: since === undefined ? undefined : new Date(since),
      review: review !== undefined,
    },
    { sort: query.sort, limit: ROWS, after: query.after },
  )
}

function showFilters(query: Query, sources: readonly string[]): Html {
  const { q, source, status, brand, category, availability, min, max, since, review, sort } = query
  return filterForm({
    path: '/products',
    results: 'results',
    fields: [
      {
        kind: 'search',
        name: 'q',
        label: 'Search',
        value: q,
        placeholder: 'Words, id, SKU or GTIN',
      },
      {
        kind: 'select',
        name: 'source',
        label: 'Source',
        value: source,
        options: sources,
        any: 'All sources',
      },
      {
        kind: 'select',
        name: 'status',
        label: 'Status',
        value: status,
        options: [...PRODUCT_STATUSES, 'all'],
        any: 'Not removed',
      },
      {
        kind: 'select',
        name: 'availability',
        label: 'Availability',
        value: availability,
        options: AVAILABILITIES.map((value) => ({ value, label: toWords(value) })),
        any: 'Any',
      },
      { kind: 'text', name: 'brand', label: 'Brand', value: brand },
      { kind: 'text', name: 'category', label: 'Category id', value: category },
      { kind: 'number', name: 'min', label: 'Price from', value: min },
      { kind: 'number', name: 'max', label: 'Price to', value: max },
      { kind: 'date', name: 'since', label: 'Changed since', value: since },
      { kind: 'checkbox', name: 'review', label: 'With an open review', value: review === 'true' },
      {
        kind: 'select',
        name: 'sort',
        label: 'Order',
        value: sort,
        options: SEARCH_SORTS.map((value) => ({ value, label: SORT_NAMES[value] })),
        any: 'Best order',
      },
    ],
  })
}

function describeCount({ total, sort }: FoundProducts): string {
  if (total === null)
    return `More than ${formatCount(COUNTED_MAX)} products, by ${SORT_NAMES[sort].toLowerCase()}`
  const left = sort.startsWith('price') ? ', without those that have no price' : ''
  return `${formatQuantity(total, 'product')}${left}`
}

/** Explains an empty list by the filter that is most likely the reason. */
function showNothing(query: Query, sources: readonly string[]): Html {
  const { q, source, status, after } = query
  if (sources.length === 0)
    return emptyState({
      title: 'No source yet',
      about: html`Add one with <code>shelfsync add</code>, then run <code>shelfsync sync</code>.`,
    })
  if (source !== undefined && !sources.includes(source))
    return notice('warn', `No source has the name "${source}". Choose one from the list.`)
  if (after !== undefined) return emptyState({ title: 'No more products' })
  const about =
    q === undefined
      ? 'Remove a filter, or choose another source.'
      : 'All words must match. A beginning needs three letters. Codes may be typed with or without separators and leading zeros.'
  const actions =
    status === undefined
      ? html`<a href="${toAddress('/products', { ...query, status: 'all', after: null })}"
          >Search removed products too</a
        >`
      : EMPTY
  return emptyState({ title: 'No product matches', about, icon: 'search', actions })
}

function columnsOf(nowMs: number): readonly Column<FoundProduct>[] {
  return [
    {
      label: 'Product',
      kind: 'free',
      isHeader: true,
      cell: ({ source, id, title }) =>
        html`<a href="${toProductAddress(source, id)}">${title ?? id}</a>
          <span class="quiet">${title === null ? '' : id}</span>`,
    },
    { label: 'Brand', kind: 'free', isMinor: true, cell: ({ brand }) => orNone(brand) },
    { label: 'Code', isMinor: true, cell: showCode },
    { label: 'Price', kind: 'number', cell: (product) => orNone(formatPrices(product)) },
    { label: 'Availability', cell: (product) => orNone(formatAvailability(product)) },
    {
      label: 'Status',
      cell: ({ status, openReviews }) =>
        html`${badge(status)}${openReviews > 0 ? html` ${badge('open', { label: 'review' })}` : EMPTY}`,
    },
    {
      label: 'Source',
      cell: ({ source }) => html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`,
    },
    { label: 'Changed', kind: 'number', cell: ({ changedAt }) => time(changedAt, nowMs) },
  ]
}

function showCode({ variants }: FoundProduct): Html {
  const [first] = variants
  const more = variants.length > 1 ? ` +${variants.length - 1}` : ''
  const code = first?.gtin ?? first?.sku
  return orNone(code && `${code}${more}`)
}

/** `AUD 12.50`, or `AUD 12.50 to 19.00` for variants with different prices; of one type. */
function formatPrices({ variants }: FoundProduct): string | null {
  const prices = variants.flatMap((variant) => variant.prices)
  const type =
    SHOWN_TYPES.find((shown) => prices.some((price) => price.type === shown)) ?? prices[0]?.type
  const sorted = prices
    .filter((price) => price.type === type)
    .toSorted((a, b) => a.amountMinor - b.amountMinor)
  const [lowest, highest]: readonly (ListedPrice | undefined)[] = [sorted[0], sorted.at(-1)]
  if (!lowest || !highest) return null
  const [from, to] = [formatPrice(lowest), formatPrice(highest)]
  return from === to ? from : `${from} to ${to.slice(to.indexOf(' ') + 1)}`
}

function formatAvailability({ variants }: FoundProduct): string | null {
  const best = AVAILABILITIES.find((one) =>
    variants.some(({ availability }) => availability === one),
  )
  return best === undefined ? null : toWords(best)
}

function toWords(availability: string): string {
  return availability.replaceAll('_', ' ')
}
