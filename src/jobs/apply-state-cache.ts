// What the parts of one run share in this process: the hashes of all known records. Read once for
// as long as parts of the run come.

import type { ApplyState } from '../pipeline/apply/lane.ts'
import type { RunContext } from '../pipeline/context.ts'
import { withRetry } from '../pipeline/retry.ts'
import { prepareApply } from '../pipeline/run.ts'

/**
 * How long a run's state is kept without a part that uses it: the hashes of a large source are
 * worth some seconds of reading.
 */
const KEEP_MS = 20_000

interface Kept {
  readonly state: Promise<ApplyState>
  users: number
  expiry: NodeJS.Timeout | null
}

export class RunStates {
  readonly #kept = new Map<number, Kept>()

  /** Lends the run's state to `work`, reading it first when nobody has it yet. */
  async use<Result>(
    context: RunContext,
    work: (state: ApplyState) => Promise<Result>,
  ): Promise<Result> {
    const { id } = context.run
    const kept = this.#kept.get(id) ?? {
      state: withRetry(context, () => prepareApply(context)),
      users: 0,
      expiry: null,
    }
    this.#kept.set(id, kept)
    if (kept.expiry) clearTimeout(kept.expiry)
    kept.users += 1
    try {
      return await work(await kept.state)
    } catch (error) {
      // Whatever spoilt it, the next part begins with what the database says.
      this.#forget(id, kept)
      throw error
    } finally {
      kept.users -= 1
      if (kept.users === 0) kept.expiry = setTimeout(() => this.#forget(id, kept), KEEP_MS).unref()
    }
  }

  #forget(id: number, kept: Kept): void {
    if (this.#kept.get(id) === kept) this.#kept.delete(id)
  }
}
