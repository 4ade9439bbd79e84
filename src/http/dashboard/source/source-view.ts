// The content of the page of a source, by its view.

import { nameBreaker } from '../../../core/alert.ts'
import { listSourceEvents, type EventTopic } from '../../../db/read/source-events.ts'
import { loadRunDetails } from '../../../db/read/run-summaries.ts'
import { listRunLeases } from '../../../db/read/run-times.ts'
import { listSourceRuns, type SourceRun } from '../../../db/read/source-runs.ts'
import { loadSource, type Source } from '../../../db/sources.ts'
import { Calendar } from '../../../sources/due.ts'
import { findRules } from '../../../sources/open-breaker.ts'
import type { JudgedSource } from '../../../sources/source-healths.ts'
import { toRunProgress } from '../../control/run-progress.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import type { DashboardServices, RenderedPage, User } from '../page.ts'
import { toAddress } from '../parts/addresses.ts'
import { code, disclosure, facts, lines, pageHeading, panel, tabs } from '../parts/blocks.ts'
import { actionForm } from '../parts/forms.ts'
import { healthBadge, toPartLine } from '../parts/health.ts'
import { pager } from '../parts/pager.ts'
import { count, time } from '../parts/values.ts'
import { runProgress } from '../run/progress.ts'
import { eventsFilter, eventsList } from './events-view.ts'
import { runsChart, runsTable } from './runs-chart.ts'
import { settingsView } from './settings-view.ts'

export const SOURCE_VIEWS = ['overview', 'timeline', 'settings'] as const
export type SourceView = (typeof SOURCE_VIEWS)[number]

const CHART_RUNS = 60
const LATEST_EVENTS = 8
const PAGE_EVENTS = 50
const NEXT_TIMES = 3

export interface ShownSource {
  readonly services: DashboardServices
  readonly user: User
  readonly judged: JudgedSource
  readonly view: SourceView
  readonly topic?: EventTopic | undefined
  readonly actor?: string | undefined
  readonly after?: string | undefined
}

export async function renderSource(shown: ShownSource): Promise<RenderedPage> {
  const { judged, view, user } = shown
  const { source, connector } = judged.facts
  const views = { overview: showOverview, timeline: showTimeline, settings: showSettings }
  return {
    title: source,
    assets: ['source.css'],
    main: html`${pageHeading({
      title: source,
      about: connector,
      trail: [{ href: '/', label: 'Overview' }],
      state: liveRegion('source-state', healthBadge(judged.health), { tag: 'span' }),
      actions: actions(judged, user),
    })}
    ${tabs(
      'Views of the source',
      SOURCE_VIEWS.map((name) => ({
        href: toAddress(`/sources/${source}`, { view: name === 'overview' ? null : name }),
        label: VIEW_NAMES[name],
        isCurrent: name === view,
      })),
    )}
    ${await views[view](shown)}`,
  }
}

const VIEW_NAMES = { overview: 'Overview', timeline: 'Timeline', settings: 'Settings' } as const

function actions({ facts: { source, state } }: JudgedSource, user: User): Html {
  const at = `/sources/${source}`
  if (state === 'paused')
    return actionForm({ user, action: `${at}/resume`, label: 'Resume', tone: 'main', icon: 'play' })
  const run = (mode: string, label: string, tone: 'main' | 'quiet') =>
    actionForm({ user, action: `${at}/run`, label, tone, values: { mode } })
  return html`${run('auto', 'Run now', 'main')} ${run('full', 'Run in full', 'quiet')}
  ${actionForm({ user, action: `${at}/pause`, label: 'Pause', icon: 'pause' })}`
}

async function showOverview(shown: ShownSource): Promise<Html> {
  const { services, judged } = shown
  const { db } = services
  const { source } = judged.facts
  const [runs, { items: events }] = await Promise.all([
    listSourceRuns(db, [source], CHART_RUNS),
    listSourceEvents(db, { source, hosts: listHosts(shown), limit: LATEST_EVENTS }),
  ])
  const nowMs = services.nowMs()
  return html`${liveRegion('now', await showRunning(services, runs))}
  ${panel({ title: 'Health' }, liveRegion('health', showHealth(judged, nowMs)))}
  ${panel(
    { title: 'Runs', actions: html`<a href="/runs?source=${source}">All runs</a>` },
    liveRegion('runs', html`${runsChart(runs)}${runsTable(runs, 'The same as a table')}`),
  )}
  ${panel(
    {
      title: 'Latest events',
      actions: html`<a href="${toAddress(`/sources/${source}`, { view: 'timeline' })}"
        >Timeline</a
      >`,
    },
    liveRegion('events', eventsList(events, nowMs)),
  )}
  ${panel({ title: 'Plan' }, showPlan(source))}`
}

