// Batches by a session: parsed, copied into staging and merged in one transaction.

import { addCounts, emptyCounts, type Counts } from '../core/ledger.ts'
import { applyBatch, openStaging, quarantineRecords, saveCheckpoint, type QuarantinedRecord } from '../db/batches.ts'
import { inSession, type Catalog } from '../db/catalog.ts'
import { transaction, type Db, type DbClient } from '../db/pool.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from './context.ts'
import type { PartPosition } from './part-position.ts'
import { SeqBlock } from './seq-block.ts'
import { mergeStaged } from './stage.ts'

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
      const staging = { context: this.#context, client: this.#client, terms: this.#state.terms, partNo, refused }
      await mergeStaged(staging, lines, () => this.#mergePiece(partNo, outcome))
    }
    if (refused.length > 0) {
      seqs.push(...(await quarantineRecords(this.#session, this.#context.run, partNo, refused)))
      counts.quarantined += refused.length
      counts.unreadable += refused.filter(({ externalId }) => externalId === null).length
    }
    return outcome
  }

  async #mergePiece(partNo: number, { counts, seqs }: Outcome): Promise<void> {
    const { terms, rules } = this.#state
    await terms.save(this.#context)
    const result = await applyBatch(this.#session, this.#context.run, partNo, this.#seqs.next, rules)
    this.#seqs.next = result.nextSeq
    for (const name of ['created', 'updated', 'unchanged', 'older', 'duplicate', 'held'] as const) counts[name] += result[name]
    seqs.push(...result.seqs)
  }
}
