// Batches of a plan, of a sync or a replay: staged as those of a run are, and judged instead of
// merged. The transaction is read-only, so that the server refuses whatever would be written beyond
// the session's own tables.

import { addCounts, emptyCounts } from '../../core/ledger.ts'
import type { QuarantinedRecord } from '../../db/write/batches.ts'
import { inSession } from '../../db/catalog.ts'
import {
  numberProducts,
  planBatch,
  type ChangeKind,
  type PlannedLine,
} from '../../db/write/plans.ts'
import { transaction, type DbClient } from '../../db/pool.ts'
import type { BatchWriter, WriterState } from './batch-writer.ts'
import type { PendingLine } from './batch.ts'
import type { RunContext } from '../context.ts'
import type { PartPosition } from './part-position.ts'
import { mergePieces, writeAccepted, type Staging } from './stage.ts'

/** One thing that a sync or a replay would do. */
export interface PlannedChange {
  readonly externalId: string
  /**
   * `missing`: not there now, and removed if the next complete run does not see it either.
   * `quarantined`: cannot be applied.
   */
  readonly kind: ChangeKind | 'missing' | 'quarantined'
  /** Member → [before, after]; a price that would be held has the reason as a third. */
  readonly detail: Readonly<Record<string, unknown>>
}

interface PlannedBatch {
  readonly planned: readonly PlannedLine[]
  readonly refused: readonly QuarantinedRecord[]
  /** The numbers of the products that the lines name, also of those that would be quarantined. */
  readonly seqs: readonly number[]
}

export class PlanWriter implements BatchWriter {
  readonly #context: RunContext
  readonly #state: WriterState
  readonly #client: DbClient
  readonly #onChange: (change: PlannedChange) => void

  /** `client` must have gone through `openPlan`. */
  constructor(
    context: RunContext,
    state: WriterState,
    client: DbClient,
    onChange: (change: PlannedChange) => void,
  ) {
    this.#context = context
    this.#state = state
    this.#client = client
    this.#onChange = onChange
  }

  async write(
    at: PartPosition,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
  ): Promise<readonly number[]> {
    const { planned, refused, seqs } = await this.#plan(at.part.no, lines, aside)
    const counts = emptyCounts()
    for (const { verdict, held, externalId, kind, detail } of planned) {
      counts[held ? 'held' : verdict] += 1
      if (kind !== null) this.#onChange({ externalId, kind, detail: detail ?? {} })
    }
    for (const { externalId, lineNo, why } of refused) {
      counts.quarantined += 1
      if (externalId === null) counts.unreadable += 1
      this.#onChange({
        externalId: externalId ?? '',
        kind: 'quarantined',
        detail: { line: lineNo, reason: why },
      })
    }
    addCounts(counts, at.counts)
    at.add(counts, seqs)
    return seqs
  }

  /** Which of two lines stands in the end changes no count. */
  writeAgain(): Promise<void> {
    return Promise.resolve()
  }

  close(): void {
    // The connection belongs to the plan.
  }

  async #plan(
    partNo: number,
    lines: readonly PendingLine[],
    aside: readonly QuarantinedRecord[],
  ): Promise<PlannedBatch> {
    const { source, run } = this.#context
    const artifactRun = run.kind === 'replay' ? run.artifactRun : null
    const session = inSession(this.#client)
    const staging: Staging<PlannedLine[]> = {
      context: this.#context,
      client: this.#client,
      terms: this.#state.terms,
      partNo,
      begin: async () => void (await this.#client.query('set transaction read only')),
      merge: () => planBatch(session, source.id, artifactRun, partNo, this.#state.rules),
    }
    return writeAccepted(staging, lines, (batch) =>
      transaction(this.#client, async () => {
        const { merged, refused } = await mergePieces(staging, batch)
        const planned = merged.flat()
        const all = [...aside, ...refused]
        const ids = all.flatMap(({ externalId }) => externalId ?? [])
        const seqs = [
          ...planned.flatMap(({ seq }) => seq ?? []),
          ...(ids.length > 0 ? await numberProducts(session, source.id, ids) : []),
        ]
        return { planned, refused: all, seqs }
      }),
    )
  }
}
