// Small charts as inline SVG, drawn on the server. Each has a text alternative, and each mark a
// title. Colours are classes: the Content-Security-Policy allows no inline style.

import { EMPTY, html, raw, type Content, type Html } from '../html.ts'
import type { Tone } from './badge.ts'

const SPARK = { width: 120, height: 22, margin: 2 } as const

/** A line without axes; null is a gap. `label` says what it shows, with the last value. */
export function sparkline(values: readonly (number | null)[], label: string): Html {
  const { width, height, margin } = SPARK
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return html`<span class="quiet">no data</span>`
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const x = (index: number) =>
    margin + (index * (width - 2 * margin)) / Math.max(1, values.length - 1)
  const y = (value: number) =>
    high === low
      ? height / 2
      : height - margin - ((value - low) * (height - 2 * margin)) / (high - low)
  const path = toPath(values.map((value, index) => (value === null ? null : [x(index), y(value)])))
  const last = values.findLastIndex((value) => value !== null)
  return html`<svg
    class="spark"
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-label="${label}"
  >
    <title>${label}</title>
    ${known.length === values.length ? html`<path class="area" d="${path}V${height}H${margin}Z" />` : EMPTY}
    <path d="${path}" />
    <circle cx="${round(x(last))}" cy="${round(y(values[last] ?? low))}" r="2" />
  </svg>`
}

export interface Series {
  readonly name: string
  readonly tone: Tone
  /** In order of time; a null value is a gap. */
  readonly points: readonly { readonly at: Date; readonly value: number | null }[]
}

interface LineChartOptions {
  readonly label: string
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  /** Draws a step at each point, for values that stay until the next one, such as prices. */
  readonly isStep?: boolean
  readonly from: Date
  readonly to: Date
  readonly formatAt: (at: Date) => string
}

const LINES = { width: 640, height: 160, margin: 6 } as const

/** Lines over time, with the lowest and highest value beside them. */
export function lineChart({
  label,
  series,
  format,
  isStep = false,
  ...span
}: LineChartOptions): Html {
  const { width, height, margin } = LINES
  const values = series.flatMap(({ points }) =>
    points.flatMap(({ value }) => (value === null ? [] : [value])),
  )
  if (values.length === 0) return html`<p class="quiet">No data to draw.</p>`
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const spanMs = Math.max(1, span.to.getTime() - span.from.getTime())
  const x = (at: Date) => ((at.getTime() - span.from.getTime()) / spanMs) * width
  const y = (value: number) =>
    high === low
      ? height / 2
      : height - margin - ((value - low) * (height - 2 * margin)) / (high - low)
  const lines = series.map(({ name, tone, points }) => {
    const path = toPath(
      points.map(({ at, value }) => (value === null ? null : [x(at), y(value)])),
      isStep ? width : null,
    )
    const marks = points.map(({ at, value }) =>
      value === null
        ? EMPTY
        : // A circle would be stretched with the chart.
          html`<path class="dot ${tone}" d="M${round(x(at))} ${round(y(value))}h0"
            ><title>${name}: ${format(value)}, ${span.formatAt(at)}</title></path
          >`,
    )
    return html`<g
      ><path class="line ${tone}" d="${path}" />${points.length <= 120 ? marks : EMPTY}</g
    >`
  })
  const names = series.map(({ name, tone }) => ({ mark: tone, label: name }))
  return html`<figure class="chart">
    ${names.length < 2 ? EMPTY : legend(names)}<span class="chart-high">${format(high)}</span>
    <svg
      viewBox="0 0 ${width} ${height}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${label}"
    >
      ${lines}
    </svg>
    ${low === high ? EMPTY : html`<span class="chart-low">${format(low)}</span>`}${axis(span.formatAt(span.from), span.formatAt(span.to))}
  </figure>`
}

export interface Span {
  readonly name: string
  /** The text of the mark, such as `in stock since 2026-01-31 10:00`. */
  readonly title: string
  readonly startMs: number
  readonly endMs: number
  readonly tone: Tone
}

interface TimelineOptions {
  readonly label: string
  /** Spans of one name share a row. */
  readonly spans: readonly Span[]
  readonly from: Date
  readonly to: Date
  readonly formatAt: (at: Date) => string
}

/** Rows of spans over the same time. Each row has its spans as its text alternative. */
export function timeline({ label, spans, from, to, formatAt }: TimelineOptions): Html {
  const startMs = from.getTime()
  const scale = 1000 / Math.max(1, to.getTime() - startMs)
  const rows = Array.from(
    Map.groupBy(spans, ({ name }) => name),
    ([name, own]) =>
      html`<li>
        <span>${name}</span>
        <svg
          viewBox="0 0 1000 12"
          preserveAspectRatio="none"
          role="img"
          aria-label="${own.map(({ title }) => title).join('; ')}"
        >
          ${own.map(
            (one) =>
              html`<rect
                class="${one.tone}"
                x="${round((one.startMs - startMs) * scale)}"
                y="0"
                width="${round(Math.max(2, (one.endMs - one.startMs) * scale))}"
                height="12"
                ><title>${one.title}</title></rect
              >`,
          )}
        </svg>
      </li>`,
  )
  return html`<figure class="chart">
    <ul class="spans" aria-label="${label}">
      ${rows}
    </ul>
    ${axis(formatAt(from), formatAt(to))}
  </figure>`
}

/** Explains the marks of a chart by their classes. */
export function legend(all: readonly { readonly mark: string; readonly label: Content }[]): Html {
  return html`<ul class="legend">
    ${all.map(
      ({ mark, label }) =>
        html`<li>
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            <rect class="${mark}" width="10" height="10" rx="2" />
          </svg>
          ${label}
        </li>`,
    )}
  </ul>`
}

function axis(from: string, to: string): Html {
  return html`<figcaption class="chart-axis"><span>${from}</span><span>${to}</span></figcaption>`
}

/** A path through the points, interrupted at null. A step path ends at `stepTo`. */
function toPath(
  points: readonly (readonly [x: number, y: number] | null)[],
  stepTo: number | null = null,
): Html {
  let pen = 'M'
  const commands: string[] = []
  for (const point of points) {
    if (point === null) {
      pen = 'M'
      continue
    }
    const [x, y] = point
    if (pen === 'L' && stepTo !== null) commands.push(`H${round(x)}`, `V${round(y)}`)
    else commands.push(`${pen}${round(x)} ${round(y)}`)
    pen = 'L'
  }
  if (stepTo !== null && pen === 'L') commands.push(`H${stepTo}`)
  return raw(commands.join(''))
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}
