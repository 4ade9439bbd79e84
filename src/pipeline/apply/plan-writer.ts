// Writes the batches of a planned sync or replay. They are staged like those of a run, and judged
// instead of merged. The transaction is read-only: the server refuses any write to other tables
// than the session's temporary ones.

import { emptyCounts } from '../../core/ledger.ts'
import { inSession, type Catalog } from '../../db/catalog.ts'
import type { DbClient } from '../../db/transaction.ts'
import type {
  Batch,
  BatchOutcome,
  BatchWriter,
  QuarantinedRecord,
  ReadRecord,
  WriterOptions,
} from '../../db/write/batch-writer.ts'
import { mergeRecords, type MergeSession } from '../../db/write/merge-records.ts'
import { planBatch, type ChangeKind, type PlannedLine } from '../../db/write/plans.ts'
import { listProductSeqs } from '../../db/write/product-numbers.ts'
import { StagedRows } from '../../db/write/staged-rows.ts'

/** One change that a sync or a replay would make. */
export interface PlannedChange {
  readonly externalId: string
  /**
   * `missing`: the product was seen until now; the next complete run that does not see it either
   * removes it. `quarantined`: the record cannot be applied.
   */
  readonly kind: ChangeKind | 'missing' | 'quarantined'
  /** Member → [before, after], or [before, after, reason] for a price that would be held. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly title: string | null
  /** The currencies of the prices in `detail`: `price:<variant>:<type>` → [before, after]. */
  readonly currencies: Readonly<Record<string, readonly [string | null, string | null]>>
}

interface JudgedBatch {
  readonly lines: readonly PlannedLine[]
  readonly quarantined: readonly QuarantinedRecord[]
  /** The numbers of all products that the batch names, including the quarantined ones. */
  readonly seqs: readonly number[]
}

export class PlanWriter implements BatchWriter {
  readonly #client: DbClient
  readonly #session: Catalog
  readonly #options: WriterOptions
  readonly #onChange: (change: PlannedChange) => void
  readonly #rows = new StagedRows()

  /** `openPlan` must have been called with `client`. */
  constructor(client: DbClient, options: WriterOptions, onChange: (change: PlannedChange) => void) {
    this.#client = client
    this.#session = inSession(client)
    this.#options = options
    this.#onChange = onChange
  }

  add(record: ReadRecord): void {
    this.#rows.add(record)
  }

  async write(batch: Batch): Promise<BatchOutcome> {
    const { lines, quarantined, seqs } = await this.#judge(batch)
    this.#rows.clear()
    const counts = emptyCounts()
    for (const { verdict, held, externalId, kind, detail, title, currencies } of lines) {
      counts[held ? 'held' : verdict] += 1
      if (kind !== null)
        this.#onChange({
          externalId,
          kind,
          detail: detail ?? {},
          title,
          currencies: currencies ?? {},
        })
    }
    for (const { externalId, lineNo, reason } of quarantined) {
      counts.quarantined += 1
      if (externalId === null) counts.unreadable += 1
      const detail = { line: lineNo, reason }
      this.#onChange({
        externalId: externalId ?? '',
        kind: 'quarantined',
        detail,
        title: null,
        currencies: {},
      })
    }
    return { counts, seqs }
  }

  close(): void {
    // The caller releases the connection.
  }

  #judge(batch: Batch): Promise<JudgedBatch> {
    const { run, quarantine } = this.#options
    const { partNo } = batch
    return mergeRecords(this.#planSession(partNo), async (planned, refused) => {
      const lines = planned.flat()
      const quarantined = [
        ...batch.quarantined,
        ...refused.map(({ record, reason }) => quarantine(partNo, record, reason)),
      ]
      const ids = quarantined.flatMap(({ externalId }) => externalId ?? [])
      const named = ids.length > 0 ? await listProductSeqs(this.#session, run.sourceId, ids) : []
      return { lines, quarantined, seqs: [...lines.flatMap(({ seq }) => seq ?? []), ...named] }
    })
  }

  #planSession(partNo: number): MergeSession<PlannedLine[]> {
    const { run, rules, signal } = this.#options
    const artifactRun = run.kind === 'replay' ? run.artifactRun : null
    return {
      client: this.#client,
      rows: this.#rows,
      signal,
      begin: async () => void (await this.#client.query('set transaction read only')),
      merge: () => planBatch(this.#session, run.sourceId, { partNo, artifactRun, rules }),
    }
  }
}
