// Photos, frontals and links of a product. Ids are `index * 16 + slot + 1,000`; those below 1,000
// are shared between products.

import { mix, createRandom } from '../support/random.ts'
import type { JsonObject } from './json.ts'
import type { Term } from './reference.ts'
import type { ProductState } from './state.ts'
import { TARGET_GROUPS } from './words.ts'

export interface Media {
  readonly photos: readonly Term[]
  readonly frontals: readonly Term[]
  readonly links: readonly Term[]
}

export interface MediaAmounts {
  readonly photos: number
  readonly frontals: number
  readonly links: number
}

const ASSETS = 'https://assets.au.medipim.com/media'
const SIZES = ['thumbnail', 'medium', 'large', 'huge']
const SHARED_COUNT = 40
const SHARED_AT = 1_690_000_000
const FRONT = 8
const LINK = 10
export const NO_MEDIA: Media = { photos: [], frontals: [], links: [] }

/** Every third content update also replaces the pictures, with new addresses. */
export function makeMedia(
  seed: number,
  state: ProductState,
  amounts: MediaAmounts,
  owner: Term,
): Media {
  const createdAt = state.createdAt
  const updatedAt = state.version === 0 ? createdAt : state.contentAt
  const meta = { createdAt, updatedAt }
  const firstId = state.index * 16 + 1_000
  const hash = (id: number): string => makeAssetHash(seed, id, Math.floor(state.version / 3))
  const repeat = (count: number, make: (slot: number) => Term): Term[] =>
    Array.from({ length: count }, (_, slot) => make(slot))
  const photos = repeat(amounts.photos, (slot) =>
    makePhoto({ id: firstId + slot, hash: hash(firstId + slot), slot, meta, owner }),
  )
  if (mix(seed, state.index, 21) % 100 === 0)
    photos.push(makeSharedPhoto(seed, mix(seed, state.index, 22) % SHARED_COUNT))
  return {
    photos,
    frontals: repeat(amounts.frontals, (slot) =>
      makeFrontal(firstId + FRONT + slot, hash(firstId + FRONT + slot), meta),
    ),
    links: repeat(amounts.links, (slot) => makeLink(firstId + LINK + slot, meta)),
  }
}

/** Makes the pictures that several products share. */
export function makeSharedPhotos(seed: number): readonly Term[] {
  return Array.from({ length: SHARED_COUNT }, (_, slot) => makeSharedPhoto(seed, slot))
}

export function isShared(media: Term): boolean {
  return media.id < 1_000
}

function makeSharedPhoto(seed: number, slot: number): Term {
  const meta = { createdAt: SHARED_AT, updatedAt: SHARED_AT }
  const owner = { id: 200, name: 'Shared pictures' }
  return makePhoto({ id: slot + 1, hash: makeAssetHash(seed, slot + 1, 0), slot: 0, meta, owner })
}

interface Photo {
  readonly id: number
  readonly hash: string
  readonly slot: number
  readonly meta: JsonObject
  readonly owner: JsonObject
}

function makePhoto({ id, hash, slot, meta, owner }: Photo): Term {
  const sized = (type: string, suffix: string): JsonObject =>
    Object.fromEntries(
      SIZES.map((size) => [`${size}${suffix}`, `${ASSETS}/${size}/${hash}.${type}`]),
    )
  return {
    id,
    type: 'photo',
    locales: ['en'],
    targetGroups: TARGET_GROUPS,
    photoType: slot === 0 ? 'packshot' : 'productshot',
    formats: { ...sized('jpeg', ''), ...sized('webp', 'Webp') },
    visibleSides: slot === 0 ? ['front'] : ['left', 'back'],
    organizations: [{ id: owner.id ?? null, name: owner.name ?? null }],
    meta,
  }
}

function makeFrontal(id: number, hash: string, meta: JsonObject): Term {
  const at = (size: string, type: string): string => `${ASSETS}/${size}/${hash}.${type}`
  return {
    id,
    type: 'frontal',
    locales: ['en'],
    targetGroups: TARGET_GROUPS,
    photoType: 'packshot',
    formats: {
      thumbnail: at('thumbnail', 'png'),
      mediumWebp: at('medium', 'webp'),
      huge: at('huge', 'png'),
    },
    displayOrder: 1,
    visibleSides: ['front'],
    meta,
  }
}

function makeLink(id: number, meta: JsonObject): Term {
  const linkType = id % 3 === 0 ? 'video' : 'website'
  return {
    id,
    type: 'link',
    linkType,
    locales: ['en'],
    targetGroups: ['public'],
    url: `https://products.example/${id}`,
    name: { en: 'Product website' },
    description: { en: null },
    available: { from: meta.createdAt ?? null, until: null },
    meta,
  }
}

/** Makes forty hexadecimal digits, like a content hash. */
function makeAssetHash(seed: number, id: number, edition: number): string {
  const random = createRandom(seed, id, edition)
  return Array.from({ length: 5 }, () =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}
