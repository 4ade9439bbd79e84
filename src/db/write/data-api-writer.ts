// Batches through the Data API: each is one call, which stages, merges and quarantines in its own
// transaction. It reports refused records by their index; the others are then sent again.

import { emptyCounts, OUTCOMES, type Counts } from '../../core/ledger.ts'
import type { Catalog } from '../catalog.ts'
import { callBatch, listRefused } from './batch-calls.ts'
import type {
  Batch,
  BatchOutcome,
  BatchRecord,
  BatchStep,
  BatchWriter,
  ReadRecord,
  WriterOptions,
} from './batch-writer.ts'
import { ProductNumbers } from './product-numbers.ts'
import { StagedJson } from './staged-json.ts'

/** Product numbers that are reserved at once: a call for every batch would be one in three. */
const NUMBERS_RESERVED = 5000

interface RenderedRecord {
  readonly record: BatchRecord
  readonly text: string
}

export class DataApiWriter implements BatchWriter {
  readonly #db: Catalog
  readonly #numbers: ProductNumbers
  readonly #options: WriterOptions
  readonly #json = new StagedJson()
  #rendered: RenderedRecord[] = []

  constructor(db: Catalog, options: WriterOptions) {
    this.#db = db
    this.#numbers = new ProductNumbers(db, options.run.sourceId, NUMBERS_RESERVED)
    this.#options = options
  }

  add(record: ReadRecord): void {
    const { lineNo, byteOffset, line, draft } = record
    const place = { lineNo, byteOffset, line, externalId: draft.externalId }
    this.#rendered.push({ record: place, text: this.#json.render(record) })
  }

  async write({ partNo, ...batch }: Batch, step: BatchStep | null): Promise<BatchOutcome> {
    const { run, rules, quarantine } = this.#options
    const quarantined = [...batch.quarantined]
    let sent = this.#rendered
    this.#rendered = []
    if (sent.length > 0) await this.#numbers.reserve(sent.length)
    const before = step && { linesBefore: step.linesBefore, checkpoint: step.checkpoint() }
    for (;;) {
      try {
        const call = {
          partNo,
          records: sent.map(({ text }) => text),
          quarantined,
          seqFrom: this.#numbers.next,
          rules,
          step: before,
        }
        const { counts, seqs, nextSeq } = await callBatch(this.#db, run, call)
        this.#numbers.next = nextSeq
        return { counts: subtract(counts, before?.checkpoint.counts ?? emptyCounts()), seqs }
      } catch (error) {
        const refused = new Map(listRefused(error).map(({ index, reason }) => [index, reason]))
        if (refused.size === 0) throw error
        for (const [index, reason] of refused) {
          const { record } = sent[index] ?? {}
          if (record) quarantined.push(quarantine(partNo, record, reason))
        }
        sent = sent.filter((_, index) => !refused.has(index))
      }
    }
  }

  close(): void {
    // Nothing is kept open between calls.
  }
}

function subtract(total: Counts, earlier: Counts): Counts {
  const counts = { ...total, unreadable: total.unreadable - earlier.unreadable }
  for (const outcome of OUTCOMES) counts[outcome] -= earlier[outcome]
  return counts
}
