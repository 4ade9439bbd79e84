// The list of runs, the newest first.

import { z } from 'zod'
import { RUN_STATES, listRuns, type RunSummary } from '../../../db/read/run-summaries.ts'
import { listSources } from '../../../db/sources.ts'
import { RUN_KINDS } from '../../../db/write/runs.ts'
import { countLinesDone, toRunProgress } from '../../control/run-progress.ts'
import { formatCount } from '../../../lib/words.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, pageHeading, progressBar } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { table } from '../parts/table.ts'
import { count, duration, time } from '../parts/values.ts'

const PAGE_ROWS = 50
const HOUR_MS = 3_600_000
/** By the name in the address. */
const PERIODS = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 168 * HOUR_MS,
  month: 720 * HOUR_MS,
} as const
const PERIOD_NAMES = {
  hour: 'the last hour',
  day: 'the last 24 hours',
  week: 'the last 7 days',
  month: 'the last 30 days',
} as const

export const runsPage = definePage({
  path: '/runs',
  query: z.object({
    source: z.string().max(63).optional(),
    state: z.enum(RUN_STATES).optional(),
    kind: z.enum(RUN_KINDS).optional(),
    since: z.enum(['hour', 'day', 'week', 'month']).optional(),
    after: z.string().max(200).optional(),
  }),
  async render({ services: { db, nowMs }, query, user }) {
    const { source, state, kind, since, after } = query
    const now = nowMs()
    const sinceAt = since === undefined ? null : new Date(now - PERIODS[since])
    const [page, sources] = await Promise.all([
      listRuns(db, { source, state, kind, sinceAt, after, limit: PAGE_ROWS }),
      listSources(db),
    ])
    const isFiltered = [source, state, kind, since].some((filter) => filter !== undefined)
    const list = html`${runsTable(page.items, { nowMs: now, isFiltered })}${pager({ address: user.address, next: page.next })}`
    return {
      title: 'Runs',
      main: html`${pageHeading({ title: 'Runs', about: 'Every attempt to update a source, the newest first.' })}
      ${filterForm({
        path: '/runs',
        results: 'runs',
        fields: [
          {
            kind: 'select',
            name: 'source',
            label: 'Source',
            value: source,
            options: sources.map(({ name }) => name),
            any: 'all sources',
          },
          {
            kind: 'select',
            name: 'state',
            label: 'State',
            value: state,
            options: RUN_STATES,
            any: 'any state',
          },
          {
            kind: 'select',
            name: 'kind',
            label: 'Kind',
            value: kind,
            options: RUN_KINDS,
            any: 'any kind',
          },
          {
            kind: 'select',
            name: 'since',
            label: 'Started in',
            value: since,
            options: Object.entries(PERIOD_NAMES).map(([value, label]) => ({ value, label })),
            any: 'any time',
          },
        ],
      })}
      ${liveRegion('runs', list)}`,
    }
  },
})

function runsTable(
  runs: readonly RunSummary[],
  { nowMs, isFiltered }: { readonly nowMs: number; readonly isFiltered: boolean },
): Html {
  return table({
    caption: 'Runs',
    isBrief: true,
    columns: [
      { label: 'Run', isHeader: true, cell: ({ id }) => html`<a href="/runs/${id}">${id}</a>` },
      { label: 'Source', cell: ({ source }) => source },
      { label: 'Kind', cell: ({ kind }) => kind },
      { label: 'State', cell: ({ state }) => badge(state) },
      { label: 'Started', cell: ({ startedAt }) => time(startedAt, nowMs) },
      { label: 'Took', kind: 'number', cell: ({ seconds }) => duration(seconds * 1000) },
      { label: 'Lines', kind: 'number', cell: linesCell },
      {
        label: 'Created',
        kind: 'number',
        isMinor: true,
        cell: ({ outcomes }) => count(outcomes.created),
      },
      {
        label: 'Updated',
        kind: 'number',
        isMinor: true,
        cell: ({ outcomes }) => count(outcomes.updated),
      },
      { label: 'Removed', kind: 'number', isMinor: true, cell: ({ removed }) => count(removed) },
      {
        label: 'Why',
        kind: 'free',
        cell: ({ reason }) => (reason ? html`<span class="reason">${reason}</span>` : EMPTY),
      },
    ],
    rows: runs,
    empty: isFiltered
      ? emptyState({
          title: 'No run matches the filters',
          actions: html`<a href="/runs">Show all runs</a>`,
        })
      : emptyState({
          title: 'No run yet',
          about: html`A source runs by its schedule, or with <code>shelfsync sync NAME</code>.`,
        }),
  })
}

function linesCell(run: RunSummary): Html {
  if (run.state !== 'running') return count(run.fetched)
  const { total } = toRunProgress(run, null)
  return progressBar({
    label: `Run ${run.id}`,
    done: countLinesDone(run),
    total,
    ...(total === null && { text: formatCount(run.fetched) }),
  })
}
