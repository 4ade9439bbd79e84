// Pages in the shapes of real shops, each with the product that it shows or the reason for none. A
// file in `fixtures` holds the pages of one kind: the title after `###`, the address, the HTML, and
// after `---` the product.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defineConnector } from '../../core/define-connector.ts'
import { boundedDraft } from '../../core/bounded-draft.ts'
import { formatMoney } from '../../core/money.ts'
import type { Draft } from '../../core/product.ts'
import { z } from 'zod'
import { EXTRACTOR_VERSION, PageEvidence } from './evidence.ts'
import { explainNoProduct, identifyPage, readProduct } from './product.ts'
import { readPage } from './read-page.ts'

const FOLDER = new URL('fixtures/', import.meta.url)
const READ_AT_MS = Date.UTC(2026, 10, 28)

const reader = defineConnector({
  name: 'pages',
  normaliserVersion: EXTRACTOR_VERSION,
  settings: z.object({ currency: z.string().optional() }),
  record: PageEvidence,
  unwrap: (line) => line,
  identify: identifyPage,
  normalise: readProduct,
  async *fetch() {},
})

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.pages')))
  for (const page of listPages(file))
    test(`${file}: ${page.name}`, () => {
      const evidence = readPage(page.html, page.url, READ_AT_MS)
      assert.equal(describe(evidence, page.currency), page.expected)
    })

test('a new price changes nothing else of the product', () => {
  const read = (price: string): Draft => {
    const product = { '@type': 'Product', name: 'Ruby', offers: { price, priceCurrency: 'EUR' } }
    const html = `<script type="application/ld+json">${JSON.stringify(product)}</script>`
    const evidence = readPage(html, 'https://shop.example/ruby', READ_AT_MS)
    return reader.normalise(evidence, {})
  }
  const [before, after] = [read('12.00'), read('13.00')]
  assert.notDeepEqual(after.prices, before.prices)
  assert.deepEqual({ ...after, prices: [] }, { ...before, prices: [] })
})

function listPages(file: string): {
  name: string
  url: string
  currency: string | undefined
  html: string
  expected: string
}[] {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  return text
    .split(/^### /m)
    .slice(1)
    .map((page) => {
      const [, name = '', url = '', currency, html = '', expected = ''] =
        /^(.*)\n(\S+)(?: ([A-Z]{3}))?\n([^]*)\n---\n([^]*)$/.exec(page) ?? []
      return { name, url, currency, html, expected: expected.trim() }
    })
}

function describe(evidence: PageEvidence, currency: string | undefined): string {
  const reason = explainNoProduct(evidence)
  if (reason !== null) return `none: ${reason}`
  // The archived record has passed through JSON.
  const record: unknown = JSON.parse(JSON.stringify(evidence))
  return describeDraft(boundedDraft(reader.normalise(record, { currency })))
}

/** One line for each fact that the page states. */
function describeDraft(draft: Draft): string {
  const single = {
    brand: draft.brand,
    manufacturer: draft.manufacturer,
    description: draft.description,
  }
  const lines = [
    `${draft.externalId}${draft.status === 'active' ? '' : ` ${draft.status}`}`,
    `title: ${draft.title}`,
    ...Object.entries(single).flatMap(([name, text]) =>
      text === null ? [] : [`${name}: ${text.replaceAll('\n', '⏎')}`],
    ),
    ...Object.entries(draft.identifiers).map(([name, code]) => `${name}: ${String(code)}`),
    ...Object.entries(draft.attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    ...(draft.terms.length === 0
      ? []
      : [`categories: ${draft.terms.map(({ name }) => name).join(' > ')}`]),
    ...draft.images.map(({ url, alt }) => `image: ${url}${alt === null ? '' : ` (${alt})`}`),
    ...draft.variants.map((variant) => describeVariant(draft, variant)),
    ...draft.disagreements.map(
      ({ variantId, claims }) =>
        `disagreement ${shorten(draft, variantId)}: ${claims
          .map(
            (one) =>
              `${one.source} ${formatMoney(one.amountMinor, one.currency)} [${one.quotation}]`,
          )
          .join(' <> ')}`,
    ),
    ...draft.warnings.map((warning) => `warning: ${warning}`),
  ]
  return lines.join('\n')
}

function describeVariant(draft: Draft, variant: Draft['variants'][number]): string {
  const { externalId, title, sku, gtin, options, availability } = variant
  const price = draft.prices.find(({ variantId }) => variantId === externalId)
  const provenance = draft.provenance[`prices.${externalId}`]
  const named = Object.entries(options).map(([name, value]) => `${name}=${value}`)
  return [
    `- ${shorten(draft, externalId)}`,
    ...(title === null ? [] : [`"${title}"`]),
    ...(sku === null ? [] : [`sku ${sku}`]),
    ...(gtin === null ? [] : [`gtin ${gtin}`]),
    ...named,
    ...(price === undefined ? ['without a price'] : [formatPrice(price)]),
    ...(provenance === undefined ? [] : [`(${provenance.place})`]),
    ...(availability === null ? [] : [availability]),
  ].join(' ')
}

function formatPrice({ amountMinor, currency, compareAtMinor }: Draft['prices'][number]): string {
  if (amountMinor === null) return `${currency} unknown`
  const before =
    compareAtMinor === null ? '' : ` instead of ${formatMoney(compareAtMinor, currency)}`
  return `${formatMoney(amountMinor, currency)}${before}`
}

/** `itself` for the variant with the id of the product; its address from the query otherwise. */
function shorten({ externalId }: Draft, id: string): string {
  return id === externalId
    ? 'itself'
    : id.startsWith(`${externalId}?`)
      ? id.slice(externalId.length)
      : id
}
