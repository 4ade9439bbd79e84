// The response of GET /v4/products/get-fields. Tests add and remove fields to simulate a changed
// API.

import type { JsonObject } from './json.ts'

export interface Fields {
  list(): readonly JsonObject[]
  add(code: string, type?: string): void
  remove(code: string): void
}

const TEXT = 'text'
const DOCUMENTED: readonly (readonly [type: string, group: string, codes: string])[] = [
  ['localized_text', 'general', 'name seoName'],
  [TEXT, 'general', 'status replacement supplierReference officialDeletionAt notApplicableField'],
  ['boolean', 'general', 'requiresLegalText biocide'],
  [TEXT, 'codes', 'ean gtin eanGtin8 eanGtin12 eanGtin13 eanGtin14 hsCode artgId pbs fred zCode'],
  [TEXT, 'codes', 'snomedMp snomedMpp snomedMpuu snomedTp snomedTpp snomedTpuu snomedCtpp'],
  ['number', 'prices', 'vat publicPrice manufacturerPrice pharmacistPrice'],
  [
    TEXT,
    'logistics',
    'conservation conservationLabel conservationMin conservationMax ' +
      'packageContent packageQuantity packagingUnit',
  ],
  ['number', 'logistics', 'weight width length depth'],
  ['measure', 'logistics', 'weightWithUnit widthWithUnit lengthWithUnit depthWithUnit'],
  [
    'reference',
    'classification',
    'atc atcCategory gs1Category publicCategories attributes activeIngredients',
  ],
  ['reference', 'classification', 'brands productFamilies organizations'],
  ['list', 'content', 'photos frontals links leaflets descriptions'],
]

const MULTIPLE = new Set(['ean', 'atcCategory', 'notApplicableField'])

export function createFields(): Fields {
  const fields = new Map(
    DOCUMENTED.flatMap(([type, group, codes]) =>
      codes.split(' ').map((code) => [code, createField(code, type, group)]),
    ),
  )
  return {
    list: () => [...fields.values()],
    add: (code, type = TEXT) => void fields.set(code, createField(code, type, 'general')),
    remove: (code) => void fields.delete(code),
  }
}

function createField(code: string, type: string, attributeGroup: string): JsonObject {
  const isMulti = type === 'list' || type === 'reference' || MULTIPLE.has(code)
  return {
    code,
    type,
    attributeGroup,
    isMulti,
    isLocalized: type === 'localized_text',
    allowedToUpdate: false,
  }
}
