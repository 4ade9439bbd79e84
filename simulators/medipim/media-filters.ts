// The words of the filter language for media, and the list of all media: those of each product, and
// the shared pool once.

import type { Catalogue } from './catalogue.ts'
import { matchAnyOf, matchFlag, matchPeriod, type Vocabulary } from './filter.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { isShared, makeSharedPhotos } from './media.ts'
import type { Term } from './reference.ts'

/** Small, because hundreds of thousands are kept in memory during a request. */
export interface MediaRef {
  readonly id: number
  /** Id of its product; null for the shared pool. */
  readonly owner: string | null
  readonly createdAt: number
  readonly touchedAt: number
}

export interface MediaCandidate {
  readonly item: JsonObject
  /** The products that show it. */
  readonly products: readonly string[]
}

const readStrings =
  (key: string): ((candidate: MediaCandidate) => readonly Json[]) =>
  ({ item }) => {
    const value = item[key] ?? null
    return Array.isArray(value) ? value : [value]
  }

export const MEDIA_FILTERS: Vocabulary<MediaCandidate> = {
  published: matchFlag(() => true),
  organization: matchAnyOf((candidate) =>
    readStrings('organizations')(candidate).map((term) =>
      isObject(term) ? (term.id ?? null) : null,
    ),
  ),
  targetGroup: matchAnyOf(readStrings('targetGroups')),
  type: matchAnyOf(readStrings('type'), { allowed: ['photo', 'frontal', 'link'] }),
  photoType: matchAnyOf(readStrings('photoType'), {
    allowed: ['packshot', 'productshot', 'lifestyle_image', 'pillshot'],
  }),
  linkType: matchAnyOf(readStrings('linkType'), {
    allowed: ['app', 'brochure', 'video', 'website'],
  }),
  visibleSides: matchAnyOf(readStrings('visibleSides'), {
    allowed: ['front', 'left', 'right', 'back', 'bottom', 'top'],
  }),
  product: matchAnyOf(({ products }) => products),
  available: matchFlag(({ item }) => !isObject(item.available) || item.available.until === null),
  locale: matchAnyOf(readStrings('locales')),
  createdAt: matchPeriod(({ item }) => readTimes(item).createdAt),
  updatedSince: matchPeriod(({ item }) => readTimes(item).touchedAt),
}

/** Returns the matching media, unsorted. */
export function listMedia(
  catalogue: Catalogue,
  matches: (candidate: MediaCandidate) => boolean,
): MediaRef[] {
  const refs: MediaRef[] = []
  const showing = new Map<number, string[]>()
  const keep = (item: Term, owner: string | null, products: readonly string[]): void => {
    if (matches({ item, products })) refs.push({ id: item.id, owner, ...readTimes(item) })
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

/** Builds the item of one of the references from `listMedia`. */
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

function readTimes({ meta }: JsonObject): {
  readonly createdAt: number
  readonly touchedAt: number
} {
  const { createdAt, updatedAt } = isObject(meta) ? meta : {}
  return { createdAt: Number(createdAt), touchedAt: Number(updatedAt) }
}
