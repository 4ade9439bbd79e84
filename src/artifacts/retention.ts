// Which runs' bytes may go. A pure decision: the caller removes the bytes and then marks the rows.

export interface Retained {
  /** Artifacts are in the order of these numbers. */
  readonly run: number
  /** Null while it runs. */
  readonly finishedAt: Date | null
  /** Whether it succeeded. */
  readonly good: boolean
  /**
   * Whether it succeeded with everything that the supplier has: a rebuild of the catalogue begins
   * here.
   */
  readonly whole: boolean
  /** Whether its fetch came to an end. Only such an artifact can be replayed. */
  readonly closed: boolean
  /** Whether the source's `latest` points to it. */
  readonly latest: boolean
  /** Whether a person has yet to decide on it. */
  readonly held: boolean
}

/**
 * `all` purges nothing; `none` purges everything that is over and decided, and gives up that the
 * catalogue can be rebuilt.
 */
export type Keep = number | 'all' | 'none'

/**
 * The runs of one source whose artifacts are no longer kept: all but the newest `keep` good ones,
 * those that a rebuild of the catalogue needs, the latest and those that are held or not over. A
 * failed run whose fetch did not end is of no use to a rebuild: it stays only while it is among the
 * newest `keep` of all, so that a supplier that fails every night does not fill the disk.
 */
export function runsToPurge<Run extends Retained>(runs: readonly Run[], keep: Keep): Run[] {
  if (keep === 'all') return []
  const over = runs.filter((run) => run.finishedAt !== null && !run.held).sort(byNewest)
  if (keep === 'none') return over
  const needed = runsToRebuild(runs)
  const kept = new Set([
    ...over.filter(({ good }) => good).slice(0, keep),
    ...over.slice(0, keep),
    ...needed,
  ])
  return over.filter((run) => !kept.has(run) && !run.latest)
}

/**
 * The newest whole artifact and every one after it that can be replayed. Without a whole one there
 * is nothing to begin with.
 */
export function runsToRebuild<Run extends Retained>(runs: readonly Run[]): Run[] {
  const first = Math.max(...runs.filter(({ whole }) => whole).map(({ run }) => run), 0)
  return first === 0 ? [] : runs.filter(({ run, closed }) => run >= first && closed)
}

function byNewest(a: Retained, b: Retained): number {
  return b.run - a.run
}
