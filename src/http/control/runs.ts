// The run object of the API, formatted from the read model.

import { ERRORS } from '../../core/error-table.ts'
import type { RunDetails, RunSummary } from '../../db/read/run-summaries.ts'
import { toRunProgress } from './run-progress.ts'

export interface RunError {
  /** Null for a held run: it is not an error, but waits for a decision. */
  readonly code: string | null
  readonly message: string
  readonly hint: string | null
}

export function toRunJson(run: RunSummary) {
  const { id, source, kind, keyCount, state, correlationId, startedAt, finishedAt, removalsOff } =
    run
  return {
    id,
    source,
    kind,
    keyCount,
    state,
    correlationId,
    startedAt,
    finishedAt,
    removalsOff,
    progress: toRunProgress(run, null),
    errors: listRunErrors(run),
  }
}

export function toRunDetailsJson(run: RunDetails) {
  return {
    ...toRunJson(run),
    artifact: run.artifact,
    changes: run.changes,
    openReviews: run.openReviews,
    heldPrices: run.heldPrices,
    openQuarantine: run.openQuarantine,
    otherQuarantine: run.otherQuarantine,
    diff: run.diff,
    imports: run.imports,
  }
}

/**
 * Returns the reason why a run failed, was interrupted, held or rejected; empty for any other run.
 */
export function listRunErrors({ id, state, errorCode, reason }: RunSummary): RunError[] {
  if (reason === null || !['failed', 'interrupted', 'held', 'rejected'].includes(state)) return []
  const known: Readonly<Record<string, { readonly hint: string }>> = ERRORS
  const decide = `Inspect it with \`shelfsync runs diff ${id}\`, then use \`shelfsync runs approve ${id}\` or \`reject\`.`
  return [
    {
      code: errorCode,
      message: reason,
      hint: known[errorCode ?? '']?.hint ?? (state === 'held' ? decide : null),
    },
  ]
}
