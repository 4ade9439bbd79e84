// Brands, organisations and categories that a product mentions. Their names are documented as
// localized, but plain strings were observed.

import type { Json } from '../../core/json.ts'
import type { Term } from '../../core/product.ts'
import { isObject, listObjects, type Members } from '../../lib/objects.ts'
import { idOf, localizedOf, textOf } from './values.ts'

/** Returns each term once, in the record's order. A term without an id or a name is left out. */
export function termsOf(record: Members, locales: readonly string[]): Term[] {
  const terms = new Map<string, Term>()
  const add = (
    kind: Term['kind'],
    item: Members,
    parentId: string | null,
    attributes: Term['attributes'],
  ) => {
    const externalId = idOf(item.id)
    const name = localizedOf(item.name, locales)
    const key = `${kind}:${externalId}`
    if (externalId === null || name === null || terms.has(key)) return
    terms.set(key, { kind, externalId, name, parentId, attributes })
  }
  for (const brand of listObjects(record.brands)) add('brand', brand, null, {})
  for (const organization of listObjects(record.organizations))
    add('organization', organization, null, aboutOrganization(organization))
  for (const category of listObjects(record.publicCategories))
    add('category', category, idOf(category.parent), {})
  return [...terms.values()]
}

function aboutOrganization({ type, contactInformation }: Members): Record<string, Json> {
  const contact = isObject(contactInformation) ? contactInformation : {}
  const about: Record<string, Json> = {}
  for (const [name, value] of [
    ['type', type],
    ['country', contact.country],
    ['url', contact.url],
  ] as const) {
    const text = textOf(value)
    if (text !== null) about[name] = text
  }
  return about
}
