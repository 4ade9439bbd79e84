// Tags of shops: those that steer the shop's software are dropped, and the others are read in the
// words that the source's map gives them.

import type { SourceOptions } from '../core/source-options.ts'

/** `TAX_5`, `GST18`, `sm_2`, `48211`: classes of tax, and ids of products and apps. */
const NUMBERED = /^(?:tax|gst|vat|hsn|sp|sm)[_ -]?\d|^[\p{N}\p{P}\p{S}\s]+$/iu

/** Words of operations: visibility, delivery, apps and campaigns. */
const OPERATIONAL =
  /^_*hid(?:e|den)|exclude|unavailable|not_express|customproperty|smartrr|recharge|shopstorm|:disabled|^app[_-]|^(?:crp|cod|no-?cod|pfs|spo|bogo|upsell|cross-?sell)\b/i

/** `tag_floral`, `Category_Single Origin`: the prefix says nothing about the coffee. */
const PREFIX = /^(?:tags?|category|categories|cat|collection)[_:]\s*/i

/** Returns the tags that say something about the product, in their order, each once. */
export function readTags(tags: readonly string[], map: SourceOptions['tags']): string[] {
  const texts = tags.flatMap((tag) => {
    const mapped = Object.hasOwn(map, tag) ? map[tag] : undefined
    if (mapped !== undefined) return mapped === null || mapped === '' ? [] : [mapped]
    const text = tag.trim().replace(PREFIX, '')
    return text === '' || NUMBERED.test(text) || OPERATIONAL.test(text) ? [] : [text]
  })
  return [...new Set(texts)]
}
