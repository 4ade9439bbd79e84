// Words that say what a product is, as data. The classifier tries the groups in this order.

import { compileLexicon, type LexiconEntry } from '../lexicon.ts'
import { toWordSet } from '../words.ts'
import { BREWERS, DRINK, FOOD, GEAR, MAKERS, MERCHANDISE, SUPPLIES, TEA } from './goods-words.ts'
import {
  BREW_BAG,
  CAPSULE,
  CONCENTRATE,
  DRIP_BAG,
  GREEN,
  INSTANT,
  SUBSCRIPTION,
  WHOLE_BEAN,
} from './form-words.ts'

/** A kind of product in a coffee shop. */
export type CoffeeKind =
  | 'beans'
  | 'ground'
  | 'roasted'
  | 'green'
  | 'drip_bag'
  | 'brew_bag'
  | 'capsule'
  | 'instant'
  | 'concentrate'

export type OtherKind =
  | 'drink'
  | 'gear'
  | 'supply'
  | 'merchandise'
  | 'food'
  | 'tea'
  | 'course'
  | 'subscription'
  | 'gift'
  | 'gift_card'
  | 'service'
  | 'technical'

export type ProductKind = CoffeeKind | OtherKind

/** Goods whose stated size is what they hold or weigh, not their content. */
export const SIZED_BY_CAPACITY: ReadonlySet<ProductKind> = new Set([
  'gear',
  'merchandise',
  'course',
  'service',
  'technical',
])

/**
 * Phrases that decide by themselves. Longer phrases win, so `filter coffee` is coffee although
 * `filters` are supplies.
 */
const DECISIVE: readonly LexiconEntry<OtherKind>[] = [
  [
    'technical',
    `
      all products | item customizations | item customization | customizations |
      shipping protection | route protection | test product | do not buy | deposit | gift wrap |
      gift wrapping | gift note | add on fee | carbon neutral order | package protection |
      sample product | shipping insurance | package insurance | order protection | shipping fee |
      handling fee | delivery fee | hidden product | gift message | gift option | donation |
      item personalization | personalization | personalisation | engraving |
      price adjustment | balance payment | rush order | custom order
    `,
  ],
  [
    'gift_card',
    `
      gift card | gift cards | gift voucher | voucher | e gift | egift | gift certificate |
      gutschein | geschenkgutschein | carte cadeau | tarjeta regalo | buono regalo |
      karta podarunkowa | ギフトカード | 기프트카드
    `,
  ],
  [
    'course',
    `
      workshop | workshops | course | courses | class | classes | masterclass | training |
      training session | tour | tours | roastery tour | cupping session | tasting session |
      seminar | webinar | barista school | certification program | barista basics | 101 |
      foundation level | intermediate level | experience day | kurs | atelier | taller |
      szkolenie | warsztaty
    `,
  ],
  ['subscription', `${SUBSCRIPTION} | abo`],
  [
    'gift',
    `
      gift hamper | hamper | hampers | gift box | gift set | gift pack | gift basket | giftbox |
      geschenkset | coffret cadeau | gifting box | gifting
    `,
  ],
]

/**
 * Goods beside coffee. `bottle` and `bar` decide against every word for coffee in the same title.
 */
const GOODS: readonly LexiconEntry<OtherKind>[] = [
  ['gear', GEAR],
  ['gear', BREWERS],
  ['gear', MAKERS],
  ['supply', SUPPLIES],
  ['merchandise', MERCHANDISE],
  ['food', FOOD],
  [
    'food',
    `
      chocolate | chocolates | dark chocolate | milk chocolate | white chocolate |
      single origin dark chocolate | % dark | % milk | % cacao | % cocoa
    `,
  ],
  ['tea', TEA],
  ['drink', DRINK],
  [
    'service',
    'repair | servicing | installation | rental | consultation | catering | private label',
  ],
]

