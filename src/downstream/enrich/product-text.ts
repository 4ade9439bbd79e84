// The text of a product that the model reads: what a visitor of the shop reads, and nothing else.

import { listTexts } from '../../core/json.ts'
import type { ClaimedProduct } from '../../db/write/enrichments.ts'
import { TEXT_CHARS_MAX } from './prompt.ts'

type Product = Pick<ClaimedProduct, 'title' | 'description' | 'attributes' | 'variants'>

/** Joins title, type, tags, options and description, one in each line. */
export function writeProductText({ title, description, attributes, variants }: Product): string {
  const options = variants.flatMap((variant) =>
    Object.entries(variant.options).map(([name, value]) => `${name}: ${value}`),
  )
  const lines = [
    title,
    ...listTexts(attributes['product_type']),
    ...listTexts(attributes['tags']),
    ...new Set(options),
    description,
  ].filter((line) => line !== null && line !== '')
  return lines.join('\n').slice(0, TEXT_CHARS_MAX)
}
