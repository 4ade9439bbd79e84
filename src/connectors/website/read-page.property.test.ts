// Properties of every page: it has evidence and a result, twice the same; a price is stated by the
// page, and one that is stated in different ways is a disagreement.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SyncError } from '../../core/errors.ts'
import { toPageAddress } from './addresses.ts'
import { PageEvidence } from './evidence.ts'
import { explainNoProduct, readProduct } from './product.ts'
import { readPage } from './read-page.ts'

const URL_OF_PAGE = 'https://shop.example/ruby'

/** Pieces of pages, in any order, are more hostile than random characters. */
const PIECES = [
  '<div itemscope itemtype="http://schema.org/Product">',
  '<div itemprop="offers" itemscope itemtype="http://schema.org/Offer">',
  '<span itemprop="price" content="12">',
  '<span itemprop="price">13,00 €',
  '<meta itemprop="priceCurrency" content="EUR">',
  '<b itemprop="name">Ruby</b>',
  '<li itemprop="offers" itemscope>',
  '<link rel="canonical" href="/ruby?x=1">',
  '<div vocab="http://schema.org/" typeof="Product">',
  '<i property="name">Ruby',
  '<meta property="og:type" content="product">',
  '<meta property="product:price:amount" content="14">',
  '<meta property="product:price:currency" content="EUR">',
  '<script type="application/ld+json">',
  '</script>',
  '{"@type":"Product","name":"Ruby","sku":"A","offers":{"price":"12.00","priceCurrency":"EUR"}}',
  '{"@type":"ProductGroup","@id":"#g","hasVariant":[{"@id":"#g"},{"sku":"B","offers":{"price":2}}]}',
  '{"@graph":[',
  ']}',
  ',',
  '"',
  '\\',
  '<!--',
  '-->',
  '/*',
  '<![CDATA[',
  '&quot;',
  '</div>',
  '</b>',
  '<table><td>',
  '<template>',
  '<svg>',
  '<h1>Ruby</h1>',
  '<title>',
  '\u0000',
  '\ud800',
] as const

const html = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 4 })), {
    maxLength: 30,
  })
  .map((pieces) => pieces.join(''))

test('any page has evidence in its documented form, twice the same', () => {
  fc.assert(
    fc.property(html, (page) => {
      const evidence = readPage(page, URL_OF_PAGE, 0)
      assert.deepEqual(PageEvidence.parse(JSON.parse(JSON.stringify(evidence))), evidence)
      assert.deepEqual(readPage(page, URL_OF_PAGE, 0), evidence)
    }),
  )
})

test('any page is a product or has a reason, and states each of its prices', () => {
  fc.assert(
    fc.property(html, (page) => {
      const evidence = readPage(page, URL_OF_PAGE, 0)
      const reason = explainNoProduct(evidence)
      if (reason !== null) {
        assert.throws(() => readProduct(evidence, {}), SyncError)
        return
      }
      const draft = readProduct(evidence, {})
      const ids = (draft.variants ?? []).map(({ externalId }) => externalId)
      assert.equal(new Set(ids).size, ids.length)
      const disputed = (draft.disagreements ?? []).map(({ variantId }) => variantId)
      for (const { variantId = '', amountMinor } of draft.prices ?? []) {
        assert.ok(ids.includes(variantId) && !disputed.includes(variantId))
        assert.ok(amountMinor === null || [200, 1200, 1300, 1400].includes(amountMinor))
      }
      for (const { claims } of draft.disagreements ?? [])
        assert.ok(new Set(claims.map((one) => `${one.amountMinor} ${one.currency}`)).size > 1)
    }),
  )
})

test('the order of variants changes neither their ids nor their prices', () => {
  const code = fc.constantFrom('A', 'B', 'C', undefined)
  const variant = fc.record({
    sku: code,
    mpn: code,
    size: code,
    offers: fc.record({
      price: fc.constantFrom(1, 2),
      priceCurrency: fc.constant('EUR'),
      url: fc.constantFrom('?variant=1', '?variant=2', '/ruby', undefined),
    }),
  })
  const variants = fc.array(variant, { minLength: 1, maxLength: 5 })
  const read = (hasVariant: readonly object[]): string[] => {
    const group = { '@type': 'ProductGroup', name: 'Ruby', hasVariant }
    const page = `<script type="application/ld+json">${JSON.stringify(group)}</script>`
    const { prices = [] } = readProduct(readPage(page, URL_OF_PAGE, 0), {})
    return prices
      .map(({ variantId, amountMinor }) => `${variantId} ${amountMinor}`)
      .toSorted(compare)
  }
  fc.assert(
    fc.property(variants, (all) => {
      assert.deepEqual(read(all.toReversed()), read(all))
    }),
  )
})

test('the address of a page has one spelling', () => {
  const path = fc.array(fc.constantFrom('/', 'a', 'Ü', 'u\u0308', '%C3%BC', '%2f', '+', '//', '%'))
  const query = fc.array(fc.constantFrom('a=1', 'b=2', 'utm_source=x', 'gclid=1', 'ref=z'))
  fc.assert(
    fc.property(path, query, (segments, parameters) => {
      const address = `https://shop.example/${segments.join('')}?${parameters.join('&')}#x`
      const once = toPageAddress(address)
      assert.equal(toPageAddress(once ?? ''), once)
      assert.doesNotMatch(once ?? '', /utm_|gclid|ref=|#|\/$(?<!example\/)/)
    }),
  )
})

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
