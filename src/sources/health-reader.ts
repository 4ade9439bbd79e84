// Reads the health of all sources for many readers at once: monitors, open pages and the status page.

import type { JudgedSource } from './source-healths.ts'
import { listSourceHealths, type HealthTools } from './source-healths.ts'

/** Age at which a result is read again. */
const FRESH_MS = 1000
/** With thousands of sources, reading takes at most this share of the time. */
const LOAD_MAX = 0.1

export type HealthReader = () => Promise<readonly JudgedSource[]>

export interface HealthReaderOptions {
  readonly nowMs: () => number
  /** Deadline of a read. */
  readonly timeoutMs: number
}

/**
 * Returns a reader whose results are about a second old. Only one read is in progress at a time, and a
 * failure is not kept.
 */
export function createHealthReader(
  tools: HealthTools,
  { nowMs, timeoutMs }: HealthReaderOptions,
): HealthReader {
  let kept: { readonly sources: readonly JudgedSource[]; readonly untilMs: number } | null = null
  let reading: Promise<readonly JudgedSource[]> | null = null
  const read = async (): Promise<readonly JudgedSource[]> => {
    const startedMs = nowMs()
    const sources = await listSourceHealths(tools, { now: new Date(startedMs), timeoutMs })
    const endedMs = nowMs()
    kept = { sources, untilMs: endedMs + Math.max(FRESH_MS, (endedMs - startedMs) / LOAD_MAX) }
    return sources
  }
  return async () => {
    if (kept !== null && nowMs() < kept.untilMs) return kept.sources
    reading ??= read().finally(() => (reading = null))
    return reading
  }
}
