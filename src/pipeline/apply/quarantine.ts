// Records that cannot be applied: their description for the operator, and the limit at which a run
// stops.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { ArchivedLine, QuarantinedRecord } from '../../db/write/batch-writer.ts'
import type { RunContext } from '../context.ts'
import { sanitizeText } from '../sanitize-text.ts'

/** Each quarantined record takes up to 64 KiB in the database. */
const RECORDS_MAX = 10_000
/** A run may exceed the source's quarantine budget by this factor, so that it can be judged. */
const BUDGETS_MAX = 10

/** The reason why a line is quarantined. */
export interface Fault {
  readonly rule: ErrorCode
  readonly reason: string
  /** Null when the line has no readable id. */
  readonly externalId: string | null
  /** Length of the whole line, when only its beginning is in memory. */
  readonly byteLength?: number
}

/** Describes a line of a part so that it can be found, judged and replayed. */
export function quarantineLine(
  context: Pick<RunContext, 'source' | 'run' | 'redact'>,
  partNo: number,
  { lineNo, byteOffset, line }: ArchivedLine,
  { rule, reason: rawReason, externalId, byteLength = line.length }: Fault,
): QuarantinedRecord {
  const { source, run } = context
  const reason = sanitizeText(context, rawReason)
  const place = `run ${run.artifactRun}, part ${partNo}, line ${lineNo}, byte ${byteOffset}`
  const message = `${source.name}, ${place}: ${reason}`
  return { lineNo, byteOffset, byteLength, externalId, rule, reason, message, raw: line }
}

/**
 * @throws SyncError `run/too-many-quarantined` when the run has far exceeded its budget, so that
 * more quarantined records would not help the operator
 */
export function checkQuarantineBudget({ source, progress }: RunContext): void {
  const { counts, appliedLines, expected } = progress
  const share = source.policy.quarantineShare
  const limit = Math.max(RECORDS_MAX, BUDGETS_MAX * share * Math.max(appliedLines, expected ?? 0))
  if (counts.quarantined <= limit) return
  const quarantined = `${counts.quarantined} of the first ${appliedLines} records`
  const percent = Math.round(share * 1e6) / 1e4
  throw new SyncError(
    'run/too-many-quarantined',
    `${quarantined} of ${source.name} are in quarantine; the limit of the source is ${percent} %`,
  )
}
