// The overview: what needs a person first, then every source with its state and the reason for it.

import { z } from 'zod'
import { HEALTH_LEVELS, HEALTH_STATES } from '../../../core/source-health.ts'
import { listBreakers } from '../../../db/read/limits.ts'
import { listSourceRuns, type SourceRun } from '../../../db/read/source-runs.ts'
import type { ProductCounts } from '../../../db/read/source-summaries.ts'
import type { JudgedSource } from '../../../sources/source-healths.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage } from '../page.ts'
import { withQuery } from '../parts/addresses.ts'
import { emptyState, figures, lines, pageHeading, panel } from '../parts/blocks.ts'
import { sparkline } from '../parts/charts.ts'
import { filterForm } from '../parts/forms.ts'
import { healthBadge, stepLink } from '../parts/health.ts'
import { pager } from '../parts/pager.ts'
import { table, type Column } from '../parts/table.ts'
import { count, time } from '../parts/values.ts'

/** Sources on a page. */
const PAGE_ROWS = 50
/** Sources among those that need a person; the list has the others. */
const URGENT_ROWS = 12
/** Runs in a sparkline. */
const SPARK_RUNS = 30
const SORTS = ['state', 'source', 'last', 'next', 'products', 'changes'] as const

const Query = z.object({
  state: z.enum(HEALTH_STATES).optional(),
  connector: z.string().optional(),
  text: z.string().optional(),
  sort: z.enum(SORTS).default('state'),
  after: z.coerce.number().int().min(0).default(0),
})
type Query = z.infer<typeof Query>

interface Row extends JudgedSource {
  readonly products: ProductCounts | null
  readonly runs: readonly SourceRun[]
}

export const overviewPage = definePage({
  path: '/',
  query: Query,
  async render({ services, query, user }) {
    const [judged, products, breakers] = await Promise.all([
      services.readHealths(),
      services.readProductCounts(),
      listBreakers(services.db),
    ])
    if (judged.length === 0) return { title: 'Overview', main: showNoSource() }
    const nowMs = services.nowMs()
    const found = judged.filter((one) => matches(one, query)).toSorted(comparing(query, products))
    const shown = found.slice(query.after, query.after + PAGE_ROWS)
    const names = shown.map(({ facts }) => facts.source)
    const runs = Map.groupBy(
      await listSourceRuns(services.db, names, SPARK_RUNS),
      ({ source }) => source,
    )
    const rows = shown.map((one): Row => ({
      ...one,
      products: products.get(one.facts.source) ?? null,
      runs: runs.get(one.facts.source) ?? [],
    }))
    const end = query.after + PAGE_ROWS
    const pages = pager({ address: user.address, next: end < found.length ? end : null })
    return {
      title: 'Overview',
      main: html`${pageHeading({ title: 'Overview' })}
      ${liveRegion('totals', showTotals(judged, products, breakers.length))}
      ${liveRegion('urgent', showUrgent(judged))} ${showFilters(judged, query)}
      ${liveRegion('sources', html`${showSources(rows, { address: user.address, query, nowMs })}${pages}`)}`,
    }
  },
})

function showNoSource(): Html {
  const add = html`<code>shelfsync add https://some-shop.example</code> adds a shop, and
    <code>shelfsync sync</code> fetches it. <code>shelfsync add --help</code> lists the other
    connectors.`
  return html`${pageHeading({ title: 'Overview' })}${emptyState({ title: 'No source yet', about: add })}`
}

function matches({ facts, health }: JudgedSource, { state, connector, text }: Query): boolean {
  return (
    (state === undefined || health.state === state) &&
    (connector === undefined || facts.connector === connector) &&
    (text === undefined || facts.source.includes(text.toLowerCase()))
  )
}

type Compare = (a: JudgedSource, b: JudgedSource) => number

/** Equal sources are in the order of their names, in which they were read. */
function comparing({ sort }: Query, products: ReadonlyMap<string, ProductCounts>): Compare {
  const at = (date: Date | null | undefined): number => date?.getTime() ?? 0
  const sizeOf = ({ facts }: JudgedSource): number => products.get(facts.source)?.active ?? 0
  const orders: Readonly<Record<(typeof SORTS)[number], Compare>> = {
    state: (a, b) => badness(a) - badness(b),
    source: (a, b) => (a.facts.source < b.facts.source ? -1 : 1),
    last: (a, b) => at(b.facts.lastRun?.startedAt) - at(a.facts.lastRun?.startedAt),
    next: (a, b) => (at(a.due?.at) || Infinity) - (at(b.due?.at) || Infinity) || 0,
    products: (a, b) => sizeOf(b) - sizeOf(a),
    changes: (a, b) => b.facts.changesToday - a.facts.changesToday,
  }
  return orders[sort]
}

function badness({ health }: JudgedSource): number {
  const level = HEALTH_LEVELS.indexOf(health.level)
  return level * HEALTH_STATES.length + HEALTH_STATES.indexOf(health.state)
}

