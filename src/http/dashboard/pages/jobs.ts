// The work of the service: queues, retries, dead letters, breakers, quotas, storage and health.

import { z } from 'zod'
import {
  listFailingHosts,
  listQuotas,
  listStorage,
  listWorkers,
} from '../../../db/read/operation.ts'
import { listLimits, resetLimit } from '../../../db/read/limits.ts'
import { recordAction } from '../../../db/write/actions.ts'
import { discardDeadLetter, listDeadLetters, retryDeadLetter } from '../../../jobs/dead-letters.ts'
import { listDelayedTasks, measureQueues } from '../../../jobs/queue-depths.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { keepReading } from '../jobs/keep.ts'
import { retryAll } from '../jobs/retry-all.ts'
import {
  deadLetterTable,
  delayedTable,
  depthTable,
  healthTable,
  hostTable,
  limitTable,
  quotaTable,
  storageTable,
  workerTable,
} from '../jobs/sections.ts'
import { liveRegion } from '../live.ts'
import { definePage, type DashboardServices, type User } from '../page.ts'
import { pageHeading, panel } from '../parts/blocks.ts'
import { actionForm, filterForm } from '../parts/forms.ts'

const ROWS_MAX = 100
const HEALTH_MS = 10_000
const STORAGE_MS = 60_000

export const jobsPage = definePage({
  path: '/jobs',
  query: z.object({ source: z.string().max(63).optional() }),
  async render({ services, user, query: { source } }) {
    const now = new Date(services.nowMs())
    const at = now.getTime()
    const { queues } = services
    const [depths, delayed, all, limits, quotas, hosts, workers, health, stored] = await loadWork(
      services,
      at,
    )
    const sources = [...new Set(all.map((letter) => letter.source))].toSorted()
    const letters = all.filter((letter) => source === undefined || letter.source === source)
    return {
      title: 'Jobs',
      main: html`${pageHeading({
        title: 'Jobs',
        about: `The queue is in ${queues.backend === 'redis' ? 'Redis' : 'Postgres'}. The rows of the runs decide what is left to do.`,
      })}
      ${panel({ title: 'Queues' }, liveRegion('depths', depthTable(depths)))}
      ${panel(
        {
          title: 'Dead letters',
          id: 'dead-letters',
          actions: retryAllForm(letters.length, source, user),
        },
        html`${sourceFilter(sources, source)}${liveRegion('dead', deadLetterTable(letters, user, at))}`,
      )}
      ${panel({ title: 'Tried again later' }, liveRegion('delayed', delayedTable(delayed, now)))}
      ${panel({ title: 'Breakers and limits' }, liveRegion('limits', limitTable(limits, user, now)))}
      ${panel({ title: 'Hosts that fail' }, liveRegion('hosts', hostTable(hosts, now)))}
      ${panel({ title: 'Daily quotas' }, liveRegion('quotas', quotaTable(quotas, now)))}
      ${panel({ title: 'Services' }, liveRegion('health', healthTable(health)))}
      ${panel({ title: 'Workers' }, liveRegion('workers', workerTable(workers)))}
      ${panel({ title: 'Storage' }, liveRegion('storage', storageTable(stored)))}`,
    }
  },
  actions: {
    retry: {
      form: z.object({ id: z.string().max(200) }),
      async run({ services: { db, queues }, form: { id }, user }) {
        const letter = await retryDeadLetter(db, queues, id)
        const { source, run } = letter
        await recordAction(db, { actor: user.name, action: 'job.retry', source, run, subject: id })
        return { notice: `Run ${letter.run} of ${letter.source} resumes.` }
      },
    },
    'retry-all': {
      form: z.object({ source: z.string().max(63).optional() }),
      async run({ services: { db, queues }, form: { source = null }, user }) {
        const { runs, refused } = await retryAll(db, queues, source)
        for (const run of runs)
          await recordAction(db, { actor: user.name, action: 'job.retry', run })
        const rest = refused.length === 0 ? '' : ` ${refused.length} cannot resume: ${refused[0]}.`
        return { notice: `${formatQuantity(runs.length, 'run')} resumed.${rest}` }
      },
    },
    discard: {
      form: z.object({ id: z.string().max(200) }),
      async run({ services: { db, queues }, form: { id }, user }) {
        const letter = await discardDeadLetter(queues, id)
        const { source, run } = letter
        await recordAction(db, {
          actor: user.name,
          action: 'job.discard',
          source,
          run,
          subject: id,
        })
        return { notice: `${letter.id} is discarded. Run ${letter.run} stays as it is.` }
      },
    },
    reset: {
      form: z.object({ scope: z.string().max(200), key: z.string().max(500) }),
      async run({ services: { db }, form: { scope, key }, user }) {
        await resetLimit(db, scope, key)
        const subject = `${scope} ${key}`
        await recordAction(db, { actor: user.name, action: 'limit.reset', subject })
        return { notice: `The circuit breaker of ${key} is closed.` }
      },
    },
  },
})

function loadWork(services: DashboardServices, nowMs: number) {
  const { db, queues, operations } = services
  return Promise.all([
    measureQueues(queues),
    listDelayedTasks(queues, ROWS_MAX),
    listDeadLetters(queues),
    listLimits(db),
    listQuotas(db),
    listFailingHosts(db, ROWS_MAX),
    listWorkers(db),
    keepReading(services, { name: 'health', ageMs: HEALTH_MS, nowMs }, () =>
      operations.checkHealth(),
    ),
    keepReading(services, { name: 'storage', ageMs: STORAGE_MS, nowMs }, () => listStorage(db)),
  ])
}

function retryAllForm(letters: number, source: string | undefined, user: User): Html {
  if (letters < 2) return EMPTY
  const of = source === undefined ? '' : ` of ${source}`
  return actionForm({
    user,
    action: '/jobs/retry-all',
    label: `Retry all ${letters}`,
    icon: 'retry',
    values: source === undefined ? {} : { source },
    confirm: {
      question: `Retry ${formatQuantity(letters, 'dead letter')}${of}?`,
      detail: html`<p>Each run resumes from its last commit.</p>`,
    },
  })
}

function sourceFilter(sources: readonly string[], value: string | undefined): Html {
  if (sources.length < 2) return EMPTY
  const options = { options: sources, any: 'all sources' }
  return filterForm({
    path: '/jobs',
    fields: [{ kind: 'select', name: 'source', label: 'Source', value, ...options }],
  })
}
