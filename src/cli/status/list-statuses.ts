// The sources that `shelfsync status` shows, with their health: those that need a person most, or
// all.

import type { HealthPart, SourceHealth } from '../../core/source-health.ts'
import { HEALTH_LEVELS, HEALTH_STATES } from '../../core/source-health.ts'
import {
  countProducts,
  createUnknownSourceError,
  type ProductCounts,
  surveySources,
} from '../../db/read/source-summaries.ts'
import type { SourceFacts } from '../../db/read/source-healths.ts'
import type { Freshness } from '../../db/write/refreshes.ts'
import type { Due } from '../../sources/due.ts'
import {
  listSourceHealths,
  type HealthTools,
  type JudgedSource,
} from '../../sources/source-healths.ts'
import { findFreshness } from '../format/freshness.ts'

/** Without the settings, which `shelfsync sources show` explains. */
export interface SourceStatus extends Omit<SourceFacts, 'settings'> {
  readonly health: StatusHealth
  readonly products: ProductCounts
  /** Null unless the source refreshes due products. */
  readonly freshness: Freshness | null
  /** Null while the source is paused. */
  readonly due: Due | null
}

/** Without the pages of the dashboard, whose address a terminal does not know. */
export interface StatusHealth extends Pick<SourceHealth, 'state' | 'level' | 'reason'> {
  readonly command: string | null
  readonly parts: readonly (Omit<HealthPart, 'next'> & { readonly command: string | null })[]
}

/** The sources that are not shown. */
export interface Others {
  readonly total: number
  readonly needing: number
  /** More of them may need a person. */
  readonly isLowerBound: boolean
  /** By the state of the newest run. */
  readonly states: ReadonlyMap<string, number>
}

export interface StatusList {
  readonly statuses: readonly SourceStatus[]
  readonly others: Others
}

const NO_OTHERS: Others = { total: 0, needing: 0, isLowerBound: false, states: new Map() }
const NO_PRODUCTS: ProductCounts = { draft: 0, active: 0, unavailable: 0, filtered: 0, removed: 0 }

/** @throws SyncError `source/unknown` */
export async function listOneStatus(
  tools: HealthTools,
  name: string,
  now: Date,
): Promise<StatusList> {
  const shown = await listSourceHealths(tools, { sources: [name], now })
  if (shown.length === 0) throw createUnknownSourceError(name)
  return { statuses: await toStatuses(tools, shown, now), others: NO_OTHERS }
}

/**
 * Lists up to `limit` sources, or all with null, the worst first, then by name, and counts the
 * others.
 */
export async function listStatuses(
  tools: HealthTools,
  limit: number | null,
  now: Date,
): Promise<StatusList> {
  const survey = await surveySources(tools.db, limit)
  const sources = limit === null ? null : survey.sources.map(({ source }) => source)
  const judged = (await listSourceHealths(tools, { sources, now })).toSorted(compareHealth)
  const shown = judged.slice(0, limit ?? undefined)
  const states = new Map<string, number>(Object.entries(survey.states))
  for (const { facts } of shown) {
    const state = facts.lastRun?.state ?? 'without a run'
    states.set(state, (states.get(state) ?? 0) - 1)
  }
  const rest = judged.slice(shown.length).filter(needsPerson)
  // The survey has counted the sources by what their rows say; those that were judged count as
  // judged.
  const surveyed = survey.sources.filter(({ urgency }) => urgency >= 2).length
  return {
    statuses: await toStatuses(tools, shown, now),
    others: {
      total: survey.total - shown.length,
      needing: Math.max(0, survey.needing - surveyed) + rest.length,
      isLowerBound: survey.unexamined > 0,
      states,
    },
  }
}

function needsPerson({ health }: JudgedSource): boolean {
  return health.next !== null
}

/** The worst first, then by name. */
export function compareHealth(a: JudgedSource, b: JudgedSource): number {
  return (
    HEALTH_LEVELS.indexOf(a.health.level) - HEALTH_LEVELS.indexOf(b.health.level) ||
    HEALTH_STATES.indexOf(a.health.state) - HEALTH_STATES.indexOf(b.health.state) ||
    (a.facts.source < b.facts.source ? -1 : 1)
  )
}

async function toStatuses(
  { db }: HealthTools,
  judged: readonly JudgedSource[],
  now: Date,
): Promise<SourceStatus[]> {
  const names = judged.map(({ facts }) => facts.source)
  const products = await countProducts(db, names)
  return Promise.all(
    judged.map(async ({ facts, due, health }): Promise<SourceStatus> => {
      const { settings: _, ...status } = facts
      return {
        ...status,
        due,
        health: toStatusHealth(health),
        products: products.get(facts.source) ?? NO_PRODUCTS,
        freshness: await findFreshness(db, facts, now),
      }
    }),
  )
}

export function toStatusHealth({ state, level, reason, next, parts }: SourceHealth): StatusHealth {
  return {
    state,
    level,
    reason,
    command: next?.command ?? null,
    parts: parts.map(({ next: step, ...part }) => ({ ...part, command: step?.command ?? null })),
  }
}
