// Batches by the Data API: each is one call, which stages, merges and quarantines in a transaction
// of its own. A record that Postgres refuses comes back by its index; then the rest is sent again.

import { callBatch, refusedBy, type BatchAnswer, type Step } from '../../db/write/batch-calls.ts'
import type { QuarantinedRecord } from '../../db/write/batches.ts'
import type { DataApi } from '../../db/data-api.ts'
import { StagedJson } from '../../db/write/staged-json.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from '../context.ts'
import type { PartPosition } from './part-position.ts'
import { readBatch, refusedByPostgres } from './read-batch.ts'
import { SeqBlock } from './seq-block.ts'

/** Product numbers that are reserved at once: a call for every batch would be one in three. */
const SEQS_RESERVED = 5000

export class CallWriter implements BatchWriter {
  readonly #context: RunContext
  readonly #state: WriterState
  readonly #db: DataApi
  readonly #seqs: SeqBlock
  readonly #json = new StagedJson()

  constructor(context: RunContext, state: WriterState, db: DataApi) {
    this.#context = context
    this.#state = state
    this.#db = db
    this.#seqs = new SeqBlock(db, context.source.id, SEQS_RESERVED)
  }

  async write(
    at: PartPosition,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
    done: boolean,
  ): Promise<readonly number[]> {
    const { counts, seqs } = await this.#send(at.part.no, lines, aside, {
      linesBefore: at.linesSaved,
      checkpoint: at.checkpoint(done),
    })
    at.add(counts, seqs)
    return seqs
  }

  async writeAgain(partNo: number, lines: readonly PendingLine[]): Promise<void> {
    for (const piece of this.#pieces(lines)) await this.#send(partNo, piece, [], null)
  }

  close(): void {
    // Nothing is kept open between calls.
  }

  async #send(
    partNo: number,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
    step: Step | null,
  ): Promise<BatchAnswer> {
    const { terms, rules } = this.#state
    const quarantined = [...aside]
    let sent: { readonly pending: PendingLine; readonly text: string }[] = []
    for (const { pending, record, draft } of readBatch(
      this.#context,
      terms,
      partNo,
      lines,
      quarantined,
    )) {
      sent.push({ pending, text: this.#json.render(record, draft) })
    }
    await terms.save(this.#context)
    if (sent.length > 0) await this.#seqs.reserve(sent.length)
    for (;;) {
      try {
        const call = {
          partNo,
          records: sent.map(({ text }) => text),
          quarantined,
          seqFrom: this.#seqs.next,
        }
        const answer = await callBatch(this.#db, this.#context.run, rules, call, step)
        this.#seqs.next = answer.nextSeq
        return answer
      } catch (error) {
        const refused = new Map(refusedBy(error).map(({ index, why }) => [index, why]))
        if (refused.size === 0) throw error
        for (const [index, why] of refused) {
          const record = sent[index]
          if (record)
            quarantined.push(refusedByPostgres(this.#context, partNo, record.pending, why))
        }
        sent = sent.filter((_, index) => !refused.has(index))
      }
    }
  }

  /** As many lines at a time as a batch may have. */
  *#pieces(lines: readonly PendingLine[]): Generator<PendingLine[]> {
    const { batchRecordsMax, batchBytesMax } = this.#context.options
    let piece: PendingLine[] = []
    let bytes = 0
    for (const line of lines) {
      if (
        piece.length > 0 &&
        (piece.length === batchRecordsMax || bytes + line.line.length > batchBytesMax)
      ) {
        yield piece
        piece = []
        bytes = 0
      }
      piece.push(line)
      bytes += line.line.length
    }
    if (piece.length > 0) yield piece
  }
}