function showTotals(
  judged: readonly JudgedSource[],
  products: ReadonlyMap<string, ProductCounts>,
  breakers: number,
): Html {
  const active = [...products.values()].reduce((sum, one) => sum + one.active, 0)
  const changes = judged.reduce((sum, { facts }) => sum + facts.changesToday, 0)
  const late = judged.filter(({ due }) => due?.late === true).length
  const waiting = judged.reduce((sum, { facts }) => sum + facts.openReviews, 0)
  return figures([
    { label: 'Sources', value: count(judged.length) },
    { label: 'Active products', value: count(active), href: '/products' },
    { label: 'Changes today', value: count(changes), about: 'since 00:00 UTC' },
    { label: 'Late', value: count(late), href: '/?state=late', ...(late > 0 && { tone: 'warn' }) },
    {
      label: 'Waiting for a decision',
      value: count(waiting),
      href: '/reviews',
      ...(waiting > 0 && { tone: 'warn' }),
    },
    {
      label: 'Open breakers',
      value: count(breakers),
      href: '/jobs',
      ...(breakers > 0 && { tone: 'bad' }),
    },
  ])
}

function showUrgent(judged: readonly JudgedSource[]): Html {
  const needing = judged
    .filter(({ health }) => health.next !== null)
    .toSorted((a, b) => badness(a) - badness(b))
  const rest = needing.length - URGENT_ROWS
  if (needing.length === 0)
    return panel(
      { title: 'Needs a person' },
      html`<p class="quiet">Nothing. All decisions are made.</p>`,
    )
  return panel(
    { title: html`Needs a person <span class="count">${needing.length}</span>` },
    html`${lines(
      needing.slice(0, URGENT_ROWS).map(({ facts: { source }, health }) => ({
        badge: healthBadge(health),
        sentence: html`<a href="/sources/${source}"><strong>${source}</strong></a>
          ${health.reason}`,
        step: health.next === null ? EMPTY : stepLink(health.next),
      })),
    )}
    ${rest > 0 ? html`<p class="quiet">${rest} more are first in the list below.</p>` : ''}`,
  )
}

function showFilters(judged: readonly JudgedSource[], query: Query): Html {
  const connectors = [...new Set(judged.map(({ facts }) => facts.connector))].toSorted()
  return filterForm({
    path: '/',
    results: 'sources',
    fields: [
      { kind: 'search', name: 'text', label: 'Source', value: query.text },
      {
        kind: 'select',
        name: 'state',
        label: 'State',
        value: query.state,
        options: HEALTH_STATES,
        any: 'any',
      },
      {
        kind: 'select',
        name: 'connector',
        label: 'Connector',
        value: query.connector,
        options: connectors,
        any: 'any',
      },
      { kind: 'hidden', name: 'sort', value: query.sort },
    ],
  })
}

interface ListView {
  readonly address: string
  readonly query: Query
  readonly nowMs: number
}

function showSources(rows: readonly Row[], view: ListView): Html {
  const columns = [...listStateColumns(view), ...listSizeColumns(view)]
  const all = html`<a href="/">Show all sources</a>`
  return table({
    caption: 'Sources',
    rows,
    columns,
    empty: emptyState({ title: 'No source matches the filters', about: all }),
  })
}

type Order = 'ascending' | 'descending'

function sortBy({ address, query }: ListView, by: (typeof SORTS)[number], order: Order) {
  return { href: withQuery(address, { sort: by }), order: query.sort === by ? order : null }
}

function listStateColumns(view: ListView): readonly Column<Row>[] {
  return [
    {
      label: 'Source',
      isHeader: true,
      sort: sortBy(view, 'source', 'ascending'),
      cell: ({ facts }) =>
        html`<a href="/sources/${facts.source}">${facts.source}</a>
          <span class="quiet">${facts.connector}</span>`,
    },
    {
      label: 'State',
      sort: sortBy(view, 'state', 'descending'),
      cell: ({ health }) => html`${healthBadge(health)} <span>${health.reason}</span>`,
    },
    {
      label: 'Last run',
      sort: sortBy(view, 'last', 'descending'),
      cell: ({ facts: { lastRun } }) =>
        lastRun === null
          ? time(null, view.nowMs)
          : html`<a href="/runs/${lastRun.id}">${time(lastRun.startedAt, view.nowMs)}</a>`,
    },
    {
      label: 'Next run',
      sort: sortBy(view, 'next', 'ascending'),
      cell: ({ due }) => time(due?.at ?? null, view.nowMs),
    },
    {
      label: 'Breaker',
      isMinor: true,
      cell: ({ breaker }) =>
        breaker === null ? 'closed' : html`<a href="/jobs">${breaker.state}</a>`,
    },
  ]
}

function listSizeColumns(view: ListView): readonly Column<Row>[] {
  return [
    {
      label: 'Products',
      kind: 'number',
      sort: sortBy(view, 'products', 'descending'),
      cell: ({ products }) => count(products?.active ?? null),
    },
    {
      label: 'Changes today',
      kind: 'number',
      sort: sortBy(view, 'changes', 'descending'),
      cell: ({ facts }) => count(facts.changesToday),
    },
    {
      label: 'Records by run',
      isMinor: true,
      cell: ({ facts, runs }) =>
        sparkline(
          runs.map(({ ledger }) => ledger?.fetched ?? null),
          `Records of the last ${runs.length} runs of ${facts.source}`,
        ),
    },
  ]
}
