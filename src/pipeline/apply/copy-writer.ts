// Batches by a session: parsed, copied into staging and merged in one transaction.

import { addCounts, emptyCounts, type Counts } from '../../core/ledger.ts'
import {
  applyBatch,
  openStaging,
  quarantineRecords,
  saveCheckpoint,
  type BatchResult,
  type QuarantinedRecord,
} from '../../db/write/batches.ts'
import { inSession, type Catalog } from '../../db/catalog.ts'
import { transaction, type Db, type DbClient } from '../../db/pool.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from '../context.ts'
import type { PartPosition } from './part-position.ts'
import { SeqBlock } from './seq-block.ts'
import { mergePieces, writeAccepted, type Staging } from './stage.ts'

/** What became of the lines of a batch. */
interface Outcome {
  readonly counts: Counts
  /** The numbers of all products that the batch named. */
  readonly seqs: number[]
}

/** One connection, with staging tables as soon as there is something to stage. */
export class CopyWriter implements BatchWriter {
  readonly #context: RunContext
  readonly #state: WriterState
  readonly #client: DbClient
  readonly #session: Catalog
  readonly #seqs: SeqBlock
  #staging: Promise<void> | null = null

  private constructor(context: RunContext, state: WriterState, db: Db, client: DbClient) {
    this.#context = context
    this.#state = state
    this.#client = client
    this.#session = inSession(client)
    this.#seqs = new SeqBlock(db, context.source.id)
  }

  static async open(context: RunContext, state: WriterState, db: Db): Promise<CopyWriter> {
    return new CopyWriter(context, state, db, await db.connect())
  }

  async write(
    at: PartPosition,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
    done: boolean,
  ): Promise<readonly number[]> {
    const { run } = this.#context
    if (lines.length + aside.length === 0) {
      await saveCheckpoint(this.#session, run, at.checkpoint(done))
      return []
    }
    return this.#merge(at.part.no, lines, aside, async ({ counts, seqs }) => {
      addCounts(counts, at.counts)
      at.add(counts, seqs)
      await saveCheckpoint(this.#session, run, at.checkpoint(done))
      return seqs
    })
  }

  async writeAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    await this.#merge(partNo, lines, [], () => Promise.resolve())
  }

  /** Gives the connection back, or ends it with its staging tables. */
  close(broken: boolean): void {
    this.#client.release(broken || this.#staging !== null)
  }

  /** Merges a batch in one transaction with what `conclude` does. */
  async #merge<T>(
    partNo: number,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
    conclude: (outcome: Outcome) => Promise<T>,
  ): Promise<T> {
    if (lines.length > 0) {
      await (this.#staging ??= openStaging(this.#client))
      await this.#seqs.reserve(lines.length)
    }
    const staging = this.#stagingOf(partNo)
    return writeAccepted(staging, lines, (batch) =>
      transaction(this.#client, async () => {
        const { merged, refused } = await mergePieces(staging, batch)
        const outcome = addUp(merged)
        const quarantined = [...aside, ...refused]
        if (quarantined.length > 0) await this.#quarantine(partNo, quarantined, outcome)
        return conclude(outcome)
      }),
    )
  }

  #stagingOf(partNo: number): Staging<BatchResult> {
    const { terms, rules } = this.#state
    const context = this.#context
    const seqFrom = this.#seqs.next
    return {
      context,
      client: this.#client,
      terms,
      partNo,
      begin: () => {
        // The numbers that a transaction took are free again when it was rolled back.
        this.#seqs.next = seqFrom
        return Promise.resolve()
      },
      merge: async () => {
        await terms.save(context)
        const result = await applyBatch(this.#session, context.run, partNo, this.#seqs.next, rules)
        this.#seqs.next = result.nextSeq
        return result
      },
    }
  }

  async #quarantine(
    partNo: number,
    records: readonly QuarantinedRecord[],
    { counts, seqs }: Outcome,
  ): Promise<void> {
    seqs.push(...(await quarantineRecords(this.#session, this.#context.run, partNo, records)))
    counts.quarantined += records.length
    counts.unreadable += records.filter(({ externalId }) => externalId === null).length
  }
}

function addUp(results: readonly BatchResult[]): Outcome {
  const counts = emptyCounts()
  for (const result of results) {
    for (const name of ['created', 'updated', 'unchanged', 'older', 'duplicate', 'held'] as const)
      counts[name] += result[name]
  }
  return { counts, seqs: results.flatMap(({ seqs }) => seqs) }
}
