// The log of actions: what people and rules have changed, and why. Its filters are in the address.

import { z } from 'zod'
import { listActions, type RecordedAction } from '../../../db/read/actions.ts'
import { listSources } from '../../../db/sources.ts'
import { describeAction } from '../../../format/actions.ts'
import { html, type Html } from '../html.ts'
import { definePage } from '../page.ts'
import { emptyState, pageHeading } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { table } from '../parts/table.ts'
import { orNone, time } from '../parts/values.ts'

const ROWS = 50
const NOUNS = [
  { value: 'review', label: 'Reviews' },
  { value: 'review-rule', label: 'Rules of reviews' },
  { value: 'run', label: 'Runs' },
  { value: 'source', label: 'Sources' },
  { value: 'alert', label: 'Alerts' },
  { value: 'job', label: 'Jobs' },
  { value: 'limit', label: 'Limits' },
  { value: 'image', label: 'Images' },
  { value: 'quarantine', label: 'Quarantine' },
  { value: 'webhook', label: 'Webhooks' },
] as const

const Query = z.object({
  who: z.string().max(200).optional(),
  action: z
    .string()
    .regex(/^[a-z.-]{1,60}$/)
    .optional(),
  source: z.string().max(63).optional(),
  run: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  since: z.iso.date('It must be a day, such as 2026-01-31.').optional(),
  after: z.string().max(200).optional(),
})

export const actionsPage = definePage({
  path: '/actions',
  query: Query,
  async render({ services: { db, nowMs }, query, user }) {
    const { who, action, source, run, since, after } = query
    const [sources, page] = await Promise.all([
      listSources(db),
      listActions(db, {
        actor: who,
        action,
        source,
        run,
        since: since === undefined ? undefined : new Date(since),
        limit: ROWS,
        after,
      }),
    ])
    return {
      title: 'Actions',
      main: html`${pageHeading({
          title: 'Actions',
          about: 'Everything that people and their rules have changed, the newest first.',
        })}
        ${filterForm({
          path: '/actions',
          results: 'results',
          fields: [
            { kind: 'text', name: 'who', label: 'Who', value: who, placeholder: 'Whole name' },
            {
              kind: 'select',
              name: 'action',
              label: 'What',
              value: action,
              options: NOUNS,
              any: 'Everything',
            },
            {
              kind: 'select',
              name: 'source',
              label: 'Source',
              value: source,
              options: sources.map(({ name }) => name),
              any: 'All sources',
            },
            { kind: 'number', name: 'run', label: 'Run', value: run },
            { kind: 'date', name: 'since', label: 'Since', value: since },
          ],
        })}
        <div id="results">
          ${showActions(page.items, nowMs())} ${pager({ address: user.address, next: page.next })}
        </div>`,
    }
  },
})

function showActions(actions: readonly RecordedAction[], nowMs: number): Html {
  return table({
    caption: 'Actions',
    columns: [
      { label: 'When', cell: ({ at }) => time(at, nowMs) },
      { label: 'Who', cell: ({ actor }) => actor },
      { label: 'What', isHeader: true, cell: showAction },
      {
        label: 'Source',
        cell: ({ source }) =>
          source === null
            ? orNone(null)
            : html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`,
      },
      {
        label: 'Run',
        cell: ({ run }) =>
          run === null ? orNone(null) : html`<a href="/runs/${run}">run ${run}</a>`,
      },
      { label: 'Why', cell: ({ reason }) => orNone(reason) },
    ],
    rows: actions,
    rowId: ({ id }) => `action-${id}`,
    empty: emptyState({
      title: 'No action matches',
      about: 'Commands, the API and this dashboard record what people change.',
      icon: 'actions',
    }),
  })
}

/** An action about a review leads to it. */
function showAction(action: RecordedAction): Html {
  const review = /^review (\d+)$/.exec(action.subject ?? '')?.[1]
  const text = describeAction(action)
  return review === undefined ? html`${text}` : html`<a href="/reviews/${review}">${text}</a>`
}
