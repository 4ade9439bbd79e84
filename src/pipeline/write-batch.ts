// One batch: parse, normalise, stage, merge, quarantine. When Postgres refuses a batch because of one row, halves of it find the row.

import type { ErrorCode } from '../core/errors.ts'
import { emptyCounts, type Counts } from '../core/ledger.ts'
import { applyBatch, clearStaging, quarantineRecords, type BatchRules, type QuarantinedRecord } from '../db/batches.ts'
import { isDataFailure } from '../db/failures.ts'
import type { DbClient } from '../db/pool.ts'
import { StagingCopy } from '../db/staging.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from './context.ts'
import { readRecord, UnreadableRecord } from './read-record.ts'
import type { SeqBlock } from './seq-block.ts'
import type { Terms } from './terms.ts'

export interface BatchOutcome {
  readonly counts: Counts
  /** The numbers of the products that the batch named. */
  readonly seqs: readonly number[]
}

export interface BatchTools {
  readonly client: DbClient
  readonly seqs: SeqBlock
  readonly terms: Terms
  readonly rules: BatchRules
}

/**
 * Writes `lines` of a part, inside the transaction that the caller opened on `client`.
 *
 * @throws SyncError `run/fenced`; any other failure leaves the transaction to be rolled back
 */
export async function writeBatch(context: RunContext, tools: BatchTools, partNo: number, lines: readonly PendingLine[]): Promise<BatchOutcome> {
  const counts = emptyCounts()
  const seqs: number[] = []
  const refused: QuarantinedRecord[] = []
  await tools.seqs.reserve(lines.length)
  await writePiece(context, tools, partNo, lines, counts, seqs, refused)
  if (refused.length > 0) {
    seqs.push(...(await quarantineRecords(tools.client, context.run, partNo, refused)))
    counts.quarantined += refused.length
    counts.unreadable += refused.filter(({ externalId }) => externalId === null).length
  }
  return { counts, seqs }
}

async function writePiece(
  context: RunContext,
  tools: BatchTools,
  partNo: number,
  lines: readonly PendingLine[],
  counts: Counts,
  seqs: number[],
  refused: QuarantinedRecord[],
): Promise<void> {
  const unreadable: QuarantinedRecord[] = []
  await tools.client.query('savepoint piece')
  try {
    await stage(context, tools, partNo, lines, unreadable)
    const result = await applyBatch(tools.client, context.run, partNo, tools.seqs.next, tools.rules)
    tools.seqs.next = result.nextSeq
    for (const outcome of ['created', 'updated', 'unchanged', 'older', 'duplicate', 'held'] as const) counts[outcome] += result[outcome]
    seqs.push(...result.seqs)
    refused.push(...unreadable)
    return
  } catch (error) {
    if (!isDataFailure(error)) throw error
    await tools.client.query('rollback to savepoint piece')
    const [only] = lines
    if (lines.length === 1 && only) {
      refused.push(quarantined(context, partNo, only, 'record/invalid', `Postgres cannot hold it: ${error.message}`, identify(context, only)))
      return
    }
  }
  const middle = lines.length >> 1
  for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
    await clearStaging(tools.client)
    await writePiece(context, tools, partNo, half, counts, seqs, refused)
  }
}

async function stage(context: RunContext, tools: BatchTools, partNo: number, lines: readonly PendingLine[], refused: QuarantinedRecord[]): Promise<void> {
  const copy = new StagingCopy(tools.client)
  try {
    for (const pending of lines) {
      try {
        const { draft, raw, hash } = readRecord(context.connector, context.settings, pending)
        tools.terms.collect(draft.terms)
        const full = copy.add({ lineNo: pending.lineNo, recordHash: hash, raw }, draft)
        if (full) await full
      } catch (error) {
        if (!(error instanceof UnreadableRecord)) throw error
        refused.push(quarantined(context, partNo, pending, error.cause.code, error.message, error.externalId))
      }
    }
    await copy.finish()
  } catch (error) {
    await copy.abandon(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
  await tools.terms.save(context)
}

function identify({ connector }: RunContext, { line, scan }: PendingLine): string | null {
  try {
    const parsed: unknown = JSON.parse((scan === null ? line : line.subarray(scan.start, scan.end)).toString())
    return connector.identify(scan === null ? connector.unwrap(parsed) : parsed)
  } catch {
    return null
  }
}

export function quarantined(
  { source, run }: RunContext,
  partNo: number,
  { lineNo, byteOffset, line }: Pick<PendingLine, 'lineNo' | 'byteOffset' | 'line'>,
  rule: ErrorCode,
  why: string,
  externalId: string | null,
  byteLength = line.length,
): QuarantinedRecord {
  const message = `${source.name}, run ${run.artifactRun}, part ${partNo}, line ${lineNo}, byte ${byteOffset}: ${why}`
  return { lineNo, byteOffset, byteLength, externalId, rule, message, raw: line }
}
