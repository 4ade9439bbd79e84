// Which runs' bytes may go. A pure decision: the caller removes the bytes and then marks the rows.

export interface Retained {
  /** Null while it runs. */
  readonly finishedAt: Date | null
  /** Whether it succeeded. */
  readonly good: boolean
  /** Whether the source's `latest` points to it. */
  readonly latest: boolean
  /** Whether a person has yet to decide on it. */
  readonly held: boolean
}

/**
 * The runs of one source whose artifacts are no longer kept: all but the newest `keep` good ones, the latest and those that
 * are held or not over. A failed run stays only while it is among the newest `keep` of all, so that a supplier that fails
 * every night does not fill the disk. With 0 nothing that is over stays, not even the latest.
 */
export function runsToPurge<Run extends Retained>(runs: readonly Run[], keep: number | 'all'): Run[] {
  if (keep === 'all') return []
  const over = runs.filter((run) => run.finishedAt !== null && !run.held).sort(byNewest)
  const kept = new Set([...over.filter(({ good }) => good).slice(0, keep), ...over.slice(0, keep)])
  return over.filter((run) => !kept.has(run) && !(run.latest && keep > 0))
}

function byNewest(a: Retained, b: Retained): number {
  return Number(b.finishedAt) - Number(a.finishedAt)
}