/** Forms of coffee. */
const FORMS: readonly LexiconEntry<CoffeeKind>[] = [
  ['green', GREEN],
  ['instant', INSTANT],
  ['concentrate', CONCENTRATE],
  ['capsule', CAPSULE],
  ['drip_bag', DRIP_BAG],
  ['brew_bag', `${BREW_BAG} | coffee bag | コーヒーバッグ`],
  [
    'beans',
    `
      ${WHOLE_BEAN} | coffee beans | roasted coffee beans | espresso beans | kaffeebohnen |
      espressobohnen | cafe en grains | cafe en grano | caffe in grani | kawa ziarnista
    `,
  ],
  [
    'ground',
    `
      ground coffee | filter coffee powder | coffee powder | pre ground | gemahlener kaffee |
      kaffee gemahlen | cafe moulu | cafe molido | caffe macinato | kawa mielona | コーヒー粉
    `,
  ],
]

/** Brands that sell coffee and hardly anything else. */
const COFFEE_BRANDS = `
  nescafe | lavazza | segafredo | dallmayr | jacobs kronung | tchibo | illy | kimbo | folgers |
  maxwell house
`

/**
 * Words that mean coffee, though not its form. The longer ones keep words of other goods coffee.
 */
const COFFEE: readonly LexiconEntry<'strong' | 'weak'>[] = [
  [
    'strong',
    `
      coffee | coffees | kaffee | filterkaffee | rostkaffee | kawa | kawy | koffie | kaffe | kahvi | robusta |
      arabica | liberica | peaberry | naturals | espresso roast | filter roast | omni roast |
      vienna roast | french roast | italian roast | city roast | full city roast |
      dark roast | medium roast | light roast | medium dark roast | light medium roast | roasted |
      espresso blend | house blend | breakfast blend | single origin espresso |
      single estate coffee | filter coffee | coffee roasters | % dark roast | % dark roasted | south indian filter coffee | cold brew coffee | espresso | decaf | half caf |
      half decaf | ristretto | microlot | micro lot | nano lot | コーヒー | 珈琲 | ブレンド | 咖啡 | 커피 |
      블렌드 | кофе | monsoon malabar | ${COFFEE_BRANDS}
    `,
  ],
  [
    'weak',
    `
      blend | single origin | single estate | estate | roast | cold brew | cafe | caffe | filter |
      nanolot | lot | finca | fazenda | hacienda | plantation | cooperative | washing station
    `,
  ],
]

export type KindSignal =
  | { readonly group: 'decisive' | 'goods'; readonly kind: OtherKind }
  | { readonly group: 'form'; readonly kind: CoffeeKind }
  | { readonly group: 'coffee'; readonly strength: 'strong' | 'weak' }

function signals<Value>(
  entries: readonly LexiconEntry<Value>[],
  toSignal: (value: Value) => KindSignal,
): LexiconEntry<KindSignal>[] {
  return entries.map(([value, phrases]) => [toSignal(value), phrases])
}

export const KIND_LEXICON = compileLexicon<KindSignal>([
  ...signals(FORMS, (kind) => ({ group: 'form', kind })),
  ...signals(COFFEE, (strength) => ({ group: 'coffee', strength })),
  ...signals(DECISIVE, (kind) => ({ group: 'decisive', kind })),
  ...signals(GOODS, (kind) => ({ group: 'goods', kind })),
])

/**
 * Goods that may also be a flavour, a barrel, a container or a maker in the name of a coffee:
 * `Chocolate Bomb Espresso`, `Gin Barrel Aged Coffee`, `Ground Coffee Canister`, `Melitta Ganze Bohnen`.
 */
export const MAYBE_IN_NAMES = toWordSet(`
    chocolate chocolates dark-chocolate milk-chocolate white-chocolate cocoa cacao honey toffee
    candy butter jam tea black-tea chai cup cups cookie cookies biscuit nuts cake sugar spice
    syrup truffle praline powder glass class cappuccino latte flat-white cortado americano milk
    bar basket rum whisky gin stout beer can canister melitta
  `)
