// Caches the apply state of runs in this process: the hashes of all known records, read once for
// all parts of a run. The tasks of a run share an attempt to load it, but each of them decides by
// its own signal whether to try again.

import { listCheckpoints } from '../db/write/checkpoints.ts'
import { shareLoad } from '../lib/share-load.ts'
import { loadApplyState } from '../pipeline/apply-state.ts'
import type { ApplyState } from '../pipeline/apply/lane.ts'
import type { RunContext } from '../pipeline/context.ts'
import { withRetry } from '../pipeline/retry.ts'

/** Time for which an unused state is kept: the hashes of a large source take seconds to read. */
const KEEP_MS = 20_000

interface Entry {
  readonly load: () => Promise<ApplyState>
  users: number
  expiry: NodeJS.Timeout | null
}

export class ApplyStateCache {
  readonly #entries = new Map<number, Entry>()

  /** Calls `work` with the state of the run, and loads it first if it is not cached. */
  async use<Result>(
    context: RunContext,
    work: (state: ApplyState) => Promise<Result>,
  ): Promise<Result> {
    const { id } = context.run
    const entry = this.#entries.get(id) ?? {
      load: shareLoad(() => load(context)),
      users: 0,
      expiry: null,
    }
    this.#entries.set(id, entry)
    if (entry.expiry) clearTimeout(entry.expiry)
    entry.users += 1
    try {
      return await work(await withRetry(context, 'load', entry.load))
    } catch (error) {
      // The state may no longer match the database, so the next part loads it again.
      this.#remove(id, entry)
      throw error
    } finally {
      entry.users -= 1
      if (entry.users === 0)
        entry.expiry = setTimeout(() => this.#remove(id, entry), KEEP_MS).unref()
    }
  }

  #remove(id: number, entry: Entry): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
  }
}

async function load(context: RunContext): Promise<ApplyState> {
  const { db, source, run } = context
  return loadApplyState(context, await listCheckpoints(db, source.id, run.id))
}
