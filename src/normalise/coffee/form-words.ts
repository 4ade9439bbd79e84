// Words for the forms in which coffee is sold, shared by the classifier, the grind and the sale.

export const GREEN = `
  green bean | green coffee | green coffee bean | unroasted | raw coffee | raw bean |
  raw coffee bean | rohkaffee | cafe vert | cafe verde | zielona kawa | kawa zielona | 生豆 | 생두
`
export const INSTANT = `
  instant | instant coffee | soluble coffee | freeze dried | freeze dried coffee |
  kawa rozpuszczalna | loslicher kaffee | cafe soluble | インスタントコーヒー | インスタント | 인스턴트
`
export const CONCENTRATE = `
  coffee concentrate | cold brew concentrate | espresso concentrate | coffee decoction | decoction
`
export const CAPSULE = `
  capsule | coffee capsule | pods | coffee pods | espresso pods | nespresso compatible | k cups |
  kapseln | kapsulki | dosettes | capsulas | カプセル | 캡슐
`
export const DRIP_BAG = `
  drip bag | drip coffee bag | easy pour | pourtable | pourtable pourover | pour over bag |
  pour over sachet | drip pack | coffee sachet | drip sachet | ドリップバッグ | ドリップパック | 드립백 |
  挂耳
`
export const BREW_BAG = `
  brew bag | cold brew bag | cold brew pack | cold brew pouch | cold brew coffee bag | coffee brew bag | steeped bag |
  steeped coffee bag
`
export const WHOLE_BEAN = `
  whole bean | wholebean | whole bean coffee | unground | not ground | ganze bohne | ganze bohnen | bohne |
  en grains | en grano | grano entero | in grani | em grao | ziarnista | ziarnistej | hele bonner |
  豆のまま | コーヒー豆 | 咖啡豆 | 원두 | 홀빈
`
export const SUBSCRIPTION = `
  subscription | subscribe | deliveries | abonnement | kaffeeabo | suscripcion | abbonamento |
  subskrypcja | 定期便 | 정기구독
`
