// Batches through a session: copied into staging tables and merged in one transaction.

import { emptyCounts } from '../../core/ledger.ts'
import { inSession, type Catalog } from '../catalog.ts'
import type { DbClient } from '../transaction.ts'
import {
  type Batch,
  type BatchOutcome,
  type BatchStep,
  type BatchWriter,
  type QuarantinedRecord,
  type ReadRecord,
  type WriterOptions,
} from './batch-writer.ts'
import { applyBatch, quarantineRecords, type MergedBatch } from './batches.ts'
import { saveCheckpoint } from './checkpoints.ts'
import { mergeRecords, type MergeSession } from './merge-records.ts'
import type { ProductNumbers } from './product-numbers.ts'
import { StagedRows } from './staged-rows.ts'

/** Rows of products are much larger than the others; they grow to the size of a batch. */
const PRODUCT_BYTES = 512 * 1024

/** The pool of connections, as far as a writer needs it. */
interface StagingSessions {
  connect(): Promise<DbClient>
  openStaging(client: DbClient): Promise<void>
}

/**
 * Owns one connection from its first batch on, and creates its staging tables when there is something
 * to stage.
 */
export class CopyWriter implements BatchWriter {
  readonly #sessions: StagingSessions
  readonly #numbers: ProductNumbers
  readonly #options: WriterOptions
  readonly #rows = new StagedRows(PRODUCT_BYTES)
  #client: DbClient | null = null

  constructor(sessions: StagingSessions, numbers: ProductNumbers, options: WriterOptions) {
    this.#sessions = sessions
    this.#numbers = numbers
    this.#options = options
  }

  add(record: ReadRecord): void {
    this.#rows.add(record)
  }

  async write(batch: Batch, step: BatchStep | null): Promise<BatchOutcome> {
    this.#client ??= await this.#sessions.connect()
    const outcome = await this.#write(this.#client, batch, step)
    this.#rows.clear()
    return outcome
  }

  /** Returns the connection to the pool, so that the next part finds its staging tables. */
  close(broken: boolean): void {
    this.#client?.release(broken)
  }

  async #write(
    client: DbClient,
    { partNo, quarantined }: Batch,
    step: BatchStep | null,
  ): Promise<BatchOutcome> {
    const session = inSession(client)
    const { run, quarantine } = this.#options
    const { records } = this.#rows
    if (records.length + quarantined.length === 0) {
      if (step) await saveCheckpoint(session, run, step.checkpoint())
      return { counts: emptyCounts(), seqs: [] }
    }
    if (records.length > 0) {
      await this.#sessions.openStaging(client)
      await this.#numbers.reserve(records.length)
    }
    return mergeRecords(this.#mergeSession(client, partNo), async (merged, refused) => {
      const more = refused.map(({ record, reason }) => quarantine(partNo, record, reason))
      const outcome = await this.#quarantine(
        session,
        partNo,
        [...quarantined, ...more],
        addUp(merged),
      )
      if (step) await saveCheckpoint(session, run, step.checkpoint(outcome))
      return outcome
    })
  }

  #mergeSession(client: DbClient, partNo: number): MergeSession<MergedBatch> {
    const { run, rules, signal } = this.#options
    const numbers = this.#numbers
    const seqFrom = numbers.next
    return {
      client,
      rows: this.#rows,
      signal,
      begin: () => {
        // Numbers that a transaction took are free again when it was rolled back.
        numbers.next = seqFrom
        return Promise.resolve()
      },
      merge: async () => {
        const batch = { partNo, seqFrom: numbers.next, rules }
        const merged = await applyBatch(inSession(client), run, batch)
        numbers.next = merged.nextSeq
        return merged
      },
    }
  }

  async #quarantine(
    session: Catalog,
    partNo: number,
    records: readonly QuarantinedRecord[],
    { counts, seqs }: BatchOutcome,
  ): Promise<BatchOutcome> {
    if (records.length === 0) return { counts, seqs }
    const named = await quarantineRecords(session, this.#options.run, partNo, records)
    const unreadable = records.filter(({ externalId }) => externalId === null).length
    return {
      counts: { ...counts, quarantined: records.length, unreadable },
      seqs: [...seqs, ...named],
    }
  }
}

function addUp(merged: readonly MergedBatch[]): BatchOutcome {
  const counts = emptyCounts()
  for (const piece of merged) {
    for (const name of ['created', 'updated', 'unchanged', 'older', 'duplicate', 'held'] as const)
      counts[name] += piece[name]
  }
  return { counts, seqs: merged.flatMap(({ seqs }) => seqs) }
}
