// The manner of a sale: to the trade, by subscription, as a bundle, in which pack, and as a form
// other than a bag.

import { type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type Lexicon } from '../lexicon.ts'
import type { TokenText } from '../tokens.ts'
import {
  BREW_BAG,
  CAPSULE,
  CONCENTRATE,
  DRIP_BAG,
  GREEN,
  INSTANT,
  SUBSCRIPTION,
} from './form-words.ts'

const WHOLESALE = compileLexicon<true>([
  [true, 'wholesale | whole sale | ws - | horeca | trade only | bulk trade | grosshandel'],
])
const SUBSCRIPTIONS = compileLexicon<true>([[true, SUBSCRIPTION]])
const BUNDLE = compileLexicon<true>([
  [
    true,
    `
      bundle | bundles | combo | sampler | sampler pack | sample set | tasting set | tasting kit |
      tasting pack | discovery set | discovery pack | discovery box | starter kit | starter pack |
      variety pack | mix box | mixed box | assorted | trio | probierpaket | probierset |
      coffret decouverte | zestaw | pack degustacion | 飲み比べ | 飲み比べセット | 샘플러 | 세트
    `,
  ],
])
const GREENS = compileLexicon<true>([[true, GREEN]])

/** The packs that shops name; `box` and `bag` say little. */
const PACK_TYPES = compileLexicon([
  ['pouch', 'pouch | pouches | standbeutel'],
  ['tin', 'tin | tins | tin can | blechdose | puszka'],
  ['jar', 'jar | jars'],
  ['box', 'box | boxes | carton'],
])

const FORMATS = compileLexicon([
  ['drip_bag', DRIP_BAG],
  ['brew_bag', BREW_BAG],
  ['capsule', CAPSULE],
  ['instant', INSTANT],
  ['concentrate', CONCENTRATE],
])

/** The marks of a sale that a text states; each is true or null, because silence says nothing. */
export interface Sale {
  readonly wholesale: Finding<true> | null
  readonly subscription: Finding<true> | null
  readonly bundle: Finding<true> | null
  readonly green: Finding<true> | null
  readonly packType: Finding<string> | null
  readonly format: Finding<string> | null
}

/** Running text mentions subscriptions, boxes and drip bags of other products. */
export const NO_SALE: Sale = {
  wholesale: null,
  subscription: null,
  bundle: null,
  green: null,
  packType: null,
  format: null,
}

export function findSale(text: TokenText): Sale {
  return {
    wholesale: findFirst(text, WHOLESALE, 'sale/wholesale'),
    subscription: findFirst(text, SUBSCRIPTIONS, 'sale/subscription'),
    bundle: findFirst(text, BUNDLE, 'sale/bundle'),
    green: findFirst(text, GREENS, 'form/green'),
    packType: findFirst(text, PACK_TYPES, 'pack/type'),
    format: findFirst(text, FORMATS, 'form/format'),
  }
}

function findFirst<Value>(
  text: TokenText,
  lexicon: Lexicon<Value>,
  rule: string,
): Finding<Value> | null {
  const [first] = findPhrases(text.tokens, lexicon)
  return first ? toFinding(text, first.value, { ...first, rule, confidence: 1 }) : null
}
