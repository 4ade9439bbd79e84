// The runs of a source over time: for each run one column with its records, its changes, its duration and
// its speed. A column is one link, whose text has every value.

import { OUTCOMES, type Ledger } from '../../../core/ledger.ts'
import type { SourceRun } from '../../../db/read/source-runs.ts'
import { formatBytes, formatInstant } from '../../../format/format.ts'
import { formatDuration } from '../../../lib/format-duration.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { html, type Content, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { disclosure, emptyState } from '../parts/blocks.ts'
import { legend } from '../parts/charts.ts'
import { table } from '../parts/table.ts'
import { bytes, count, duration, instant, orNone } from '../parts/values.ts'

interface Layer {
  readonly name: string
  readonly value: number
}

interface Band {
  readonly label: string
  readonly height: number
  /** None for a run without this value. */
  readonly layers: (run: SourceRun) => readonly Layer[]
  readonly format: (value: number) => string
}

interface ScaledBand extends Band {
  /** The highest value of all runs. */
  readonly highest: number
}

const STEP = 10
const GAP = 2
const SPACE = 14

/** The unchanged records hide all others in one scale, so changes have their own. */
const CHANGED = ['created', 'updated', 'held', 'quarantined'] as const
const REST = OUTCOMES.filter((outcome) => !CHANGED.some((one) => one === outcome))
/** All counts of a ledger that are named, in the order of the legend. */
const COUNTS = [...CHANGED, 'removed' as const, ...REST]

const BANDS: readonly Band[] = [
  {
    label: 'Records',
    height: 90,
    layers: ({ ledger }) => toLayers(ledger, [...REST, ...CHANGED]),
    format: formatCount,
  },
  {
    label: 'Changes',
    height: 60,
    layers: ({ ledger }) => toLayers(ledger, [...CHANGED, 'removed']),
    format: formatCount,
  },
  {
    label: 'Duration',
    height: 40,
    layers: (run) => toLayer('duration', toSeconds(run)),
    format: formatDuration,
  },
  { label: 'Speed', height: 40, layers: (run) => toLayer('speed', toSpeed(run)), format: toRate },
]
const HEIGHT = BANDS.reduce((sum, { height }) => sum + height + SPACE, 0)

/** `runs`: the oldest first. */
export function runsChart(runs: readonly SourceRun[]): Html {
  if (runs.length === 0)
    return emptyState({ title: 'No run yet', about: 'Run now starts the first one.' })
  const width = Math.max(runs.length, 20) * STEP
  const [first] = runs
  const last = runs.at(-1)
  const scaled = BANDS.map((band) => ({ ...band, highest: findHighest(band, runs) }))
  return html`<figure class="runs-chart">
    <div class="runs-plot">
      <dl class="runs-scale">
        ${scaled.map(
          ({ label, format, highest }) =>
            html`<div>
              <dt>${label}</dt>
              <dd>${format(highest)}</dd>
            </div>`,
        )}
      </dl>
      <svg
        viewBox="0 0 ${width} ${HEIGHT}"
        preserveAspectRatio="none"
        role="group"
        aria-label="The newest ${formatQuantity(runs.length, 'run')}, the oldest first. Arrow keys lead from run to run"
        data-arrows
      >
        ${drawBaselines(width)}
        ${runs.map((run, index) => drawRun(run, runs.length - index, { width, bands: scaled }))}
      </svg>
    </div>
    <figcaption>
      <span class="chart-axis runs-axis"
        ><span>${first && formatInstant(first.startedAt).slice(0, 16)}</span
        ><span>${last && formatInstant(last.startedAt).slice(0, 16)}</span></span
      >
      ${showLegend(runs)}
    </figcaption>
  </figure>`
}

function drawBaselines(width: number): Html[] {
  let top = 0
  return BANDS.map(({ height }) => {
    top += height + SPACE
    return html`<line class="runs-base" x1="0" x2="${width}" y1="${top}" y2="${top}" />`
  })
}

/** Draws the column of a run, at the `fromEnd`-th place from the right. Tab reaches only the newest one. */
function drawRun(
  run: SourceRun,
  fromEnd: number,
  { width, bands }: { readonly width: number; readonly bands: readonly ScaledBand[] },
): Html {
  const title = describeRun(run)
  const x = width - fromEnd * STEP
  let bottom = 0
  const bars = bands.flatMap(({ height, highest, layers }) => {
    bottom += height + SPACE
    let top = bottom
    return layers(run).map(({ name, value }) => {
      if (value === 0 || highest === 0) return null
      // A value that is not zero stays visible.
      const size = Math.max(1.5, (value / highest) * height)
      top -= size
      return html`<rect
        class="outcome-${name}"
        x="${x + GAP / 2}"
        y="${top.toFixed(1)}"
        width="${STEP - GAP}"
        height="${size.toFixed(1)}"
      />`
    })
  })
  const mark = MARKED[run.state]
  return html`<a href="/runs/${run.id}" aria-label="${title}" tabindex="${fromEnd === 1 ? 0 : -1}"
    ><title>${title}</title
    ><rect class="hit" x="${x}" y="0" width="${STEP}" height="${HEIGHT}" />${bars}${
      mark === undefined
        ? null
        : html`<rect class="${mark}" x="${x + GAP / 2}" y="2" width="${STEP - GAP}" height="6" />`
    }</a
  >`
}

