// Compares the product fields that this connector knows with those that `GET
// /v4/products/get-fields` lists, so that the operator learns of a new or vanished field before it
// affects the catalogue. The known codes are the members of the documented product, as of June
// 2025.

import type { MarketName } from './market.ts'

const EVERYWHERE = words(`
  name seoName requiresLegalText biocide officialDeletionAt supplierReference hsCode notApplicableField
  ean gtin eanGtin8 eanGtin12 eanGtin13 eanGtin14 atc atcCategory
  publicPrice manufacturerPrice pharmacistPrice
  conservation conservationLabel conservationMin conservationMax
  weight width length depth weightWithUnit widthWithUnit lengthWithUnit depthWithUnit
  packageContent packageQuantity packagingUnit
  publicCategories brands productFamilies attributes organizations activeIngredients descriptions leaflets
`)

const BY_MARKET: Readonly<Record<MarketName, readonly string[]>> = {
  au: words(
    'artgId pbs fred zCode snomedMp snomedMpp snomedMpuu snomedTp snomedTpp snomedTpuu snomedCtpp',
  ),
  be: words('cnk'),
  fr: words('acl13 cip13'),
  de: words('pzn'),
  us: [],
}

/**
 * Members around the product data, and other names of known fields (`media`, `tax`). The supplier
 * may list them or not.
 */
const OPTIONAL = words(
  'id status replacement meta photos frontals links media vat tax gs1Category minimumContent',
)

export interface Drift {
  /**
   * Listed by the supplier, but unknown to this connector. Their values are stored in `raw` only.
   */
  readonly added: readonly string[]
  /** Known to this connector, but no longer listed. Their columns will become empty. */
  readonly vanished: readonly string[]
}

/** Compares listed codes with the known ones. `descriptions.usage` counts as `descriptions`. */
export function findDrift(codes: readonly string[], market: MarketName): Drift {
  const listed = new Set(codes.map((code) => code.replace(/\..*$/, '')))
  const known = new Set([...EVERYWHERE, ...BY_MARKET[market]])
  const tolerated = new Set([...known, ...OPTIONAL])
  return {
    added: [...listed].filter((code) => !tolerated.has(code)),
    vanished: [...known].filter((code) => !listed.has(code)),
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
