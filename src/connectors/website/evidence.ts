// The evidence of a page: its statements about products, in one form for every notation (JSON-LD,
// microdata, RDFa, meta tags), before anything is chosen or compared. It is the record that is
// archived and hashed, so values that change with each request are left out.

import { z } from 'zod'

/** Increase it when `readPage` returns other evidence for the same page. */
export const EXTRACTOR_VERSION = 1

/** The notations of items. */
export type Syntax = 'json-ld' | 'microdata' | 'rdfa'

/** One thing of the vocabulary of schema.org. Names are in lower case, without a prefix. */
export interface Item {
  /** `product`, `offer`. */
  readonly types: readonly string[]
  /** `@id`, `itemid` or `resource`, absolute. */
  readonly id: string | null
  /** By name; a page may state a property several times. Properties without a use are left out. */
  readonly properties: Readonly<Record<string, readonly Value[]>>
}

export type Value = string | number | boolean | Item

const Item: z.ZodType<Item> = z.object({
  types: z.array(z.string()),
  id: z.string().nullable(),
  properties: z.record(
    z.string(),
    z.array(z.union([z.string(), z.number(), z.boolean(), z.lazy(() => Item)])),
  ),
})

/** An item that is not the value of another one. */
const PageItem = z.object({
  syntax: z.enum(['json-ld', 'microdata', 'rdfa']),
  /** The block of JSON-LD that it stands in, from 0; 0 for the other notations. */
  block: z.int(),
  item: Item,
})
export type PageItem = z.infer<typeof PageItem>

export const PageEvidence = z.object({
  /** The address of the page, as it was requested. */
  url: z.string(),
  /** The address that the page states as its own, absolute, possibly on another host. */
  canonical: z.string().nullable(),
  /** `lang` of the document: `de-AT`. */
  lang: z.string().nullable(),
  title: z.string().nullable(),
  /** The first `h1`. */
  heading: z.string().nullable(),
  /** Meta tags about products by name, in lower case: `og:title`, `product:price:amount`. */
  meta: z.record(z.string(), z.array(z.string())),
  items: z.array(PageItem),
  /** Parts of the page that could not be read. */
  problems: z.array(z.string()),
})
export type PageEvidence = z.infer<typeof PageEvidence>
