// plan: what a sync would do, field by field, without doing it. It is a run that has no row: the same lane looks at the same lines, the
// same SQL judges them and says whether the run would be held. What cannot be previewed is an error, never an empty plan.

import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { toLedger } from '../core/ledger.ts'
import { inSession } from '../db/catalog.ts'
import { listMissing, openPlan, planRun } from '../db/plans.ts'
import type { Db, DbClient } from '../db/pool.ts'
import { findActiveRun, type RunKind, type Settled } from '../db/runs.ts'
import type { Source } from '../db/sources.ts'
import { Lane } from './apply.ts'
import { settingsOf } from './connector-of.ts'
import type { Progress, RunContext } from './context.ts'
import { PartPosition } from './part-position.ts'
import { PlanWriter, type PlannedChange } from './plan-writer.ts'
import { prepareApply } from './run.ts'
import { chooseRun, type LineTools, type SyncRequest } from './sync.ts'

/** Planning stages what it fetches: it needs a session. */
export type PlanTools = LineTools & { readonly db: Db }

/** How the run would settle. `claimed` and every count are those that its ledger would have. */
export type Plan = Settled & { readonly kind: RunKind }

/** No run has these numbers: nothing is found under them, and whatever tried to write with them would be fenced. */
const NO_RUN = { id: 0, token: 0, artifactRun: 0, resumed: false, firstLoad: false }

/**
 * Tells `onChange` every change that a sync of `source` would make now, in the supplier's order, then what would be removed or missing
 * for the first time, unless the run would be held. A product that the supplier sends twice may be told twice. Writes nothing.
 *
 * @throws SyncError `source/…` when the supplier cannot be read to its end · `run/active` when the sync would go on with a run that is there
 */
export async function planSource(
  tools: PlanTools,
  source: Source,
  connector: Connector,
  request: SyncRequest,
  progress: Progress,
  signal: AbortSignal,
  onChange: (change: PlannedChange) => void,
): Promise<Plan> {
  await refuseUnended(tools.db, source)
  const chosen = chooseRun(source, connector, request)
  const run = { ...NO_RUN, ...chosen, sourceId: source.id, startedAt: request.now }
  const context: RunContext = { ...tools, connector, source, settings: settingsOf(connector, source), run, progress, signal }
  const client = await tools.db.connect()
  try {
    await openPlan(client)
    const state = await prepareApply(context)
    const at = new PartPosition({ no: 1 }, null)
    await new Lane(context, state, new PlanWriter(context, state, client, onChange)).applyLines(at, fetchAll(context))
    return await planSettle(context, client, at, onChange)
  } finally {
    client.release(true)
  }
}

/** A run that has not ended has archived and applied things that only it can go on with. */
async function refuseUnended(db: Db, source: Source): Promise<void> {
  const active = await findActiveRun(db, source.id)
  if (active === null) return
  const message = `Run ${active.id} of ${source.name} is ${active.state}: a sync would go on with that run, which cannot be planned. Plan when it has ended`
  throw new SyncError('run/active', message)
}

/** The supplier's bytes to their end. @throws SyncError `source/…` */
async function* fetchAll({ connector, settings, run, http, log, progress, signal }: RunContext): AsyncGenerator<Buffer, void> {
  const warn = (message: string): void => log.warn({}, message)
  const mode = run.kind === 'full' ? 'full' : 'incremental'
  const request = { settings, mode, sinceMs: run.sinceAt?.getTime() ?? null, cursor: null, http, warn } as const
  let proved = false
  for await (const { bytes, lineCount, complete, claimed } of connector.fetch(request, signal)) {
    proved = complete
    progress.claimed ??= claimed
    progress.fetchedLines += lineCount
    progress.fetchedBytes += bytes.length
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  if (!proved) throw new SyncError('source/cut-short', 'The answer ended without proof that nothing is missing, so it cannot be planned with')
}

async function planSettle({ source, run, progress }: RunContext, client: DbClient, at: PartPosition, onChange: (change: PlannedChange) => void): Promise<Plan> {
  const session = inSession(client)
  const { counts, known, staged } = at
  const { claimed, fetchedLines: fetched } = progress
  known.union(staged)
  const seen = known.toBytes()
  const { reasons, whole } = await planRun(session, source.id, { kind: run.kind, complete: true, claimed, fetched, counts }, seen, source.policy)
  const held = reasons.length > 0
  const gone = { removed: 0, missing: 0 }
  for (const { externalId, title, missedBefore } of whole && !held ? await listMissing(session, source.id, seen) : []) {
    const kind = missedBefore ? 'removed' : 'missing'
    gone[kind] += 1
    onChange({ externalId, kind, detail: { title } })
  }
  return { kind: run.kind, state: held ? 'held' : 'succeeded', reason: held ? reasons.join('; ') : null, ledger: { ...toLedger(claimed, fetched, counts), ...gone } }
}
