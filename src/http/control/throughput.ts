// The current throughput of a run, measured between two samples. The average since its start would
// include the time of interruptions, and make every estimate wrong.

/** Lines are counted batch by batch, so shorter measurements are noise. */
const SPAN_MS_MIN = 5000
/** A measurement covers one to two windows. */
const WINDOW_MS = 30_000

export interface ThroughputSample {
  readonly run: number
  readonly linesDone: number
  readonly atMs: number
}

/** Returns lines per second up to this sample, or null until samples cover five seconds. */
export type ThroughputMeter = (sample: ThroughputSample) => number | null

export function createThroughputMeter(): ThroughputMeter {
  let seen: { readonly base: ThroughputSample; readonly later: ThroughputSample } | null = null
  return (sample) => {
    const watchedMs = seen?.base.run === sample.run ? sample.atMs - seen.later.atMs : Infinity
    if (!seen || watchedMs >= 2 * WINDOW_MS) seen = { base: sample, later: sample }
    else if (watchedMs >= WINDOW_MS) seen = { base: seen.later, later: sample }
    const { base } = seen
    const spanMs = sample.atMs - base.atMs
    return spanMs < SPAN_MS_MIN ? null : (1000 * (sample.linesDone - base.linesDone)) / spanMs
  }
}
