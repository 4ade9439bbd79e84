// One source: the parts of its health with the reasons, its last runs, and the buttons that start a
// run, pause it or resume it.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { listSourceRuns, type SourceRun } from '../../../db/read/source-runs.ts'
import { loadSource, type Source } from '../../../db/sources.ts'
import { recordAction } from '../../../db/write/actions.ts'
import { setSourceState } from '../../../db/write/source-state.ts'
import { AS_SCHEDULED } from '../../../jobs/requests.ts'
import type { JudgedSource } from '../../../sources/source-healths.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage, type DashboardServices, type User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, facts, lines, pageHeading, panel } from '../parts/blocks.ts'
import { actionForm } from '../parts/forms.ts'
import { healthBadge, toPartLine } from '../parts/health.ts'
import { table } from '../parts/table.ts'
import { bytes, count, time } from '../parts/values.ts'

const RUNS = 20

export const sourcePage = definePage({
  path: '/sources/:name',
  example: '/sources/pharmacy',
  params: z.object({ name: z.string().max(63) }),
  async render({ services, params: { name }, user }) {
    const [judged, runs] = await Promise.all([
      findJudged(services, name),
      listSourceRuns(services.db, [name], RUNS),
    ])
    const nowMs = services.nowMs()
    return {
      title: name,
      main: html`${pageHeading({
        title: name,
        about: judged.facts.connector,
        trail: [{ href: '/', label: 'Overview' }],
        actions: showActions(judged, user),
      })}
      ${panel({ title: 'Health' }, liveRegion('health', showHealth(judged, nowMs)))}
      ${panel(
        { title: 'Runs', actions: html`<a href="/runs?source=${name}">All runs</a>` },
        liveRegion('runs', showRuns(runs, nowMs)),
      )}`,
    }
  },
  actions: {
    run: {
      form: z.object({ mode: z.enum(['auto', 'full']) }),
      async run({ services, params: { name }, form: { mode }, correlationId, user }) {
        const request = { ...AS_SCHEDULED, source: name, mode }
        const [requested] = await services.operations.requestRuns(request, correlationId)
        if (requested === undefined || !('run' in requested))
          throw new SyncError('source/unknown', `Source ${name} is not active`)
        const { run } = requested
        const action = { action: 'source.sync', source: name, run, detail: { mode } }
        await recordAction(services.db, { actor: user.name, ...action })
        return { notice: `Run ${run} is requested.`, to: `/runs/${run}` }
      },
    },
    pause: {
      form: z.object({}),
      run: ({ services, params, user }) => saveState(services, params.name, 'paused', user),
    },
    resume: {
      form: z.object({}),
      run: ({ services, params, user }) => saveState(services, params.name, 'active', user),
    },
  },
})

/** @throws SyncError `source/unknown` */
async function findJudged(services: DashboardServices, name: string): Promise<JudgedSource> {
  const found = (await services.readHealths()).find(({ facts: { source } }) => source === name)
  if (found === undefined) throw new SyncError('source/unknown', `Source ${name} does not exist`)
  return found
}

async function saveState(
  { db }: DashboardServices,
  name: string,
  state: Source['state'],
  user: User,
): Promise<{ notice: string }> {
  const { id } = await loadSource(db, name)
  await setSourceState(db, id, state)
  const action = state === 'paused' ? 'source.pause' : 'source.resume'
  await recordAction(db, { actor: user.name, action, source: name })
  return { notice: `${name} is ${state}.` }
}

function showActions({ facts: { source, state } }: JudgedSource, user: User): Html {
  const at = `/sources/${source}`
  if (state === 'paused')
    return actionForm({ user, action: `${at}/resume`, label: 'Resume', tone: 'main' })
  const run = (mode: string, label: string, tone: 'main' | 'quiet') =>
    actionForm({ user, action: `${at}/run`, label, tone, values: { mode } })
  return html`${run('auto', 'Run now', 'main')} ${run('full', 'Run in full', 'quiet')}
  ${actionForm({ user, action: `${at}/pause`, label: 'Pause' })}`
}

function showHealth({ facts: source, due, health }: JudgedSource, nowMs: number): Html {
  const name = source.source
  return html`<p>${healthBadge(health)} ${health.reason}</p>
    ${lines(health.parts.map(toPartLine))}
    ${facts([
      ['Last run', source.lastRun === null ? EMPTY : time(source.lastRun.startedAt, nowMs)],
      ['Next run', time(due?.at ?? null, nowMs)],
      ['Changes today', count(source.changesToday)],
      ['Products', html`<a href="/products?source=${name}">Search its products</a>`],
      ['Settings', html`<code>shelfsync sources show ${name}</code>`],
      ['Preview', html`<code>shelfsync plan ${name}</code>`],
    ])}`
}

function showRuns(runs: readonly SourceRun[], nowMs: number): Html {
  return table({
    caption: 'The newest runs',
    rows: runs.toReversed(),
    columns: [
      {
        label: 'Run',
        isHeader: true,
        cell: ({ id, kind }) => html`<a href="/runs/${id}">${id}</a> ${kind}`,
      },
      { label: 'State', cell: ({ state }) => badge(state) },
      { label: 'Started', cell: ({ startedAt }) => time(startedAt, nowMs) },
      { label: 'Records', kind: 'number', cell: ({ ledger }) => count(ledger?.fetched ?? null) },
      { label: 'Created', kind: 'number', cell: ({ ledger }) => count(ledger?.created ?? null) },
      { label: 'Updated', kind: 'number', cell: ({ ledger }) => count(ledger?.updated ?? null) },
      { label: 'Removed', kind: 'number', cell: ({ ledger }) => count(ledger?.removed ?? null) },
      { label: 'Archived', kind: 'number', isMinor: true, cell: (run) => bytes(run.bytes) },
    ],
    empty: emptyState({ title: 'No run yet', about: 'Run now starts the first one.' }),
  })
}
