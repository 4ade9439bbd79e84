// Availability in the spellings of schema.org, Open Graph and the feeds of Google:
// `http://schema.org/InStock`, `in stock`, `in_stock`, `instock`.

import type { Availability } from '../../core/product.ts'

const WORDS: ReadonlyMap<string, Availability> = new Map<string, Availability>([
  ['instock', 'in_stock'],
  ['instoreonly', 'in_stock'],
  ['onlineonly', 'in_stock'],
  ['limitedavailability', 'in_stock'],
  ['limitedstock', 'in_stock'],
  ['lowstock', 'in_stock'],
  ['madetoorder', 'in_stock'],
  ['available', 'in_stock'],
  ['preorder', 'preorder'],
  ['presale', 'preorder'],
  ['backorder', 'preorder'],
  ['onbackorder', 'preorder'],
  ['availablefororder', 'preorder'],
  ['outofstock', 'out_of_stock'],
  ['soldout', 'out_of_stock'],
  ['reserved', 'out_of_stock'],
  ['oos', 'out_of_stock'],
  ['discontinued', 'discontinued'],
])

/** From the most to the least favourable: a product is in stock if one of its offers is. */
const ORDER: readonly Availability[] = ['in_stock', 'preorder', 'out_of_stock', 'discontinued']

/** Returns the availability that the texts state, the best of several, or null. */
export function readAvailability(texts: readonly string[]): Availability | null {
  const stated = texts.map(
    (text) =>
      WORDS.get(
        (text.trim().split(/[/#]/).at(-1) ?? '').toLowerCase().replaceAll(/[^a-z]|^schema:/g, ''),
      ) ?? null,
  )
  return ORDER.find((one) => stated.includes(one)) ?? null
}
