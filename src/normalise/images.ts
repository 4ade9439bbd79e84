// Converts the images of a shop's product, which every platform lists with `src` and `alt`.

import type { Image } from '../core/product.ts'
import { countAll } from '../lib/count-words.ts'

interface ImageRecord {
  readonly src?: string | null | undefined
  readonly alt?: unknown
}

/**
 * Returns the images in their order, with addresses relative to `base` resolved. An image without a
 * usable address is left out with a warning. `toAlt` reads the text of an image.
 */
export function toImages(
  records: readonly ImageRecord[],
  base: string,
  toAlt: (alt: unknown) => string | null,
  warnings: string[],
): Image[] {
  const usable = records.flatMap(({ src, alt }) => {
    const url = toWebAddress(src, base)
    return url === null ? [] : [{ url, alt: toAlt(alt) }]
  })
  const left = records.length - usable.length
  if (left > 0) warnings.push(countAll(left, 'image', 'have no usable address'))
  if (usable.length === 0) warnings.push('No images')
  return usable.map((image, position) => ({ ...image, position }))
}

/** Returns the absolute address, or null when `text` is not one of the web. */
export function toWebAddress(text: string | null | undefined, base: string): string | null {
  const trimmed = text?.trim() ?? ''
  const url = trimmed === '' ? null : URL.parse(trimmed, base)
  return url && /^https?:$/.test(url.protocol) ? url.href : null
}
