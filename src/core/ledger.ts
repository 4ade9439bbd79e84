// The ledger of a run: every archived line has exactly one outcome.

/** Outcomes of an archived line. `older`, `duplicate` and `unchanged` write no row. */
export const OUTCOMES = [
  'created',
  'updated',
  'unchanged',
  'older',
  'duplicate',
  'blank',
  'quarantined',
  'held',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/**
 * Lines by outcome. `unreadable` counts the quarantined lines whose id could not be read: with any
 * of them, a run cannot tell which products are missing.
 */
export type Counts = Record<Outcome | 'unreadable', number>

/**
 * The balance of a settled run. `fetched` must equal the sum of the outcomes; otherwise the run
 * does not succeed.
 */
export interface Ledger extends Record<Outcome, number> {
  /** The supplier's count; null without one. */
  readonly expected: number | null
  readonly fetched: number
  readonly removed: number
  /**
   * Products that are missing from a complete run for the first time. The next complete run removes
   * those that are still missing. Of a held run: all products that it found missing, until a
   * person decides.
   */
  readonly missing: number
}

export function emptyOutcomes(): Record<Outcome, number> {
  return {
    created: 0,
    updated: 0,
    unchanged: 0,
    older: 0,
    duplicate: 0,
    blank: 0,
    quarantined: 0,
    held: 0,
  }
}

export function emptyCounts(): Counts {
  return { ...emptyOutcomes(), unreadable: 0 }
}

/** Builds the ledger of lines with these outcomes. It counts no removed or missing products. */
export function toLedger(
  expected: number | null,
  fetched: number,
  { unreadable: _, ...outcomes }: Counts,
): Ledger {
  return { expected, fetched, ...outcomes, removed: 0, missing: 0 }
}

/** The success of a run, for the last line of its log. A rate is between 0 and 1, or null without any. */
export interface SuccessRates {
  /** The share of its records that are neither in quarantine nor held. */
  readonly recordSuccessRate: number | null
  readonly requests: number
  readonly failedRequests: number
  readonly requestSuccessRate: number | null
}

/** Computes the rates from the outcomes of all lines; a blank line does not count. */
export function rateSuccess(
  outcomes: Readonly<Record<Outcome, number>>,
  { requests, failedRequests }: Pick<SuccessRates, 'requests' | 'failedRequests'>,
): SuccessRates {
  const records = countLines(outcomes) - outcomes.blank
  const rate = (bad: number, all: number): number | null =>
    all === 0 ? null : Math.round((1 - bad / all) * 10_000) / 10_000
  return {
    recordSuccessRate: rate(outcomes.quarantined + outcomes.held, records),
    requests,
    failedRequests,
    requestSuccessRate: rate(failedRequests, requests),
  }
}

/** Returns the sum of all outcomes. */
export function countLines(outcomes: Readonly<Record<Outcome, number>>): number {
  return OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0)
}

export function addCounts(total: Counts, more: Counts): void {
  for (const outcome of OUTCOMES) total[outcome] += more[outcome]
  total.unreadable += more.unreadable
}
