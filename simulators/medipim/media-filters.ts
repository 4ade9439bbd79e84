// The words of the filter language for media, and the list of all media: each product's own, and
// the shared pool once.

import type { Catalogue } from './catalogue.ts'
import { matchAnyOf, matchFlag, matchPeriod, type Vocabulary } from './filter.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { isShared, makeSharedPhotos } from './media.ts'
import type { Term } from './reference.ts'

/**
 * Small on purpose: of hundreds of thousands of media, only these are kept while a request is
 * answered.
 */
export interface MediaRef {
  readonly id: number
  /** The product that it is made from; null for the shared pool. */
  readonly owner: string | null
  readonly createdAt: number
  readonly touchedAt: number
}

export interface MediaCandidate {
  readonly item: JsonObject
  /** The products that show it. */
  readonly products: readonly string[]
}

const strings =
  (key: string): ((candidate: MediaCandidate) => readonly Json[]) =>
  ({ item }) => {
    const value = item[key] ?? null
    return Array.isArray(value) ? value : [value]
  }

export const MEDIA_FILTERS: Vocabulary<MediaCandidate> = {
  published: matchFlag(() => true),
  organization: matchAnyOf((candidate) =>
    strings('organizations')(candidate).map((term) => (isObject(term) ? (term.id ?? null) : null)),
  ),
  targetGroup: matchAnyOf(strings('targetGroups')),
  type: matchAnyOf(strings('type'), { allowed: ['photo', 'frontal', 'link'] }),
  photoType: matchAnyOf(strings('photoType'), {
    allowed: ['packshot', 'productshot', 'lifestyle_image', 'pillshot'],
  }),
  linkType: matchAnyOf(strings('linkType'), { allowed: ['app', 'brochure', 'video', 'website'] }),
  visibleSides: matchAnyOf(strings('visibleSides'), {
    allowed: ['front', 'left', 'right', 'back', 'bottom', 'top'],
  }),
  product: matchAnyOf(({ products }) => products),
  available: matchFlag(({ item }) => !isObject(item.available) || item.available.until === null),
  locale: matchAnyOf(strings('locales')),
  createdAt: matchPeriod(({ item }) => timesOf(item).createdAt),
  updatedSince: matchPeriod(({ item }) => timesOf(item).touchedAt),
}

/** The media that match, in no order. */
export function listMedia(
  catalogue: Catalogue,
  matches: (candidate: MediaCandidate) => boolean,
): MediaRef[] {
  const refs: MediaRef[] = []
  const showing = new Map<number, string[]>()
  const keep = (item: Term, owner: string | null, products: readonly string[]): void => {
    if (matches({ item, products })) refs.push({ id: item.id, owner, ...timesOf(item) })
  }
  for (const state of catalogue.visible()) {
    const id = catalogue.idOf(state)
    for (const item of listProductMedia(catalogue, id)) {
      if (isShared(item)) showing.set(item.id, [...(showing.get(item.id) ?? []), id])
      else keep(item, id, [id])
    }
  }
  for (const item of makeSharedPhotos(catalogue.world.seed))
    keep(item, null, showing.get(item.id) ?? [])
  return refs
}

/** The whole of one of `listMedia`'s items. */
export function loadMedia(catalogue: Catalogue, { id, owner }: MediaRef): JsonObject {
  const items =
    owner === null ? makeSharedPhotos(catalogue.world.seed) : listProductMedia(catalogue, owner)
  return items.find((item) => item.id === id) ?? { id }
}

function listProductMedia(catalogue: Catalogue, id: string): readonly Term[] {
  const { photos, frontals, links } = catalogue.build(catalogue.find(id), '')
  return [photos, frontals, links].flatMap((list) =>
    Array.isArray(list) ? list.filter(isTerm) : [],
  )
}

function isTerm(item: Json): item is Term {
  return isObject(item) && typeof item.id === 'number'
}

function timesOf({ meta }: JsonObject): { readonly createdAt: number; readonly touchedAt: number } {
  const { createdAt, updatedAt } = isObject(meta) ? meta : {}
  return { createdAt: Number(createdAt), touchedAt: Number(updatedAt) }
}