/** States that have a mark above the column. */
const MARKED: Readonly<Partial<Record<SourceRun['state'], string>>> = {
  failed: 'bad',
  interrupted: 'warn',
  held: 'warn',
  rejected: 'bad',
  running: 'busy',
}

function showLegend(runs: readonly SourceRun[]): Html {
  const shown = COUNTS.filter((name) => runs.some(({ ledger }) => (ledger?.[name] ?? 0) > 0))
  const states = new Set(runs.map(({ state }) => state))
  return legend([
    ...shown.map((name) => ({ mark: `outcome-${name}`, label: name })),
    ...Array.from(states).flatMap((state) => {
      const mark = MARKED[state]
      return mark === undefined ? [] : [{ mark, label: `the run is ${state}` }]
    }),
  ])
}

/** The same values as a table, the newest first. */
export function runsTable(runs: readonly SourceRun[], about: Content): Html {
  const number = (label: string, of: (ledger: Ledger) => number, isMinor = false) => ({
    label,
    kind: 'number' as const,
    isMinor,
    cell: ({ ledger }: SourceRun) => count(ledger === null ? null : of(ledger)),
  })
  return disclosure(
    about,
    table({
      caption: 'The runs of the chart',
      rows: runs.toReversed(),
      columns: [
        {
          label: 'Run',
          isHeader: true,
          cell: ({ id, kind }) => html`<a href="/runs/${id}">${id}</a> ${kind}`,
        },
        { label: 'State', cell: ({ state }) => badge(state) },
        { label: 'Started', cell: ({ startedAt }) => instant(startedAt) },
        number('Records', ({ fetched }) => fetched),
        number('Created', ({ created }) => created),
        number('Updated', ({ updated }) => updated),
        number('Removed', ({ removed }) => removed),
        number('Unchanged', ({ unchanged }) => unchanged, true),
        number('Held', ({ held }) => held, true),
        number('Quarantined', ({ quarantined }) => quarantined, true),
        { label: 'Duration', kind: 'number', cell: (run) => duration(toMs(run)) },
        { label: 'Archived', kind: 'number', isMinor: true, cell: (run) => bytes(run.bytes) },
        {
          label: 'Speed',
          kind: 'number',
          isMinor: true,
          cell: (run) => orNone(showSpeed(run)),
        },
      ],
      empty: emptyState({ title: 'No run yet' }),
    }),
  )
}

function describeRun(run: SourceRun): string {
  const { id, kind, state, startedAt, ledger } = run
  const named = COUNTS.flatMap((name) =>
    ledger === null || ledger[name] === 0 ? [] : [`${formatCount(ledger[name])} ${name}`],
  )
  const seconds = toSeconds(run)
  const speed = showSpeed(run)
  return [
    `Run ${id}, ${kind}, ${state}, ${formatInstant(startedAt)}`,
    ...(ledger === null ? [] : [formatQuantity(ledger.fetched, 'record')]),
    ...named,
    ...(seconds === null ? [] : [formatDuration(seconds)]),
    ...(speed === null ? [] : [speed]),
  ].join(', ')
}

function findHighest({ layers }: Band, runs: readonly SourceRun[]): number {
  return Math.max(0, ...runs.map((run) => layers(run).reduce((sum, { value }) => sum + value, 0)))
}

function toLayers(ledger: Ledger | null, names: readonly (typeof COUNTS)[number][]): Layer[] {
  return ledger === null ? [] : names.map((name) => ({ name, value: ledger[name] }))
}

function toLayer(name: string, value: number | null): Layer[] {
  return value === null ? [] : [{ name, value }]
}

function toMs({ startedAt, finishedAt }: SourceRun): number | null {
  return finishedAt === null ? null : Math.max(0, finishedAt.getTime() - startedAt.getTime())
}

function toSeconds(run: SourceRun): number | null {
  const ms = toMs(run)
  return ms === null ? null : ms / 1000
}

/** Bytes per second; null for a run that archived nothing, such as a replay. */
function toSpeed(run: SourceRun): number | null {
  const seconds = toSeconds(run)
  return seconds === null || seconds === 0 || run.bytes === 0 ? null : run.bytes / seconds
}

function toRate(perSecond: number): string {
  return `${formatBytes(perSecond)}/s`
}

function showSpeed(run: SourceRun): string | null {
  const speed = toSpeed(run)
  return speed === null ? null : toRate(speed)
}
