// The content of the page of a run, by its view.

import { listActions } from '../../../db/read/actions.ts'
import { listChanges } from '../../../db/read/changes.ts'
import { listRunDiff, type DiffItem } from '../../../db/read/run-diffs.ts'
import { loadRunDetails, type RunDetails } from '../../../db/read/run-summaries.ts'
import { listRunQuarantine } from '../../../db/read/run-quarantine.ts'
import {
  listRunEvents,
  listRunLeases,
  listRunParts,
  loadRunTimes,
  type RunTimes,
} from '../../../db/read/run-times.ts'
import { toRunProgress } from '../../control/run-progress.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { liveRegion } from '../live.ts'
import type { DashboardServices, RenderedPage, User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { notice, pageHeading, panel, tabs, words } from '../parts/blocks.ts'
import { actionForm, reasonField } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { time } from '../parts/values.ts'
import { toAddress } from '../parts/addresses.ts'
import { artifactPanel, partsTable } from './artifact.ts'
import { balanceChart } from './balance.ts'
import { changesTable } from './changes.ts'
import { diffTable, evidencePanel } from './evidence.ts'
import { runFacts } from './facts.ts'
import { runProgress } from './progress.ts'
import { quarantineList } from './quarantine.ts'
import { findActor, toTimeline } from './timeline.ts'
import { timelineList } from './timeline-view.ts'
import { drawWaterfall, PART_ROWS_MAX } from './waterfall.ts'
import { liveWaterfall } from './waterfall-view.ts'
import { explainRun, type Why } from './why.ts'

export const RUN_VIEWS = ['overview', 'changes', 'diff', 'quarantine', 'parts'] as const
export type RunView = (typeof RUN_VIEWS)[number]

const PAGE_ROWS = 50
const SAMPLES = 10
const EVENTS_MAX = 200
const ACTIONS_MAX = 100

interface ShownRun {
  readonly services: DashboardServices
  readonly user: User
  readonly id: number
  readonly view: RunView
  readonly after?: string | undefined
}

/** @throws SyncError `run/unknown` */
export async function renderRun(shown: ShownRun): Promise<RenderedPage> {
  const { services, user, id, view } = shown
  const [run, times] = await Promise.all([
    loadRunDetails(services.db, id),
    loadRunTimes(services.db, id),
  ])
  const content = view === 'overview' ? await overview(shown, run, times) : await list(shown, run)
  return {
    title: `Run ${id} of ${run.source}`,
    main: html`${heading(run, times, { user, nowMs: services.nowMs() })}${viewTabs(run, view, times)}${content}`,
  }
}

function heading(
  run: RunDetails,
  times: RunTimes,
  { user, nowMs }: { readonly user: User; readonly nowMs: number },
): Html {
  const { id, source, state, kind, artifactRun } = run
  return pageHeading({
    trail: [
      { href: '/runs', label: 'Runs' },
      { href: toAddress('/runs', { source }), label: source },
    ],
    title: `Run ${id}`,
    state: liveRegion('run-state', badge(state), { tag: 'span' }),
    about: html`${kind === 'replay' ? `replay of run ${artifactRun}` : kind} of
      <a href="/sources/${source}">${source}</a>, started ${time(times.startedAt, nowMs)}`,
    actions: html`${
      isActive(run)
        ? actionForm({
            user,
            action: `/runs/${id}/cancel`,
            label: 'Cancel',
            tone: 'danger',
            icon: 'cross',
            confirm: {
              question: `Cancel run ${id}?`,
              detail: html`<p>It ends for good. Its committed records stay.</p>`,
              label: 'Cancel the run',
            },
            fields: reasonField(),
          })
        : EMPTY
    }`,
  })
}

function isActive({ state }: RunDetails): boolean {
  return ['running', 'interrupted', 'fetched'].includes(state)
}

function replayButton(run: RunDetails, user: User): Html {
  const { id, artifact, artifactRun, keyCount } = run
  if (isActive(run) || artifact?.state !== 'closed' || keyCount !== null) return EMPTY
  return actionForm({
    user,
    action: `/runs/${id}/replay`,
    label: 'Replay',
    icon: 'retry',
    confirm: {
      question: `Replay the archive of run ${artifactRun}?`,
      detail: html`<p>
        A new run applies the archived lines again, without a request to the supplier.
      </p>`,
      label: 'Replay',
    },
  })
}

function viewTabs(run: RunDetails, view: RunView, times: RunTimes): Html {
  const changes = Object.values(run.changes).reduce((sum, count) => sum + count, 0)
  const all: readonly (readonly [RunView, string, number | null])[] = [
    ['overview', 'Overview', null],
    ['changes', 'Changes', changes],
    ...(run.diff === null ? [] : [['diff', 'Effects of an approval', null] as const]),
    ['quarantine', 'Quarantine', run.outcomes.quarantined],
    ['parts', 'Parts', times.parts],
  ]
  return tabs(
    'Views of the run',
    all.map(([name, label, count]) => ({
      href: toAddress(`/runs/${run.id}`, { view: name === 'overview' ? null : name }),
      label,
      isCurrent: name === view,
      ...(count !== null && { count }),
    })),
  )
}

async function overview(shown: ShownRun, run: RunDetails, times: RunTimes): Promise<Html> {
  const { services, user, id } = shown
  const { db } = services
  const isRunning = run.state === 'running'
  const size = Math.max(1, Math.ceil(times.parts / PART_ROWS_MAX))
  const [parts, events, leases, { items: actions }, samples] = await Promise.all([
    listRunParts(db, id, { limit: PART_ROWS_MAX, size }),
    listRunEvents(db, id, EVENTS_MAX),
    isRunning ? listRunLeases(db, id) : [],
    listActions(db, { run: id, limit: ACTIONS_MAX }),
    run.diff === null ? [] : loadSamples(shown),
  ])
  const progress = toRunProgress(run, null)
  const why = explainRun({ run, times, progress, cancelledBy: findActor(actions, ['run.cancel']) })
  const waterfall = drawWaterfall({ times, parts, events, isRunning, now: run.measuredAt })
  const timeline = toTimeline({ run, times, events, actions })
  const nowMs = services.nowMs()
  return html`${liveRegion(
      'run-why',
      html`${whyNotice(why)}${isRunning ? runProgress({ run, progress, leases }) : EMPTY}`,
    )}
    ${
      run.diff === null
        ? EMPTY
        : evidencePanel(
            {
              run,
              diff: run.diff,
              judged: times.review?.judged ?? null,
              samples,
              listAddress: toAddress(`/runs/${id}`, { view: 'diff' }),
            },
            user,
          )
    }
    ${panel({ title: 'Work over time' }, liveWaterfall(waterfall))}
    <div class="panels">
      ${panel({ title: 'Ledger' }, liveRegion('balance', balanceChart(run)))}
      ${panel({ title: 'Facts' }, liveRegion('facts', runFacts(run, times)))}
      ${panel({ title: 'Artifact', actions: replayButton(run, user) }, liveRegion('artifact', artifactPanel(run)))}
      ${panel({ title: 'Timeline' }, liveRegion('timeline', timelineList(timeline, nowMs)))}
    </div>`
}

async function loadSamples({ services, id }: ShownRun): Promise<readonly DiffItem[]> {
  return (await listRunDiff(services.db, id, { limit: SAMPLES })).items
}

function whyNotice({ tone, what, causes, next }: Why): Html {
  return notice(
    tone,
    html`<p><strong>${what}</strong></p>
      ${
        causes.length === 0
          ? EMPTY
          : html`<ul class="causes">
              ${causes.map((cause) => html`<li>${cause}</li>`)}
            </ul>`
      }
      ${next === null ? EMPTY : html`<p>${words(next)}</p>`}`,
  )
}

/** A list with pages: changes, the diff, quarantine or parts. */
async function list(shown: ShownRun, run: RunDetails): Promise<Html> {
  const { services, user, id, view, after } = shown
  const { db } = services
  const page = { limit: PAGE_ROWS, after }
  const show = (content: Html, next: string | number | null): Html =>
    html`${liveRegion(view, content)}${pager({ address: user.address, next })}`
  if (view === 'changes') {
    const { items, next } = await listChanges(db, id, page)
    return show(changesTable(items, id), next)
  }
  if (view === 'quarantine') {
    const { items, next } = await listRunQuarantine(db, id, page)
    return show(quarantineList(items), next)
  }
  if (view === 'diff') {
    if (run.diff === null)
      return whyNotice({ tone: 'info', what: `Run ${id} is not held.`, causes: [], next: null })
    const { items, next, version } = await listRunDiff(db, id, page)
    return show(
      html`<p class="quiet">Version <code>${version}</code></p>
        ${diffTable(items)}`,
      next,
    )
  }
  const parts = await listRunParts(db, id, { after: Number(after ?? 0), limit: PAGE_ROWS })
  const last = parts.at(-1)?.lastNo ?? 0
  return show(partsTable(parts, run), parts.length === PAGE_ROWS ? last : null)
}
