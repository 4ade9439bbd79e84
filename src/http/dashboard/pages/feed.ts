// The change feed, the newest first and live, with the commands by which a program follows it.

import { z } from 'zod'
import { type ChangeMessage, CHANGE_KINDS, describePrice } from '../../../core/change-message.ts'
import { findFeedPlace, readLatestChanges } from '../../../db/read/feed.ts'
import { listSources } from '../../../db/sources.ts'
import { cutText } from '../../../lib/text.ts'
import { toCurl } from '../api/address.ts'
import { html, type Content, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage } from '../page.ts'
import { toAddress } from '../parts/addresses.ts'
import { code, emptyState, pageHeading, panel } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { table } from '../parts/table.ts'
import { orNone, time } from '../parts/values.ts'
import { toProductAddress } from './product-address.ts'

const PAGE_ROWS = 50
const VALUE_CHARS_MAX = 200
/** Values of one change; the page of its run has the others. */
const VALUES_MAX = 8

const Filters = z.object({
  source: z.string().max(63).optional(),
  kind: z.enum(CHANGE_KINDS).optional(),
  product: z.string().max(500).optional(),
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
})
type Filters = z.infer<typeof Filters>

export const feedPage = definePage({
  path: '/feed',
  query: Filters,
  async render({ services: { db, nowMs, settings }, query, user, request }) {
    const origin = settings.webUrl ?? new URL(request.url).origin
    const { source, kind, product, before } = query
    const [{ changes, next }, sources, place] = await Promise.all([
      readLatestChanges(db, {
        before: before ?? null,
        limit: PAGE_ROWS,
        source: source ?? null,
        kind: kind ?? null,
        product: product ?? null,
      }),
      listSources(db),
      findFeedPlace(db, null),
    ])
    const isFiltered = [source, kind, product].some((filter) => filter !== undefined)
    const rows = html`${changesTable(changes, { nowMs: nowMs(), isFiltered })}${pager({
      address: user.address,
      next,
      parameter: 'before',
    })}`
    return {
      title: 'Changes',
      assets: ['runs.css'],
      main: html`${pageHeading({
          title: 'Changes',
          about: 'Every published change of a product, the newest first.',
        })}
        ${filters(
          query,
          sources.map(({ name }) => name),
        )}
        <div id="results">
          ${liveRegion('changes', rows)}
          ${panel({ title: 'Follow them', id: 'follow' }, followHelp(query, { last: place.last, origin }))}
        </div>`,
    }
  },
})

/** The filters, in the address. */
function filters({ source, kind, product }: Filters, sources: readonly string[]): Html {
  return filterForm({
    path: '/feed',
    results: 'results',
    fields: [
      {
        kind: 'select',
        name: 'source',
        label: 'Source',
        value: source,
        options: sources,
        any: 'all sources',
      },
      {
        kind: 'select',
        name: 'kind',
        label: 'Change',
        value: kind,
        options: CHANGE_KINDS,
        any: 'any change',
      },
      {
        kind: 'text',
        name: 'product',
        label: 'Product',
        value: product,
        placeholder: "the supplier's id",
      },
    ],
  })
}

function changesTable(
  changes: readonly ChangeMessage[],
  { nowMs, isFiltered }: { readonly nowMs: number; readonly isFiltered: boolean },
): Html {
  return table({
    caption: 'Published changes',
    isBrief: true,
    columns: [
      { label: 'Product', kind: 'free', isHeader: true, cell: productCell },
      { label: 'Change', cell: ({ kind }) => kind },
      { label: 'Values', kind: 'free', cell: valuesCell },
      {
        label: 'Source',
        cell: ({ source }) => html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`,
      },
      { label: 'Run', kind: 'number', cell: ({ run }) => html`<a href="/runs/${run}">${run}</a>` },
      { label: 'Published', cell: ({ at }) => time(new Date(at), nowMs) },
      { label: 'Position', kind: 'number', isMinor: true, cell: ({ position }) => position },
    ],
    rows: changes,
    rowId: ({ position }) => `change-${position}`,
    empty: isFiltered
      ? emptyState({
          title: 'No change matches the filters',
          actions: html`<a href="/feed">Show all changes</a>`,
        })
      : emptyState({
          title: 'No change yet',
          about: 'Changes appear here when a run publishes them.',
        }),
  })
}

function productCell({ source, product, title, fields }: ChangeMessage): Content {
  if (product === null) {
    const loaded = fields.find(({ name }) => name === 'products')?.after
    return typeof loaded === 'number' ? `all ${loaded} products` : 'all products'
  }
  return html`<a href="${toProductAddress(source, product)}">${title ?? 'untitled'}</a>
    <span class="quiet">${product}</span>`
}

interface Difference {
  readonly name: string
  readonly before: string
  readonly after: string
}

function listDifferences({ product, fields, prices, availability }: ChangeMessage): Difference[] {
  const of = (variant: string): string => (variant === product ? '' : ` of ${variant}`)
  return [
    ...prices.map(({ variant, type, before, after }) => ({
      name: `${type} price${of(variant)}`,
      before: describePrice(before),
      after: describePrice(after),
    })),
    ...availability.map(({ variant, before, after }) => ({
      name: `availability${of(variant)}`,
      before: before ?? 'unknown',
      after: after ?? 'unknown',
    })),
    ...fields.map(({ name, before, after }) => ({
      name,
      before: toText(before),
      after: toText(after),
    })),
  ]
}

function valuesCell(change: ChangeMessage): Content {
  if (change.product === null) return html`<span class="quiet">first load</span>`
  if (change.expired) return html`<span class="quiet">their licence has ended</span>`
  const all = listDifferences(change)
  if (all.length === 0) return orNone(null)
  const left = all.length - VALUES_MAX
  return html`<dl class="diff">
      ${all.slice(0, VALUES_MAX).map(
        ({ name, before, after }) =>
          html`<div>
            <dt>${name}</dt>
            <dd><del>${before}</del> <span aria-hidden="true">→</span> <ins>${after}</ins></dd>
          </div>`,
      )}
    </dl>
    ${left > 0 ? html`<p class="quiet">and ${left} more</p>` : ''}`
}

function toText(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none'
  return cutText(typeof value === 'string' ? value : JSON.stringify(value), VALUE_CHARS_MAX)
}

/** Commands with the filters of the page, except the product: the terminal has no such filter. */
function followHelp(
  { source, kind }: Filters,
  { last, origin }: { readonly last: number; readonly origin: string },
): Html {
  const words = [
    'shelfsync changes',
    ...(source === undefined ? [] : [source]),
    '--follow',
    ...(kind === undefined ? [] : ['--kind', kind]),
    '--from',
    String(last),
    '--json',
  ]
  return html`<p>
      Each change has a position. A program that keeps the last one misses no change and gets none
      twice:
    </p>
    ${code(words.join(' '), 'Command that follows the changes')}
    <p>
      By HTTP, <code>next</code> of each response is the <code>after</code> of the next request:
    </p>
    ${code(
      toCurl(origin + toAddress('/api/v1/changes', { source, kind, after: String(last) }), null),
      'Request for the next changes',
    )}`
}
