// The codes of a product, always as strings: SNOMED ids exceed 2^53 and barcodes begin with zeros.
// They are not unique: two products may share an EAN, and thousands share an ARTG id.

import { isObject, type Members } from '../../lib/objects.ts'
import { idOf } from './values.ts'

/** Codes by scheme, as in `Draft.identifiers`. */
export type Identifiers = Record<string, string | readonly string[]>

/** The supplier's member and our scheme. The last four are used in other markets: BE, FR and DE. */
const SCHEMES = [
  ['eanGtin8', 'ean_gtin8'],
  ['eanGtin12', 'ean_gtin12'],
  ['eanGtin13', 'ean_gtin13'],
  ['eanGtin14', 'ean_gtin14'],
  ['gtin', 'gtin'],
  ['artgId', 'artg_id'],
  ['pbs', 'pbs'],
  ['fred', 'fred'],
  ['zCode', 'z_code'],
  ['snomedMp', 'snomed_mp'],
  ['snomedMpp', 'snomed_mpp'],
  ['snomedMpuu', 'snomed_mpuu'],
  ['snomedTp', 'snomed_tp'],
  ['snomedTpp', 'snomed_tpp'],
  ['snomedTpuu', 'snomed_tpuu'],
  ['snomedCtpp', 'snomed_ctpp'],
  ['hsCode', 'hs_code'],
  ['supplierReference', 'supplier_reference'],
  ['cnk', 'cnk'],
  ['acl13', 'acl13'],
  ['cip13', 'cip13'],
  ['pzn', 'pzn'],
] as const

const NO_CODES: readonly string[] = []

/** The barcodes of a variant, in order of preference. */
const GTINS = ['ean_gtin13', 'ean_gtin14', 'ean_gtin12', 'ean_gtin8', 'ean']

/**
 * Returns every code of the record. Adds a warning for a number whose digits JSON.parse may have
 * lost, and for any other value that is not a code.
 */
export function identifiersOf(record: Members, warnings: string[]): Identifiers {
  const identifiers: Identifiers = {}
  const eans = codesOf(record.ean, 'ean', warnings)
  if (eans.length > 0) identifiers.ean = eans
  for (const [member, scheme] of SCHEMES) {
    const value = record[member]
    if (value === undefined || value === null || value === '') continue
    const code = codeOf(value, member, warnings)
    if (code !== null) identifiers[scheme] = code
  }
  const atcCategories = codesOf(record.atcCategory, 'atcCategory', warnings)
  const atc = codesOf(record.atc, 'atc', warnings)
  if (atcCategories.length + atc.length > 0)
    identifiers.atc = [...new Set([...atcCategories, ...atc])]
  const gs1 = record.gs1Category
  const category = codeOf(isObject(gs1) ? gs1.code : gs1, 'gs1Category', warnings)
  if (category !== null) identifiers.gs1_category = category
  return identifiers
}

/**
 * Returns the barcode of the variant: GTIN-13, -14, -12 or -8, otherwise the first EAN of such a
 * length, or null.
 */
export function gtinOf(identifiers: Identifiers): string | null {
  for (const scheme of GTINS) {
    const codes = identifiers[scheme] ?? []
    const found = typeof codes === 'string' ? codes : codes.find(isGtin)
    if (found !== undefined && isGtin(found)) return found
  }
  return null
}

function isGtin(code: string): boolean {
  return /^(\d{8}|\d{12,14})$/.test(code)
}

function codesOf(value: unknown, member: string, warnings: string[]): readonly string[] {
  if (value === undefined || value === null) return NO_CODES
  const codes: string[] = []
  for (const item of Array.isArray(value) ? value : [value]) {
    const code = codeOf(item, member, warnings)
    if (code !== null) codes.push(code)
  }
  return codes
}

/** Some feeds write `"0"` for an empty barcode, so it counts as absent. */
function codeOf(value: unknown, member: string, warnings: string[]): string | null {
  if (value === undefined || value === null || value === '' || value === '0' || value === 0)
    return null
  const code = idOf(value)
  if (code === null && typeof value !== 'string') {
    warnings.push(
      `${member}: ${typeof value === 'number' ? 'a number that may have lost digits' : 'not a code'}, left out`,
    )
  }
  return code
}
