// Reads the health and the sizes of all sources for many readers at once: monitors, open pages and
// the status page. Only one read is in progress at a time, and a failure is not kept.

import type { Catalog } from '../db/catalog.ts'
import { countProducts, type ProductCounts } from '../db/read/source-summaries.ts'
import { listSourceHealths, type HealthTools, type JudgedSource } from './source-healths.ts'

/** Age at which the health is read again. */
const HEALTH_MS = 1000
/** Age at which products are counted again: that reads every product. */
const COUNTS_MS = 15_000
/** With many sources or products, reading takes at most this share of the time. */
const LOAD_MAX = 0.1

export type HealthReader = () => Promise<readonly JudgedSource[]>
export type CountReader = () => Promise<ReadonlyMap<string, ProductCounts>>

export interface ReaderOptions {
  readonly nowMs: () => number
  /** Deadline of a read. */
  readonly timeoutMs: number
}

/** Returns a reader of the health of all sources, about a second old. */
export function createHealthReader(tools: HealthTools, options: ReaderOptions): HealthReader {
  const { nowMs, timeoutMs } = options
  return keep(HEALTH_MS, nowMs, () =>
    listSourceHealths(tools, { now: new Date(nowMs()), timeoutMs }),
  )
}

/** Returns a reader of the products of all sources by status, a quarter of a minute old. */
export function createCountReader(db: Catalog, { nowMs }: ReaderOptions): CountReader {
  return keep(COUNTS_MS, nowMs, () => countProducts(db))
}

function keep<Value>(
  freshMs: number,
  nowMs: () => number,
  load: () => Promise<Value>,
): () => Promise<Value> {
  let kept: { readonly value: Value; readonly untilMs: number } | null = null
  let reading: Promise<Value> | null = null
  const read = async (): Promise<Value> => {
    const startedMs = nowMs()
    const value = await load()
    const endedMs = nowMs()
    kept = { value, untilMs: endedMs + Math.max(freshMs, (endedMs - startedMs) / LOAD_MAX) }
    return value
  }
  return async () => {
    if (kept !== null && nowMs() < kept.untilMs) return kept.value
    reading ??= read().finally(() => (reading = null))
    return reading
  }
}
