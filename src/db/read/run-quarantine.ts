// The read model of the records that one run has quarantined, in any state, with the beginning of
// each line.

import { type Catalog, toBytes, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'
import type { QuarantineState } from './quarantine.ts'

export interface RunQuarantine {
  readonly id: number
  readonly state: QuarantineState
  readonly rule: string
  /** The place and the reason. */
  readonly message: string
  readonly product: string | null
  readonly artifactRun: number
  readonly part: number
  readonly line: number
  readonly byteOffset: number
  readonly byteLength: number
  /** At most the first 4 KiB; empty once its licence has ended. */
  readonly raw: Buffer
  readonly expired: boolean
  /** The run that closed it; null while it is open. */
  readonly closedRun: number | null
  readonly createdAt: Date
}

interface QuarantineRow {
  readonly id: number
  readonly state: QuarantineState
  readonly rule: string
  readonly message: string
  readonly product: string | null
  readonly artifact_run: number
  readonly part: number
  readonly line: number
  readonly byte_offset: number
  readonly byte_length: number
  readonly raw: string
  readonly expired: boolean
  readonly closed_run: number | null
  readonly created_at: string
}

/** In the order in which they were quarantined. */
export function listRunQuarantine(
  db: Catalog,
  run: number,
  page: PageRequest,
): Promise<ListPage<RunQuarantine>> {
  return loadPage('quarantine', page, {
    load: (after, limit) =>
      db.call<QuarantineRow>('list_run_quarantine', {
        run,
        after: after === null ? null : Number(after),
        limit,
      }),
    toItem: (row) => ({
      id: row.id,
      state: row.state,
      rule: row.rule,
      message: row.message,
      product: row.product,
      artifactRun: row.artifact_run,
      part: row.part,
      line: row.line,
      byteOffset: row.byte_offset,
      byteLength: row.byte_length,
      raw: toBytes(row.raw),
      expired: row.expired,
      closedRun: row.closed_run,
      createdAt: toInstant(row.created_at),
    }),
    keyOf: ({ id }) => id,
  })
}
