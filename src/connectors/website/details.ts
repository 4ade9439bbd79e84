// The facts about a product besides its variants: name, description, brand, images, categories.

import type { Image, Term } from '../../core/product.ts'
import { htmlToText } from '../../normalise/html/html-to-text.ts'
import { toWordSet } from '../../normalise/words.ts'
import type { Item, PageEvidence } from './evidence.ts'
import { firstText, itemsOf, textsOf, toName } from './items.ts'
import type { Copy } from './main-product.ts'
import { foldName } from './names.ts'

const IMAGES_MAX = 100
const CATEGORIES_MAX = 20

/** Names of the home page, with which trails of categories begin. */
const HOME = toWordSet(
  'home start startseite accueil inicio início homepage hjem hem domov index shop',
)

/** Returns the first name that a copy states under one of the properties. */
export function findName(copies: readonly Copy[], ...properties: readonly string[]): string | null {
  for (const { source, item } of copies)
    for (const property of properties) {
      const [inner] = itemsOf(item, property)
      const text = firstText(item, property) ?? (inner ? firstText(inner, 'name') : null)
      const name = toName(text, source === 'json-ld')
      if (name !== null) return name
    }
  return null
}

/** Returns plain text with paragraphs. */
export function findDescription(copies: readonly Copy[]): string | null {
  for (const { source, item } of copies) {
    const text = firstText(item, 'description')
    if (text === null) continue
    const plain = source === 'json-ld' ? toPlainText(text) : text.trim()
    if (plain !== '') return plain
  }
  return null
}

/** Text of JSON-LD may be HTML, also HTML whose tags are written as entities. */
function toPlainText(text: string): string {
  if (!/&#?\w+;|<\/?[a-z]/i.test(text)) return text.replaceAll(/[^\S\n]+/g, ' ').trim()
  const once = htmlToText(text)
  return /<\/?(?:p|br|div|span|ul|li|strong|b|em|h[1-6])\b[^>]*>/i.test(once)
    ? htmlToText(once)
    : once
}

/** Returns the images of the first copy that states any. */
export function findImages(copies: readonly Copy[], page: string): Image[] {
  for (const { source, item } of copies) {
    const variants = itemsOf(item, 'hasvariant')
    const images = [item, ...variants].flatMap((one) => listImages(one, page, source === 'json-ld'))
    const distinct = new Map(images.map((image) => [image.url, image]))
    if (distinct.size > 0)
      return [...distinct.values()]
        .slice(0, IMAGES_MAX)
        .map((image, position) => ({ ...image, position }))
  }
  return []
}

function listImages(item: Item, page: string, isEncoded: boolean): Omit<Image, 'position'>[] {
  const plain = textsOf(item, 'image', 'images').map((url) => ({ url, alt: null as string | null }))
  const described = itemsOf(item, 'image', 'images').map((image) => ({
    url: firstText(image, 'contenturl', 'url', 'thumbnailurl') ?? image.id ?? '',
    alt: toName(firstText(image, 'caption', 'name'), isEncoded),
  }))
  return [...plain, ...described].flatMap(({ url, alt }) => {
    const address = toWebAddress(url, page)
    return address === null ? [] : [{ url: address, alt }]
  })
}

/** Returns an absolute address that is harmless to request and to show, or null. */
function toWebAddress(address: string, base: string): string | null {
  const url = URL.parse(address.trim(), base)
  const isSafe =
    url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  return isSafe && address.trim() !== '' ? url.href : null
}

/** Returns the trail of categories: that of the page, or that of the product. */
export function findCategories(
  evidence: PageEvidence,
  copies: readonly Copy[],
  title: string | null,
): Term[] {
  const trails = evidence.items.filter(({ item }) => item.types.includes('breadcrumblist'))
  const nested = evidence.items.flatMap(({ syntax, item }) =>
    itemsOf(item, 'breadcrumb').map((trail) => ({ syntax, item: trail })),
  )
  for (const { syntax, item } of [...trails, ...nested]) {
    const names = listCrumbs(item, syntax === 'json-ld').filter(
      (name, index, all) =>
        !(index === 0 && HOME.has(name.toLowerCase())) &&
        !(index === all.length - 1 && foldName(name) === foldName(title)),
    )
    if (names.length > 0) return toTerms(names)
  }
  const category = findName(copies, 'category')
  return category === null ? [] : toTerms(category.split(/\s+[>/»|]\s+/))
}

function listCrumbs(trail: Item, isEncoded: boolean): string[] {
  const elements = itemsOf(trail, 'itemlistelement').map((element, index) => {
    const [inner] = itemsOf(element, 'item')
    const text = firstText(element, 'name') ?? (inner ? firstText(inner, 'name') : null)
    const position = Number(firstText(element, 'position') ?? Number.NaN)
    return {
      name: toName(text, isEncoded),
      position: Number.isFinite(position) ? position : index + 1,
    }
  })
  return elements.toSorted((a, b) => a.position - b.position).flatMap(({ name }) => name ?? [])
}

function toTerms(names: readonly string[]): Term[] {
  const terms: Term[] = []
  let parentId: string | null = null
  for (const name of names.slice(0, CATEGORIES_MAX)) {
    const externalId: string = parentId === null ? foldName(name) : `${parentId}/${foldName(name)}`
    terms.push({ kind: 'category', externalId, name, parentId, attributes: {} })
    parentId = externalId
  }
  return terms.filter(({ externalId }) => externalId !== '')
}
