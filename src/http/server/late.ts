// `GET /late` for outside monitors: whether any source is late. It needs no key, so it names no
// source.

import { toSyncError } from '../../db/errors.ts'
import { SyncError } from '../../core/errors.ts'
import type { HealthReader } from '../../sources/health-reader.ts'

export interface LateResponse {
  /** 503 if a source is late, or if the state is unknown. */
  readonly status: 200 | 503
  readonly body: {
    /** Number of late sources; null while the database cannot be read. */
    readonly late: number | null
    /** Number of sources that are not paused. */
    readonly sources: number | null
    /** Error code of the reason why the state is unknown; else null. */
    readonly error: string | null
  }
}

/** Never throws: an unknown state is reported as one. */
export async function reportLate(readHealths: HealthReader): Promise<LateResponse> {
  try {
    const active = (await readHealths()).filter(({ facts }) => facts.state === 'active')
    const late = active.filter(({ due }) => due?.late === true).length
    return { status: late > 0 ? 503 : 200, body: { late, sources: active.length, error: null } }
  } catch (thrown) {
    const error = toSyncError(thrown)
    const code = error instanceof SyncError ? error.code : 'internal'
    return { status: 503, body: { late: null, sources: null, error: code } }
  }
}
