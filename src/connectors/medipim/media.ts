// Images, leaflets and links. An address contains a hash of the content, so a changed image has
// another address. The image hosts require a User-Agent that identifies the client.

import type { Json } from '../../core/json.ts'
import type { Image } from '../../core/product.ts'
import { isObject, listObjects, type Members } from '../../lib/objects.ts'
import { localizedOf, textOf } from './values.ts'

/**
 * Largest first, in pixels: huge is 1500², large 900², medium 450². Frontals have other names for
 * the same sizes.
 */
const FORMATS = [
  'huge',
  'hugePng',
  'hugeWebp',
  'large',
  'largeJpg',
  'largePng',
  'largeWebp',
  'medium',
  'mediumJpeg',
  'mediumWebp',
]

/** Returns the largest format of each photo, then of each frontal, each address once. */
export function imagesOf({ photos, frontals }: Members): Image[] {
  const urls = new Set<string>()
  addAddresses(urls, listObjects(photos))
  addAddresses(urls, listObjects(frontals))
  const images: Image[] = []
  for (const url of urls) images.push({ url, alt: null, position: images.length })
  return images
}

function addAddresses(urls: Set<string>, pictures: readonly Members[]): void {
  for (const { formats } of pictures) {
    const url = isObject(formats) ? largestOf(formats) : null
    if (url !== null) urls.add(url)
  }
}

function largestOf(formats: Members): string | null {
  for (const format of FORMATS) {
    const url = webAddress(formats[format])
    if (url !== null) return url
  }
  return null
}

/** Returns the first link to a website about the product, or null. */
export function websiteOf(links: unknown): string | null {
  const website = listObjects(links).find(
    ({ linkType, url }) => linkType === 'website' && webAddress(url) !== null,
  )
  return website === undefined ? null : webAddress(website.url)
}

/** Patient (`pil`) and professional (`spc`) leaflets. */
export function leafletsOf(leaflets: unknown, locales: readonly string[]): Json[] {
  return listObjects(leaflets).flatMap(({ type, url }) => {
    const address = webAddress(localizedOf(url, locales))
    return address === null ? [] : [{ type: textOf(type), url: address }]
  })
}

function webAddress(value: unknown): string | null {
  return typeof value === 'string' && /^https?:\/\//i.test(value) ? value : null
}
