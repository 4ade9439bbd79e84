// One source: the parts of its health with the reasons, its runs over time, what happened to it, its
// settings, and the buttons that start a run, pause it or resume it.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { EVENT_TOPICS } from '../../../db/read/source-events.ts'
import { loadSource, type Source } from '../../../db/sources.ts'
import { recordAction } from '../../../db/write/actions.ts'
import { setSourceState } from '../../../db/write/source-state.ts'
import { AS_SCHEDULED } from '../../../jobs/requests.ts'
import { Calendar } from '../../../sources/due.ts'
import { listSourceHealths, type JudgedSource } from '../../../sources/source-healths.ts'
import { definePage, type DashboardServices, type User } from '../page.ts'
import {
  changeHotProducts,
  changeLimits,
  changeOptions,
  changeSchedule,
  HotForm,
  LimitsForm,
  OptionsForm,
  ScheduleForm,
} from '../source/change-settings.ts'
import { renderSource, SOURCE_VIEWS } from '../source/source-view.ts'

export const sourcePage = definePage({
  path: '/sources/:name',
  example: '/sources/pharmacy',
  params: z.object({ name: z.string().max(63) }),
  query: z.object({
    view: z.enum(SOURCE_VIEWS).default('overview'),
    topic: z.enum(EVENT_TOPICS).optional(),
    actor: z.string().max(200).optional(),
    after: z.string().max(500).optional(),
  }),
  async render({ services, params: { name }, query, user }) {
    const judged = await loadJudged(services, name)
    return renderSource({ services, user, judged, ...query })
  },
  actions: {
    schedule: {
      form: ScheduleForm,
      run: ({ services, params: { name }, user, form }) =>
        changeSchedule({ services, user, name }, form),
    },
    hot: {
      form: HotForm,
      run: ({ services, params: { name }, user, form }) =>
        changeHotProducts({ services, user, name }, form),
    },
    limits: {
      form: LimitsForm,
      run: ({ services, params: { name }, user, form }) =>
        changeLimits({ services, user, name }, form),
    },
    options: {
      form: OptionsForm,
      run: ({ services, params: { name }, user, form }) =>
        changeOptions({ services, user, name }, form),
    },
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

/**
 * Reads the health now: the one of all sources may be older than what a person has just changed.
 *
 * @throws SyncError `source/unknown`
 */
async function loadJudged(
  { db, connectors, nowMs }: DashboardServices,
  name: string,
): Promise<JudgedSource> {
  const tools = { db, connectors, calendar: new Calendar() }
  const request = { sources: [name], now: new Date(nowMs()) }
  const [found] = await listSourceHealths(tools, request)
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
