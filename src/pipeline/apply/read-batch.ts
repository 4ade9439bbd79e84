// From the lines of a batch to drafts. A line that cannot be read is set aside here, with what is
// needed to find it again.

import type { ErrorCode } from '../../core/errors.ts'
import type { Draft } from '../../core/product.ts'
import type { QuarantinedRecord } from '../../db/write/batches.ts'
import type { StagedRecord } from '../../db/write/staged-rows.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from '../context.ts'
import { outsideText } from '../outside-text.ts'
import { readRecord, UnreadableRecord } from './read-record.ts'
import type { Terms } from './term-writer.ts'

interface ReadLine {
  readonly pending: PendingLine
  readonly record: StagedRecord
  readonly draft: Draft
}

/**
 * Yields what can be staged, and adds the rest to `refused`. The terms that come along are
 * collected; saving them is the caller's.
 */
export function* readBatch(
  context: RunContext,
  terms: Terms,
  partNo: number,
  lines: readonly PendingLine[],
  refused: QuarantinedRecord[],
): Generator<ReadLine> {
  for (const pending of lines) {
    try {
      const { draft, raw, hash } = readRecord(context.connector, context.settings, pending)
      terms.collect(draft.terms)
      const told =
        draft.warnings.length === 0
          ? draft
          : { ...draft, warnings: draft.warnings.map((text) => outsideText(context, text)) }
      yield { pending, draft: told, record: { lineNo: pending.lineNo, recordHash: hash, raw } }
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error
      refused.push(
        quarantined(context, partNo, pending, error.cause.code, error.message, error.externalId),
      )
    }
  }
}

/** A record that was read well, and that Postgres refuses. */
export function refusedByPostgres(
  context: RunContext,
  partNo: number,
  line: PendingLine,
  why: string,
): QuarantinedRecord {
  return quarantined(
    context,
    partNo,
    line,
    'record/invalid',
    `Postgres cannot hold it: ${why}`,
    identify(context, line),
  )
}

export function quarantined(
  context: RunContext,
  partNo: number,
  { lineNo, byteOffset, line }: Pick<PendingLine, 'lineNo' | 'byteOffset' | 'line'>,
  rule: ErrorCode,
  reason: string,
  externalId: string | null,
  byteLength = line.length,
): QuarantinedRecord {
  const { source, run } = context
  const why = outsideText(context, reason)
  const message = `${source.name}, run ${run.artifactRun}, part ${partNo}, line ${lineNo}, byte ${byteOffset}: ${why}`
  return { lineNo, byteOffset, byteLength, externalId, rule, why, message, raw: line }
}

function identify({ connector }: RunContext, { line, scan }: PendingLine): string | null {
  try {
    const parsed: unknown = JSON.parse(
      (scan === null ? line : line.subarray(scan.start, scan.end)).toString(),
    )
    return connector.identify(scan === null ? connector.unwrap(parsed) : parsed)
  } catch {
    return null
  }
}
