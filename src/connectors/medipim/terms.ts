// Brands, organisations and categories that a product mentions. Their names are documented as
// localized, but plain strings were observed.

import type { Json } from '../../core/json.ts'
import type { Term } from '../../core/product.ts'
import { isObject, listObjects, type Members } from '../../lib/objects.ts'
import { idOf, localizedOf, textOf } from './values.ts'

const NO_ATTRIBUTES: Term['attributes'] = Object.freeze({})

/** Returns each term once, in the record's order. A term without an id or a name is left out. */
export function termsOf(record: Members, locales: readonly string[]): Term[] {
  const terms: Term[] = []
  addTerms(terms, 'brand', listObjects(record.brands), locales)
  addTerms(terms, 'organization', listObjects(record.organizations), locales)
  addTerms(terms, 'category', listObjects(record.publicCategories), locales)
  return terms
}

function addTerms(
  terms: Term[],
  kind: Term['kind'],
  items: readonly Members[],
  locales: readonly string[],
): void {
  const added = items.length > 1 ? new Set<string>() : null
  for (const item of items) {
    const externalId = idOf(item.id)
    if (externalId === null || added?.has(externalId) === true) continue
    const name = localizedOf(item.name, locales)
    if (name === null) continue
    added?.add(externalId)
    terms.push({
      kind,
      externalId,
      name,
      parentId: kind === 'category' ? idOf(item.parent) : null,
      attributes: kind === 'organization' ? aboutOrganization(item) : NO_ATTRIBUTES,
    })
  }
}

function aboutOrganization({ type, contactInformation }: Members): Record<string, Json> {
  const about: Record<string, Json> = {}
  const typeText = textOf(type)
  if (typeText !== null) about.type = typeText
  if (!isObject(contactInformation)) return about
  const country = textOf(contactInformation.country)
  if (country !== null) about.country = country
  const url = textOf(contactInformation.url)
  if (url !== null) about.url = url
  return about
}
