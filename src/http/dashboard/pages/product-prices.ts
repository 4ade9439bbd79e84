// The prices of a product over time: a chart of each type and currency, with the same values as a
// table.

import type { ExplainedPrice } from '../../../db/read/product-explanations.ts'
import { formatInstant, formatPrice } from '../../../format/format.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { badge, type Tone } from '../parts/badge.ts'
import { disclosure, panel } from '../parts/blocks.ts'
import { lineChart } from '../parts/charts.ts'
import { table } from '../parts/table.ts'
import { instant, money } from '../parts/values.ts'

const TONES: readonly Tone[] = ['busy', 'good', 'warn', 'bad', 'calm']

export function showPrices(prices: readonly ExplainedPrice[], now: Date): Html {
  if (prices.length === 0) return EMPTY
  const published = prices.filter(({ state }) => state === 'current' || state === 'past')
  const charts = Array.from(
    Map.groupBy(published, ({ priceType, currency }) => `${priceType} price in ${currency}`),
    ([name, list]) =>
      html`<h3>${name}</h3>
        ${drawPrices(name, list, now)}`,
  )
  const list = table({
    caption: 'Prices, the newest of each variant first',
    columns: [
      { label: 'Price', isHeader: true, cell: (price) => money(price) },
      { label: 'Type', cell: ({ priceType }) => priceType },
      { label: 'Variant', cell: ({ variant, sku }) => sku ?? variant },
      { label: 'State', cell: ({ state }) => badge(state) },
      { label: 'Since', cell: ({ sinceAt, observedAt }) => instant(sinceAt ?? observedAt) },
      { label: 'Run', cell: ({ run }) => html`<a href="/runs/${run}">run ${run}</a>` },
    ],
    rows: prices,
    empty: EMPTY,
  })
  return panel(
    { title: 'Prices' },
    html`${charts}${prices.length > 3 ? disclosure('All prices as a table', list) : list}`,
  )
}

function drawPrices(name: string, prices: readonly ExplainedPrice[], now: Date): Html {
  const variants = Map.groupBy(prices, ({ sku, variant }) => sku ?? variant)
  if (prices.length === variants.size) return EMPTY
  const times = prices.map(({ observedAt }) => observedAt.getTime())
  const currency = prices[0]?.currency ?? ''
  const format = (value: number) => formatPrice({ amountMinor: value, currency })
  const series = Array.from(variants)
    .slice(0, TONES.length)
    .map(([variant, list], n) => ({
      name: variant,
      tone: TONES[n] ?? 'calm',
      points: list
        .toSorted((a, b) => a.observedAt.getTime() - b.observedAt.getTime())
        .map(({ observedAt, amountMinor }) => ({ at: observedAt, value: amountMinor })),
    }))
  const from = new Date(Math.min(...times))
  return lineChart({
    label: `${name} from ${formatInstant(from)}: ${prices.length} values, as in the table below`,
    series,
    format,
    isStep: true,
    from,
    to: now,
    formatAt: (at) => at.toISOString().slice(0, 10),
  })
}
