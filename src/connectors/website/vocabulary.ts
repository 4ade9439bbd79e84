// The words of schema.org that describe a product on sale (https://schema.org/Product). Pages write
// them in any case and with several prefixes; here they are in lower case, without a prefix.

import { toWordSet } from '../../normalise/words.ts'

export const PRODUCT_TYPES = toWordSet(
  'product productgroup productmodel individualproduct someproducts vehicle car book drug',
)

export const OFFER_TYPES = toWordSet('offer aggregateoffer offers offerforpurchase')

export const LIST_TYPES = toWordSet('itemlist offercatalog productcollection')

export const PAGE_TYPES = toWordSet('webpage itempage collectionpage searchresultspage')

/** Properties that point from a product to another product. */
export const RELATED: ReadonlySet<string> = toWordSet(
  'isrelatedto issimilarto isaccessoryorsparepartfor isconsumablefor',
)

/** Properties whose value is an address or a word of the vocabulary, even on a link. */
export const ADDRESSES = toWordSet(
  `url image images contenturl thumbnailurl availability itemcondition mainentityofpage item
  pricetype sameas logo`,
)

/** Properties with a use. The others (ratings, shipping, sellers' addresses) change or weigh much. */
export const PROPERTIES = toWordSet(
  `name description url image images contenturl thumbnailurl caption sku mpn gtin gtin8 gtin12
  gtin13 gtin14 isbn productid identifier brand manufacturer category color colour size pattern
  material weight width itemcondition offers offer hasvariant isvariantof model variesby
  productgroupid inproductgroupwithid mainentity mainentityofpage itemlistelement item position
  breadcrumb itemoffered availability price lowprice highprice pricecurrency pricespecification
  pricetype pricecomponent valueaddedtaxincluded referencequantity valuereference eligiblequantity
  eligiblecustomertype validformembertier billingduration billingincrement minvalue maxvalue
  pricevaliduntil validthrough offercount seller value unitcode unittext additionalproperty
  propertyid numberofitems isrelatedto issimilarto isaccessoryorsparepartfor isconsumablefor
  pricetext lowpricetext highpricetext logo`,
)

/** Returns the word of a type, a property or an enumeration: `http://schema.org/InStock`. */
export function toWord(term: string): string {
  return term
    .trim()
    .replace(/^(?:https?:)?\/\/(?:www\.)?schema\.org\/|^schema:/i, '')
    .toLowerCase()
}
