// Draws the waterfall of a run as SVG. Colours and patterns are classes: the Content-Security-
// Policy allows no inline style. Each kind of bar also has its own pattern and its own words.

import { formatDuration } from '../../../lib/format-duration.ts'
import { html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { legend } from '../parts/charts.ts'
import type { BarKind, Waterfall, WorkBar, WorkRow } from './waterfall.ts'

const WIDTH = 1000
const HEIGHT = 18
/** A shorter bar would not be visible. */
const BAR_MIN = 2.5
const TICKS = 4

const NAMES: Readonly<Record<BarKind, string>> = {
  fetch: 'Fetch',
  apply: 'Apply',
  settle: 'Settle',
  copy: 'Steps after',
  supplier: 'Waits for the supplier',
  limit: 'Waits for a limit or a retry',
  worker: 'Waits for a worker',
  stopped: 'Stopped',
}
const KINDS = Object.keys(NAMES) as readonly BarKind[]

export function waterfallChart({ rows, spanMs, totals }: Waterfall): Html {
  if (rows.length === 0)
    return html`<p class="quiet">
      No times are kept of this run: its archive has been removed, or it ended before its first
      part.
    </p>`
  const scale = WIDTH / spanMs
  const body = html`<ol class="work-rows">
    ${rows.map((row) => workRow(row, scale))}
  </ol>`
  return html`<figure class="work">
    ${legend(
      KINDS.filter((kind) => totals.has(kind)).map((kind) => ({
        mark: `work-${kind}`,
        label: html`${NAMES[kind]}
          <span class="quiet">${formatDuration((totals.get(kind) ?? 0) / 1000)}</span>`,
      })),
    )}
    ${body}
    <div class="work-axis" aria-hidden="true">
      ${Array.from(
        { length: TICKS + 1 },
        (_, tick) => html`<span>${formatDuration((spanMs * tick) / TICKS / 1000)}</span>`,
      )}
    </div>
    <figcaption class="visually-hidden">
      The work of the run over time, from its start to its end. One row for each part.
    </figcaption>
  </figure>`
}

/** The chart in a live region with the patterns that its bars use. */
export function liveWaterfall(waterfall: Waterfall): Html {
  return html`${PATTERNS}${liveRegion('work', waterfallChart(waterfall))}`
}

function workRow({ label, bars }: WorkRow, scale: number): Html {
  return html`<li>
    <span class="work-name">${label}</span>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${label}: ${bars.map(({ title }) => title).join('; ')}"
    >
      ${Array.from(
        { length: TICKS - 1 },
        (_, index) =>
          html`<line
            class="work-tick"
            x1="${((index + 1) * WIDTH) / TICKS}"
            x2="${((index + 1) * WIDTH) / TICKS}"
            y1="0"
            y2="${HEIGHT}"
          />`,
      )}
      ${bars.map((bar) => workBar(bar, scale))}
    </svg>
    <span class="work-time">${formatDuration(sumWork(bars) / 1000)}</span>
  </li>`
}

function workBar({ kind, fromMs, toMs, title }: WorkBar, scale: number): Html {
  const width = Math.max(BAR_MIN, (toMs - fromMs) * scale)
  const x = Math.min(fromMs * scale, WIDTH - width)
  const isWait = !['fetch', 'apply', 'settle', 'copy'].includes(kind)
  return html`<rect
    class="work-${kind}"
    x="${x.toFixed(1)}"
    y="${isWait ? 6 : 2}"
    width="${width.toFixed(1)}"
    height="${isWait ? HEIGHT - 12 : HEIGHT - 4}"
    ><title>${title}</title></rect
  >`
}

/** Working time only: waits are beside it. */
function sumWork(bars: readonly WorkBar[]): number {
  return bars
    .filter(({ kind }) => ['fetch', 'apply', 'settle', 'copy'].includes(kind))
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
}

const PATTERNS = html`<svg class="visually-hidden" width="0" height="0" aria-hidden="true">
  <defs>
    <pattern id="work-hatch" width="8" height="8" patternUnits="userSpaceOnUse">
      <rect class="work-hatch-back" width="8" height="8" />
      <path class="work-hatch-line" d="M-2 2l4-4M0 8l8-8M6 10l4-4" />
    </pattern>
  </defs>
</svg>`
