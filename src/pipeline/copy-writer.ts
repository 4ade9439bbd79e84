// Batches by a session: parsed, copied into staging and merged in one transaction. When Postgres refuses a batch because of one row,
// halves of it find the row.

import { addCounts, emptyCounts, type Counts } from '../core/ledger.ts'
import { applyBatch, clearStaging, openStaging, quarantineRecords, saveCheckpoint, type QuarantinedRecord } from '../db/batches.ts'
import { inSession, type Catalog } from '../db/catalog.ts'
import { isDataFailure } from '../db/failures.ts'
import { transaction, type Db, type DbClient } from '../db/pool.ts'
import { StagingCopy } from '../db/staging.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from './context.ts'
import type { PartPosition } from './part-position.ts'
import { readBatch, refusedByPostgres } from './read-batch.ts'
import { SeqBlock } from './seq-block.ts'

/** What became of the lines of a batch. */
interface Outcome {
  readonly counts: Counts
  readonly seqs: number[]
  readonly refused: QuarantinedRecord[]
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

  async write(at: PartPosition, lines: readonly PendingLine[], aside: readonly QuarantinedRecord[], done: boolean): Promise<readonly number[]> {
    const { run } = this.#context
    if (lines.length + aside.length === 0) {
      await saveCheckpoint(this.#session, run, at.checkpoint(done))
      return []
    }
    return this.#inTransaction(lines, async () => {
      const { counts, seqs } = await this.#merge(at.part.no, lines, aside)
      addCounts(counts, at.counts)
      at.add(counts, seqs)
      await saveCheckpoint(this.#session, run, at.checkpoint(done))
      return seqs
    })
  }

  async writeAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    await this.#inTransaction(lines, () => this.#merge(partNo, lines, []))
  }

  /** Gives the connection back, or ends it with its staging tables. */
  close(broken: boolean): void {
    this.#client.release(broken || this.#staging !== null)
  }

  async #inTransaction<T>(lines: readonly PendingLine[], work: () => Promise<T>): Promise<T> {
    if (lines.length > 0) await (this.#staging ??= openStaging(this.#client))
    return transaction(this.#client, work)
  }

  async #merge(partNo: number, lines: readonly PendingLine[], aside: readonly QuarantinedRecord[]): Promise<Outcome> {
    const outcome: Outcome = { counts: emptyCounts(), seqs: [], refused: [...aside] }
    const { counts, seqs, refused } = outcome
    if (lines.length > 0) {
      await this.#seqs.reserve(lines.length)
      await this.#mergePiece(partNo, lines, outcome)
    }
    if (refused.length > 0) {
      seqs.push(...(await quarantineRecords(this.#session, this.#context.run, partNo, refused)))
      counts.quarantined += refused.length
      counts.unreadable += refused.filter(({ externalId }) => externalId === null).length
    }
    return outcome
  }

  async #mergePiece(partNo: number, lines: readonly PendingLine[], outcome: Outcome): Promise<void> {
    const { counts, seqs, refused } = outcome
    const unreadable: QuarantinedRecord[] = []
    await this.#client.query('savepoint piece')
    try {
      await this.#stage(partNo, lines, unreadable)
      const result = await applyBatch(this.#session, this.#context.run, partNo, this.#seqs.next, this.#state.rules)
      this.#seqs.next = result.nextSeq
      for (const name of ['created', 'updated', 'unchanged', 'older', 'duplicate', 'held'] as const) counts[name] += result[name]
      seqs.push(...result.seqs)
      refused.push(...unreadable)
      return
    } catch (error) {
      if (!isDataFailure(error)) throw error
      await this.#client.query('rollback to savepoint piece')
      const [only] = lines
      if (lines.length === 1 && only) {
        refused.push(refusedByPostgres(this.#context, partNo, only, error.message))
        return
      }
    }
    const middle = lines.length >> 1
    for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
      await clearStaging(this.#client)
      await this.#mergePiece(partNo, half, outcome)
    }
  }

  async #stage(partNo: number, lines: readonly PendingLine[], refused: QuarantinedRecord[]): Promise<void> {
    const copy = new StagingCopy(this.#client)
    try {
      for (const { record, draft } of readBatch(this.#context, this.#state.terms, partNo, lines, refused)) {
        const full = copy.add(record, draft)
        if (full) await full
      }
      await copy.finish()
    } catch (error) {
      await copy.abandon(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    await this.#state.terms.save(this.#context)
  }
}