/** The progress of the run that is in progress. */
async function showRunning({ db }: DashboardServices, runs: readonly SourceRun[]): Promise<Html> {
  const running = runs.findLast(({ state }) => state === 'running')
  if (running === undefined) return EMPTY
  const [run, leases] = await Promise.all([
    loadRunDetails(db, running.id),
    listRunLeases(db, running.id),
  ])
  return panel(
    { title: html`<a href="/runs/${run.id}">Run ${run.id}</a> is in progress` },
    runProgress({ run, progress: toRunProgress(run, null), leases }),
  )
}

function showHealth({ facts: source, due, health }: JudgedSource, nowMs: number): Html {
  return html`<p>${healthBadge(health)} ${health.reason}</p>
    ${lines(health.parts.map(toPartLine))}
    ${facts([
      ['Last run', source.lastRun === null ? 'none yet' : time(source.lastRun.startedAt, nowMs)],
      ['Next run', due === null ? 'paused' : time(due.at, nowMs)],
      ['Changes today', count(source.changesToday)],
      ['Products', html`<a href="/products?source=${source.source}">Search its products</a>`],
    ])}`
}

function showPlan(source: string): Html {
  return html`<p>
      What would the next run change? A command fetches and compares, and changes nothing:
    </p>
    ${code(`shelfsync plan ${source}`, 'The command of a plan')}
    ${disclosure(
      'Why not here?',
      html`<p>
        A plan fetches the whole source and applies it in a transaction that is undone. That takes
        as long as a run, and a request to this server must not: it only asks workers for runs, and
        their queue has runs alone. To see the effects before they are published, run the source
        now: a run beyond the limits is held, with the same list.
      </p>`,
    )}`
}

async function showTimeline(shown: ShownSource): Promise<Html> {
  const { services, judged, user, topic, actor, after } = shown
  const { source } = judged.facts
  const filter = { source, topic, actor, hosts: listHosts(shown) }
  const { items, next } = await listSourceEvents(services.db, {
    ...filter,
    after,
    limit: PAGE_EVENTS,
  })
  return html`${eventsFilter(toAddress(`/sources/${source}`, { view: 'timeline' }), { topic, actor })}
    <div id="events">
      ${panel(
        { title: 'Timeline' },
        liveRegion('events-list', eventsList(items, services.nowMs())),
      )}
      ${pager({ address: user.address, next })}
    </div>`
}

async function showSettings({ services, judged, user }: ShownSource): Promise<Html> {
  const source = await loadSource(services.db, judged.facts.source)
  const connector = services.connectors.get(source.connector)
  const parsed = connector?.settings.safeParse(source.settings).data
  return settingsView({
    source,
    user,
    nowMs: services.nowMs(),
    nextTimes: source.state === 'paused' ? [] : listNextTimes(source, services.nowMs()),
    canRefresh: connector?.scopes.includes('keys') ?? false,
    parsed: parsed === undefined ? null : Object.fromEntries(Object.entries(Object(parsed))),
  })
}

function listNextTimes({ schedule }: Source, nowMs: number): Date[] {
  const calendar = new Calendar()
  const now = new Date(nowMs)
  const found: Date[] = []
  while (found.length < NEXT_TIMES) {
    const next = calendar.dueAt(schedule, found.at(-1) ?? now, now).at
    if (next === null) return found
    found.push(next)
  }
  return found
}

/** The subjects of alerts about the supplier of the source. */
function listHosts({ services, judged: { facts: source } }: ShownSource): string[] {
  const connector = services.connectors.get(source.connector)
  const settings = connector?.settings.safeParse(source.settings)
  if (connector === undefined || settings?.success !== true) return []
  const breaker = findRules({ connector, settings: settings.data })?.breaker ?? null
  if (breaker === null) return []
  return [nameBreaker(breaker)]
}
