// The request of a sync, from the options of the command line.

import type { SyncRequest } from '../../pipeline/choose-run.ts'

interface RequestFlags {
  readonly full?: boolean
  readonly since?: Date
}

export function toRequest({ full = false, since }: RequestFlags): SyncRequest {
  return {
    mode: full ? 'full' : since ? 'incremental' : 'auto',
    sinceAt: since ?? null,
    now: new Date(),
  }
}
