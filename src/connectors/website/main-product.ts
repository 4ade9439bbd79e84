// Chooses the product that a page is about among those that it describes. Without a sign of which
// one that is, the page has no product: a wrong one would be worse.

import { listCandidates, type Candidate } from './candidates.ts'
import type { Item, PageEvidence } from './evidence.ts'
import { toCopies } from './copies.ts'
import { firstText, hasType } from './items.ts'
import { PageNames } from './names.ts'
import { toOpenGraphItem } from './open-graph.ts'
import { listPageAddresses, matchAddress } from './page-addresses.ts'

/** The notations that can state a product, the most reliable first. */
export const SOURCES = ['json-ld', 'microdata', 'rdfa', 'opengraph'] as const
export type Source = (typeof SOURCES)[number]

/** One description of the product of a page. A theme and an app may both describe it. */
export interface Copy {
  readonly source: Source
  readonly item: Item
}

export type MainProduct =
  /** At least one copy, the most reliable first. */
  | { readonly copies: readonly Copy[]; readonly reason: null }
  | { readonly copies: null; readonly reason: string }

const LISTING_PAGES = new Set(['collectionpage', 'searchresultspage'])

/** Returns the descriptions of the product of the page, or the reason why there is none. */
export function findMainProduct(evidence: PageEvidence): MainProduct {
  const candidates = listCandidates(evidence)
  const chosen = SOURCES.map((source) =>
    chooseCopies(
      evidence,
      candidates.filter(({ syntax }) => syntax === source),
    ),
  )
  const copies = chosen.flatMap((items, index) =>
    (items ?? []).map((item): Copy => ({ source: SOURCES[index] ?? 'json-ld', item })),
  )
  const openGraph = toOpenGraphItem(evidence)
  if (copies.length > 0)
    return {
      copies: openGraph === null ? copies : [...copies, { source: 'opengraph', item: openGraph }],
      reason: null,
    }
  if (candidates.length > 0) return { copies: null, reason: explain(candidates) }
  return openGraph === null
    ? { copies: null, reason: explainNothing(evidence) }
    : { copies: [{ source: 'opengraph', item: openGraph }], reason: null }
}

function explain(candidates: readonly Candidate[]): string {
  const own = candidates.filter(({ place }) => place !== 'listed')
  const names = own.map(({ item }) => firstText(item, 'name') ?? 'without a name')
  if (own.length === 0) return `The page only lists products: ${candidates.length}`
  if (own.length === 1)
    return `The page describes one product, "${cut(names[0] ?? '')}", which has another address`
  return `The page describes ${own.length} products, such as "${cut(names[0] ?? '')}" and "${cut(names[1] ?? '')}" without a sign of which one it is about`
}

function explainNothing({ problems }: PageEvidence): string {
  const [problem] = problems
  const nothing = 'The page has no structured data about a product'
  return problem === undefined ? nothing : `${nothing} that can be read: ${problem}`
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Returns the descriptions of one product in one notation, or null for none or several products. */
function chooseCopies(evidence: PageEvidence, candidates: readonly Candidate[]): Item[] | null {
  const main = candidates.filter(({ place }) => place === 'main')
  if (main.length > 0) return toCopies(main, true)
  const pages = listPageAddresses(evidence)
  const top = candidates
    .filter(({ place }) => place === 'top')
    .map((candidate) => ({ ...candidate, match: matchAddress(candidate.item, pages) }))
  const same = top.filter(({ match }) => match === 'same')
  if (same.length > 0) return toCopies(same, true)
  const names = new PageNames(evidence)
  const isListing = evidence.items.some(({ item }) => hasType(item, LISTING_PAGES))
  const unknown = top.filter(({ match }) => match === 'unknown')
  const single = isListing ? null : toCopies(unknown, false)
  if (single !== null) return single
  const named = unknown.filter(({ item }) => names.include(item))
  if (named.length > 0) return toCopies(named, false)
  // The address of another language or of an older page.
  const elsewhere = top.filter(({ match }) => match === 'other')
  const isNamed = elsewhere.length === 1 && elsewhere.every(({ item }) => names.include(item))
  return isNamed && !isListing ? elsewhere.map(({ item }) => item) : null
}
