// The product fields that this connector knows, to compare with what `GET /v4/products/get-fields`
// lists: so a person hears about a new or vanished field before the catalogue shows it. The codes
// are the members of the documented product, as of June 2025.

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
 * Members that frame the record, and other names of known ones (`media`, `tax`): a list of fields
 * may have them or not.
 */
const OPTIONAL = words(
  'id status replacement meta photos frontals links media vat tax gs1Category minimumContent',
)

export interface Drift {
  /** Listed by the supplier, unknown to us: kept in `raw`, but in no column. */
  readonly added: readonly string[]
  /** Known to us, no longer listed: their columns will empty. */
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
