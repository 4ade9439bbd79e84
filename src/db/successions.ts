// Successions: sources that continue others, because their shop has moved to another platform.

import { type Catalog, toInstant } from './catalog.ts'

/** The rules by which a successor is found, the most certain first. */
export const MATCH_RULES = ['gtin', 'url', 'sku', 'handle'] as const

/** Products of the old source that were not removed, and how many each rule has matched. */
export type SuccessionCounts = Readonly<Record<(typeof MATCH_RULES)[number] | 'products', number>>

export interface Succession {
  /** The name of the other source. */
  readonly source: string
  /** Null until the first complete run of the new source has settled. */
  readonly completed: {
    readonly run: number
    readonly at: Date
    readonly counts: SuccessionCounts
  } | null
}

export interface Successions {
  /** The source that this one continues. */
  readonly predecessor: Succession | null
  /** The source that continues this one. */
  readonly successor: Succession | null
}

interface Row {
  readonly part: keyof Successions
  readonly source: string
  readonly run: number | null
  readonly completed_at: string | null
  readonly counts: SuccessionCounts
}

export async function findSuccessions(db: Catalog, source: number): Promise<Successions> {
  const rows = await db.call<Row>('find_successions', { source })
  const find = (part: keyof Successions): Succession | null => {
    const row = rows.find((one) => one.part === part)
    return row === undefined ? null : toSuccession(row)
  }
  return { predecessor: find('predecessor'), successor: find('successor') }
}

function toSuccession({ source, run, completed_at: completedAt, counts }: Row): Succession {
  const at = toInstant(completedAt)
  return { source, completed: run === null || at === null ? null : { run, at, counts } }
}
