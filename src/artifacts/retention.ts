// Decides which runs' artifacts to delete. The caller removes the bytes and then marks the rows.

export interface Retained {
  /** Ascending in the order of the artifacts. */
  readonly run: number
  /** True for a refresh or an import. */
  readonly keyed: boolean
  readonly startedAt: Date
  /** Null while the run is active. */
  readonly finishedAt: Date | null
  /** True when it succeeded. */
  readonly good: boolean
  /** True when it succeeded with the complete catalogue, so that a rebuild can begin with it. */
  readonly whole: boolean
  /** True when its fetch was completed. Only such an artifact can be replayed. */
  readonly closed: boolean
  /** True when the source's `latest` points to it. */
  readonly latest: boolean
  /** True while it waits for a person's decision. */
  readonly held: boolean
  /** True when the licence of its content has ended: its bytes are deleted in any case. */
  readonly expired: boolean
}

/** With `none`, all finished and decided runs are purged, and the catalogue cannot be rebuilt. */
export type Keep = number | 'all' | 'none'

/**
 * Selects the runs of one source whose artifacts are deleted: all except the newest `keep` good
 * ones, those that a rebuild of the catalogue needs, the latest, and those that are held or active.
 * A rebuild cannot use a failed run whose fetch was not completed: such a run is kept only among
 * the newest `keep` of all, so that a supplier that fails every night does not fill the disk. A
 * licence that has ended wins over all of these.
 */
export function selectRunsToPurge<Run extends Retained>(runs: readonly Run[], keep: Keep): Run[] {
  const expired = runs.filter((run) => run.expired)
  if (keep === 'all') return expired
  const finished = runs
    .filter((run) => run.finishedAt !== null && !run.held && !run.expired)
    .sort(byNewest)
  if (keep === 'none') return [...expired, ...finished]
  const needed = selectRunsForRebuild(runs)
  const newest = (keyed: boolean): Run[] => {
    const alike = finished.filter((run) => run.keyed === keyed)
    return [...alike.filter(({ good }) => good).slice(0, keep), ...alike.slice(0, keep)]
  }
  // Refreshes are frequent: they must not displace the runs that fetched the source.
  const kept = new Set([...newest(false), ...newest(true), ...needed])
  return [...expired, ...finished.filter((run) => !kept.has(run) && !run.latest)]
}

/**
 * Selects the newest complete artifact and every later one that can be replayed; no run without a
 * complete one.
 */
export function selectRunsForRebuild<Run extends Retained>(runs: readonly Run[]): Run[] {
  const first = runs.filter(({ whole, expired }) => whole && !expired).sort(byNewest)[0]
  if (!first) return []
  // A refresh or an import that started earlier may have fetched at the same time.
  const isLater = ({ run, keyed, finishedAt }: Run): boolean =>
    run >= first.run || (keyed && (finishedAt === null || finishedAt >= first.startedAt))
  return runs.filter((run) => run.closed && !run.expired && isLater(run))
}

function byNewest(a: Retained, b: Retained): number {
  return b.run - a.run
}
