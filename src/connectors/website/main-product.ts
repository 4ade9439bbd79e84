// Chooses the product that a page is about among those that it describes. Without a sign of which
// one that is, the page has no product: a wrong one would be worse.

import { cutText } from '../../lib/text.ts'
import { listCandidates, type Candidate } from './candidates.ts'
import type { Item, PageEvidence } from './evidence.ts'
import { isAlike, isMemberOf, toCopies, type Placed } from './copies.ts'
import { firstText, hasType } from './items.ts'
import { PageNames } from './names.ts'
import { toOpenGraphItem } from './open-graph.ts'
import { listPageAddresses, matchAddress } from './page-addresses.ts'

/** The notations that can state a product, the most reliable first. */
export const NOTATIONS = ['json-ld', 'microdata', 'rdfa', 'opengraph'] as const
export type Notation = (typeof NOTATIONS)[number]

/** One description of the product of a page. A theme and an app may both describe it. */
export interface Copy {
  readonly source: Notation
  readonly item: Item
  /** Distinguishes descriptions in one notation: `block 2` of JSON-LD. */
  readonly place: string | null
}

export type MainProduct =
  /** At least one copy, the most reliable first. */
  | { readonly copies: readonly Copy[]; readonly reason: null }
  | { readonly copies: null; readonly reason: string }

const NAME_CHARS_MAX = 60
const LISTING_PAGES = new Set(['collectionpage', 'searchresultspage'])

/** Returns the descriptions of the product of the page, or the reason why there is none. */
export function findMainProduct(evidence: PageEvidence): MainProduct {
  const candidates = listCandidates(evidence)
  const copies = listCopies(evidence, candidates)
  const openGraph = toOpenGraphItem(evidence)
  const isOpen = copies.length > 0 || isAboutNone(evidence, candidates)
  if (openGraph !== null && isOpen)
    copies.push({ source: 'opengraph', item: openGraph, place: null })
  if (copies.length > 0) return { copies, reason: null }
  const reason = candidates.length > 0 ? explain(candidates) : explainNothing(evidence)
  return { copies: null, reason }
}

/** Descriptions in other notations count if they are alike, or if the page names them as its own. */
function listCopies(evidence: PageEvidence, candidates: readonly Candidate[]): Copy[] {
  const chosen = NOTATIONS.flatMap((source) => {
    const found = chooseCopies(
      evidence,
      candidates.filter(({ syntax }) => syntax === source),
    )
    const blocks = new Set(found?.copies.map(({ block }) => block))
    return (found?.copies ?? []).map(({ block, item }) => ({
      isOwn: found?.isOwn === true,
      copy: { source, item, place: blocks.size > 1 ? `block ${block + 1}` : null },
    }))
  })
  const [first] = chosen
  return chosen
    .filter(
      ({ isOwn, copy }) => isOwn || (first !== undefined && isAlike(copy.item, first.copy.item)),
    )
    .map(({ copy }) => copy)
}

/** True if all described products have other addresses, as related ones do. */
function isAboutNone(evidence: PageEvidence, candidates: readonly Candidate[]): boolean {
  const pages = listPageAddresses(evidence)
  return candidates.every(
    ({ place, item }) => place === 'listed' || matchAddress(item, pages) === 'other',
  )
}

function explain(candidates: readonly Candidate[]): string {
  const own = candidates.filter(({ place }) => place !== 'listed')
  const [name = '', other = ''] = own.map(({ item }) =>
    cutText(firstText(item, 'name') ?? 'without a name', NAME_CHARS_MAX),
  )
  if (own.length === 0) return `The page only lists products: ${candidates.length}`
  if (own.length === 1)
    return `The page describes one product, "${name}", but is about something else`
  return `The page describes ${own.length} products, such as "${name}" and "${other}" without a sign of which one it is about`
}

function explainNothing({ problems }: PageEvidence): string {
  const [problem] = problems
  const nothing = 'The page has no structured data about a product'
  return problem === undefined ? nothing : `${nothing} that can be read: ${problem}`
}

interface Chosen {
  readonly copies: readonly Placed[]
  /** The page names the product as its subject, by its address or as its main entity. */
  readonly isOwn: boolean
}

/** Returns the descriptions of one product in one notation, or null for none or several products. */
function chooseCopies(evidence: PageEvidence, candidates: readonly Candidate[]): Chosen | null {
  const pages = listPageAddresses(evidence)
  const names = new PageNames(evidence)
  const top = candidates
    .filter(({ place }) => place === 'top')
    .map((candidate) => ({ ...candidate, match: matchAddress(candidate.item, pages) }))
  const main = candidates.filter(({ place }) => place === 'main')
  const own = main.length > 0 ? main : top.filter(({ match }) => match === 'same')
  if (own.length > 0) {
    const members = top.filter((one) =>
      own.some((of) => of !== one && isMemberOf(one.item, of.item)),
    )
    return join([...new Set([...own, ...members])], true, names)
  }
  const isListing = evidence.items.some(({ item }) => hasType(item, LISTING_PAGES))
  const unknown = top.filter(({ match }) => match === 'unknown')
  const single = isListing ? null : join(unknown, false, names)
  if (single !== null) return single
  const named = unknown.filter(({ item }) => names.include(item))
  if (named.length > 0) return join(named, false, names)
  // The address of another language or of an older page.
  const elsewhere = top.filter(({ match, item }) => match === 'other' && names.include(item))
  const isHome = pages.every((page) => new URL(page).pathname === '/')
  return top.length === 1 && !isListing && !isHome ? join(elsewhere, false, names) : null
}

function join(placed: readonly Placed[], isOwn: boolean, names: PageNames): Chosen | null {
  const copies = toCopies(placed, isOwn, names)
  return copies === null ? null : { copies, isOwn }
}
