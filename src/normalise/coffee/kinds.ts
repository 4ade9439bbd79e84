// Words that say what a product is, as data. The classifier tries the groups in this order.

import { compileLexicon, type LexiconEntry } from '../lexicon.ts'
import { toWordSet } from '../words.ts'

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
      sample product
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
      szkolenie | warsztaty | are you really tasting your coffee
    `,
  ],
  [
    'subscription',
    `
      subscription | subscriptions | subscribe | prepaid deliveries | deliveries | abonnement |
      abo | kaffeeabo | suscripcion | abbonamento | subskrypcja | 定期便 | 정기구독
    `,
  ],
  [
    'gift',
    `
      gift hamper | hamper | hampers | gift box | gift set | gift pack | gift basket | giftbox |
      geschenkset | coffret cadeau | gifting box
    `,
  ],
]

const GEAR = `
    scale | scales | grinder | grinders | hand grinder | muhle | kaffeemuhle | kettle |
    gooseneck kettle | dripper | brewer | carafe | server | scoop | tamper | tamping mat |
    knock box | knockbox | portafilter | basket | pitcher | milk jug | milk frother | frother |
    thermometer | timer | refractometer | distribution tool | distributor | wdt | puck screen |
    espresso machine | coffee machine | coffee maker | machine | roaster machine | home roaster |
    decanter | canister | vacuum canister | airscape | storage jar | coffee jar | spare part |
    gasket | o ring | burr | burrs | spoon | cupping bowl | drip stand | hario v60 | v60 dripper |
    v60 server | v60 set | chemex brewer | aeropress go | aeropress xl | aeropress original |
    aeropress clear | aeropress coffee maker | switch dripper | clever dripper | bialetti |
    moka pot 3 cup | south indian coffee filter brass | davara | tumbler set | water bottle |
    thermos | flask | keep cup | keepcup | travel press
  `
const BREWERS = `
    french press | moka pot | mokapot | aeropress | chemex | syphon | v60 | v 60 | kalita wave |
    phin | ibrik | cezve
  `
const SUPPLIES = `
    cleaner | cleaners | cleaning tablets | cleaning powder | descaler | descaling | entkalker |
    detergent | brush | filter papers | filter paper | paper filter | paper filters | filters |
    filter bags | water filter | cloth | microfiber | lids | sleeves | straws | stirrers
  `
const MERCHANDISE = `
    mug | mugs | cup | cups | tasse | tassen | becher | kubek | glass | glasses | glassware |
    tumbler | tumblers | saucer | tote | tote bag | t shirt | tshirt | tee | shirt | hoodie |
    sweatshirt | cap | hat | beanie | socks | apron | sticker | stickers | pin | enamel pin |
    cappuccino | latte | flat white | cortado | americano | demitasse | patch | poster | print |
    art print | journal | notebook | book | books | magazine | calendar | candle | candles |
    soap | keychain | puzzle | playing cards | coasters | coaster | bag charm | umbrella |
    bandana | postcard | planter | scrub
  `
const FOOD = `
    cacao | cocoa | kakao | cookie | cookies | biscuit | biscuits | biscotti | cake | cakes |
    brownie | brownies | bar | bars | tart bar | toffee | eclair | eclair toffee | candy |
    truffle | truffles | bonbon | bonbons | praline | pralines | granola | nuts | jam |
    marmalade | spread | butter | syrup | sirup | sauce | sugar | jaggery | salt | spice |
    pepper | honey jar | wildflower honey | raw honey | forest honey | chocolate bar |
    chocolate bars | chocolate covered | chocolate coated | hot chocolate | drinking chocolate |
    dragees | crackers | bread | sourdough | croissant | pastry | wafer | wafers | bites | mylk |
    oat milk | almond milk | oat drink | milk | protein | powder | snack | snacks | olive oil |
    ice cream | gelato | schokolade | miod | cukierki
  `
const TEA = `
    tea | teas | tee beutel | herbata | te verde | green tea | black tea | white tea | oolong |
    matcha | chai | masala chai | rooibos | tisane | herbal infusion | cascara | kombucha |
    steeping | steep | hojicha | sencha | yerba mate | 茶 | 紅茶 | 抹茶
  `
const DRINK = `
    ready to drink | rtd | can | cans | canned | cold coffee can | bottled | bottle | bottles |
    latte can | nitro cold brew can | iced latte | iced coffee can | coffee liqueur | liqueur |
    soda | tonic | beer | stout | gin | rum | whisky
  `

/**
 * Goods beside coffee. `bottle` and `bar` decide against every word for coffee in the same title.
 */
const GOODS: readonly LexiconEntry<OtherKind>[] = [
  ['gear', GEAR],
  ['gear', BREWERS],
  ['supply', SUPPLIES],
  ['merchandise', MERCHANDISE],
  ['food', FOOD],
  [
    'food',
    `
      chocolate | chocolates | dark chocolate | milk chocolate | white chocolate |
      single origin dark chocolate
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
  [
    'green',
    `
      green bean | green beans | green coffee | green coffee beans | unroasted | raw coffee |
      raw beans | raw coffee beans | rohkaffee | cafe vert | cafe verde | zielona kawa |
      kawa zielona | 生豆 | 생두
    `,
  ],
  [
    'instant',
    `
      instant coffee | instant | soluble coffee | freeze dried coffee | freeze dried |
      kawa rozpuszczalna | loslicher kaffee | cafe soluble | インスタントコーヒー | インスタント | 인스턴트
    `,
  ],
  [
    'concentrate',
    `
      coffee concentrate | cold brew concentrate | espresso concentrate | coffee decoction |
      decoction
    `,
  ],
  [
    'capsule',
    `
      coffee capsules | capsule | capsules | coffee pods | pods | espresso pods |
      nespresso compatible | k cups | kapseln | kapsulki | dosettes | capsulas | カプセル | 캡슐
    `,
  ],
  [
    'drip_bag',
    `
      drip bag | drip bags | drip coffee bag | drip coffee bags | easy pour | pourtable |
      pour over bag | pour over bags | pour over sachets | drip pack | drip packs |
      coffee sachets | drip sachets | ドリップバッグ | ドリップパック | 드립백 | 挂耳
    `,
  ],
  [
    'brew_bag',
    `
      brew bag | brew bags | cold brew bag | cold brew bags | cold brew coffee bags |
      steeped bag | coffee bag | coffee bags | coffee brew bags | コーヒーバッグ
    `,
  ],
  [
    'beans',
    `
      coffee beans | coffee bean | roasted coffee beans | whole bean | whole beans |
      whole bean coffee | wholebean | espresso beans | kaffeebohnen | ganze bohne | ganze bohnen |
      cafe en grains | cafe en grano | caffe in grani | kawa ziarnista | コーヒー豆 | 咖啡豆 | 원두 | 홀빈
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

/**
 * Words that mean coffee, though not its form. The longer ones keep words of other goods coffee.
 */
const COFFEE: readonly LexiconEntry<'strong' | 'weak'>[] = [
  [
    'strong',
    `
      coffee | coffees | kaffee | filterkaffee | kawa | kawy | koffie | kaffe | kahvi | robusta |
      arabica | liberica | peaberry | naturals | espresso roast | filter roast | omni roast |
      dark roast | medium roast | light roast | medium dark roast | light medium roast | roasted |
      espresso blend | house blend | breakfast blend | single origin espresso |
      single estate coffee | filter coffee | cold brew coffee | espresso | decaf | half caf |
      half decaf | ristretto | microlot | micro lot | nano lot | コーヒー | 珈琲 | ブレンド | 咖啡 | 커피 |
      블렌드 | кофе | monsoon malabar
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
 * Goods that may also be a flavour or a manner in the name of a coffee: `Chocolate Bomb Espresso`.
 */
export const MAYBE_FLAVOURS = toWordSet(`
    chocolate chocolates dark-chocolate milk-chocolate white-chocolate cocoa cacao honey toffee
    candy butter jam tea black-tea chai cup cups cookie cookies biscuit nuts cake sugar spice
    syrup truffle praline powder glass class cappuccino latte flat-white cortado americano milk
    bar basket rum whisky beer print patch can book
  `)

/** Months, for titles that are dates: a variant that is a date is an event. */
export const MONTHS = compileLexicon([
  [
    true,
    `
      january | february | march | april | may | june | july | august | september | october |
      november | december | jan | feb | mar | apr | jun | jul | aug | sep | sept | oct | nov |
      dec
    `,
  ],
])
