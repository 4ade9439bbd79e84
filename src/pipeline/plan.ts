// plan: what a sync would do, field by field, without doing it. It fetches what a sync would fetch, stages it, asks the same SQL
// that apply uses, and rolls back. What cannot be previewed is an error, never an empty plan.

import { readLines } from '../artifacts/lines.ts'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { openStaging, type BatchRules } from '../db/batches.ts'
import { readKnownHashes } from '../db/known-hashes.ts'
import { listMissing, planBatch, type ChangeKind } from '../db/plans.ts'
import { inSession } from '../db/catalog.ts'
import { transaction, type Db, type DbClient } from '../db/pool.ts'
import type { Source } from '../db/sources.ts'
import { StagingCopy } from '../db/staging.ts'
import { hashRecord } from '../node/hash.ts'
import { SCRATCH_BYTES } from './apply.ts'
import { Batch, type PendingLine } from './batch.ts'
import { Bitmap } from './bitmap.ts'
import type { Progress } from './context.ts'
import { KnownRecords } from './known-records.ts'
import { readRecord, UnreadableRecord } from './read-record.ts'
import { chooseRun, type LineTools, type SyncRequest } from './sync.ts'

/** Planning stages what it fetches and rolls back: it needs a session. */
export type PlanTools = LineTools & { readonly db: Db }

/** One thing that a sync would do. */
export interface PlannedChange {
  readonly externalId: string
  /** `missing`: not there now, and removed if the next complete run does not see it either. `quarantined`: cannot be applied. */
  readonly kind: ChangeKind | 'missing' | 'quarantined'
  /** Member → [before, after]; a price that would be held has the reason as a third. */
  readonly detail: Readonly<Record<string, unknown>>
}

/**
 * Yields every change that a sync of `source` would make now, in the supplier's order, then what would be missing.
 * A product that the supplier sends twice may be listed twice. Writes nothing.
 *
 * @throws SyncError `source/…` when the supplier cannot be read to its end
 */
export async function* planSource(
  tools: PlanTools,
  source: Source,
  connector: Connector,
  request: SyncRequest,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<PlannedChange, void> {
  const client = await tools.db.connect()
  try {
    await openStaging(client)
    yield* new Planner(tools, source, connector, client, progress).plan(request, signal)
  } finally {
    client.release(true)
  }
}

class Planner {
  readonly #tools: PlanTools
  readonly #source: Source
  readonly #connector: Connector
  readonly #settings: unknown
  readonly #client: DbClient
  readonly #progress: Progress
  readonly #rules: BatchRules
  readonly #seen: Bitmap
  readonly #batch: Batch
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

  constructor(tools: PlanTools, source: Source, connector: Connector, client: DbClient, progress: Progress) {
    this.#tools = tools
    this.#source = source
    this.#connector = connector
    this.#settings = connector.settings.parse(source.settings)
    this.#client = client
    this.#progress = progress
    this.#rules = {
      normaliserVersion: connector.normaliserVersion,
      volatilePaths: connector.volatilePaths,
      priceFactor: source.policy.priceFactor,
      seenLater: null,
    }
    this.#seen = new Bitmap(source.nextSeq)
    this.#batch = new Batch(tools.options.batchRecordsMax, tools.options.batchBytesMax)
  }

  async *plan(request: SyncRequest, signal: AbortSignal): AsyncGenerator<PlannedChange, void> {
    const known = new KnownRecords(Math.min(this.#source.nextSeq, this.#tools.options.knownRecordsMax))
    await readKnownHashes(this.#tools.db, this.#source.id, (hash, seq) => known.add(hash, seq))
    const chosen = chooseRun(this.#source, this.#connector, request)
    const end = { complete: false }
    const pages = this.#fetch(chosen.kind === 'full' ? 'full' : 'incremental', chosen.sinceAt, end, signal)
    let unreadable = 0
    for await (const lines of readLines(pages, this.#tools.options.recordBytesMax)) {
      if (lines.kind === 'long') throw new SyncError('record/too-large', `Line ${lines.line} has ${lines.length} bytes: the sync would quarantine it`)
      for (let i = 0; i < lines.bounds.length; i += 2) {
        const from = lines.bounds[i] ?? 0
        const line = lines.bytes.subarray(from, lines.bounds[i + 1])
        const scan = this.#connector.scan(line)
        const hash = scan && hashRecord(line, scan, this.#scratch)
        const seq = hash ? known.find(hash) : -1
        if (seq >= 0) this.#seen.set(seq)
        else {
          if (!this.#batch.fits(line.length)) unreadable += yield* this.#planBatch()
          this.#batch.add(line, { lineNo: lines.firstLine + i / 2, byteOffset: lines.offset + from, scan, hash })
        }
        this.#progress.appliedLines += 1
      }
    }
    unreadable += yield* this.#planBatch()
    if (!end.complete) throw new SyncError('source/cut-short', 'The answer ended without proof that nothing is missing, so it cannot be planned with')
    if (chosen.kind === 'full' && unreadable === 0) yield* this.#planMissing()
  }

  async *#fetch(mode: 'full' | 'incremental', sinceAt: Date | null, end: { complete: boolean }, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    const { http, log } = this.#tools
    const warn = (message: string) => log.warn({}, message)
    const request = { settings: this.#settings, mode, sinceMs: sinceAt?.getTime() ?? null, cursor: null, http, warn }
    for await (const { bytes, lineCount, complete, claimed } of this.#connector.fetch(request, signal)) {
      end.complete = complete
      this.#progress.claimed ??= claimed
      this.#progress.fetchedLines += lineCount
      this.#progress.fetchedBytes += bytes.length
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
  }

  /** Returns how many lines named no product. */
  async *#planBatch(): AsyncGenerator<PlannedChange, number> {
    const refused: { readonly line: PendingLine; readonly error: UnreadableRecord }[] = []
    const planned = await this.#rolledBack(async (client) => {
      const copy = new StagingCopy(client)
      for (const line of this.#batch.lines) {
        try {
          const { draft, raw, hash } = readRecord(this.#connector, this.#settings, line)
          await copy.add({ lineNo: line.lineNo, recordHash: hash, raw }, draft)
        } catch (error) {
          if (!(error instanceof UnreadableRecord)) throw error
          refused.push({ line, error })
        }
      }
      await copy.finish()
      return planBatch(inSession(client), this.#source.id, 1, this.#rules)
    })
    this.#batch.clear()
    for (const { seq, externalId, kind, detail } of planned) {
      if (seq !== null) this.#seen.set(seq)
      if (kind !== null) yield { externalId, kind, detail: detail ?? {} }
    }
    for (const { line, error } of refused) yield { externalId: error.externalId ?? '', kind: 'quarantined', detail: { line: line.lineNo, reason: error.message } }
    return refused.filter(({ error }) => error.externalId === null).length
  }

  async *#planMissing(): AsyncGenerator<PlannedChange, void> {
    for (const { externalId, title, missedBefore } of await listMissing(this.#tools.db, this.#source.id, this.#seen.toBytes())) {
      yield { externalId, kind: missedBefore ? 'removed' : 'missing', detail: { title } }
    }
  }

  async #rolledBack<T>(work: (client: DbClient) => Promise<T>): Promise<T> {
    const undo = new Error('planned, not written')
    let result: { readonly value: T } | null = null
    await transaction(this.#client, async (client) => {
      result = { value: await work(client) }
      throw undo
    }).catch((error: unknown) => {
      if (error !== undo) throw error
    })
    if (result === null) throw new Error('nothing was planned')
    return (result as { readonly value: T }).value
  }
}
