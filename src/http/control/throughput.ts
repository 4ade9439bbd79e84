// How fast a run moves at present, from what was seen of it a while ago. An average since its start
// would count the hours that an interrupted run lay still, and make a fool of every estimate after
// them.

/** What is measured over less than this is noise: lines are counted batch by batch. */
const SPAN_MS_MIN = 5000
/** A measurement covers one to two of these. */
const WINDOW_MS = 30_000

export interface Sight {
  readonly run: number
  readonly linesDone: number
  readonly atMs: number
}

/**
 * Lines a second up to this sight of the run that is under way; null while it has not been watched
 * for long enough.
 */
export type ThroughputMeter = (sight: Sight) => number | null

export function createSpeedometer(): ThroughputMeter {
  let seen: { readonly base: Sight; readonly later: Sight } | null = null
  return (sight) => {
    const watchedMs = seen?.base.run === sight.run ? sight.atMs - seen.later.atMs : Infinity
    if (!seen || watchedMs >= 2 * WINDOW_MS) seen = { base: sight, later: sight }
    else if (watchedMs >= WINDOW_MS) seen = { base: seen.later, later: sight }
    const { base } = seen
    const spanMs = sight.atMs - base.atMs
    return spanMs < SPAN_MS_MIN ? null : (1000 * (sight.linesDone - base.linesDone)) / spanMs
  }
}
