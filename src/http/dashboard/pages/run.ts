// One run: its progress, its work over time, its ledger, its changes, and the decision about it.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { recordAction } from '../../../db/write/actions.ts'
import { approveRun, rejectRun } from '../../../db/write/decisions.ts'
import { AS_SCHEDULED } from '../../../jobs/requests.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { loadRunSummary } from '../../../db/read/run-summaries.ts'
import { definePage } from '../page.ts'
import { renderRun, RUN_VIEWS } from '../run/run-view.ts'

/** As the person stated it; empty without one. */
const reason = z.string().max(2000).default('')
const RunId = z.object({ id: z.coerce.number().int().positive() })

export const runPage = definePage({
  path: '/runs/:id',
  example: '/runs/1',
  params: RunId,
  query: z.object({
    view: z.enum(RUN_VIEWS).default('overview'),
    after: z.string().max(500).optional(),
  }),
  render: ({ services, params, query, user }) =>
    renderRun({ services, user, ...query, id: params.id }),
  actions: {
    approve: {
      form: z.object({ version: z.string().max(10_000), reason }),
      async run({ services: { db }, params: { id }, form, user }) {
        const approval = await approveRun(db, id, { ...form, by: user.name })
        const { removed, prices, waiting } = approval
        const done = `${formatQuantity(removed, 'removal')} and ${formatQuantity(prices, 'changed price')} approved`
        const notice =
          approval.state === 'succeeded'
            ? `Run ${id} is approved: ${done}.`
            : `${done}. ${formatQuantity(waiting.removals, 'removal')} and ${formatQuantity(waiting.prices, 'changed price')} appeared after this page and wait.`
        return { notice }
      },
    },
    reject: {
      form: z.object({ reason }),
      async run({ services: { db }, params: { id }, form, user }) {
        await rejectRun(db, id, user.name, form.reason)
        return { notice: `Run ${id} is rejected.` }
      },
    },
    cancel: {
      form: z.object({ reason }),
      async run({ services: { db, operations }, params: { id }, form, user }) {
        const { state } = await operations.cancelRun(id)
        if (state !== 'cancelled')
          throw new SyncError('run/ended', `Run ${id} has ended already: it is ${state}`)
        await recordAction(db, {
          actor: user.name,
          action: 'run.cancel',
          run: id,
          reason: form.reason,
        })
        return { notice: `Run ${id} is cancelled. Its committed records stay.` }
      },
    },
    replay: {
      form: z.object({}),
      async run({ services: { db, operations }, params: { id }, correlationId, user }) {
        const { source, artifactRun } = await loadRunSummary(db, id)
        const request = {
          ...AS_SCHEDULED,
          source,
          mode: 'maintain-only' as const,
          artifact: artifactRun,
        }
        const [started] = await operations.requestRuns(request, correlationId)
        if (started === undefined || 'error' in started)
          throw new SyncError('run/active', started?.error.message ?? 'No run could be started')
        await recordAction(db, { actor: user.name, action: 'run.replay', source, run: started.run })
        return {
          notice: `Run ${started.run} replays the artifact of run ${artifactRun}.`,
          to: `/runs/${started.run}`,
        }
      },
    },
  },
})
