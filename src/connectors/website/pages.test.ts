// Pages in the shapes of real shops, each with the product that it shows or the reason for none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXTRACTOR_VERSION } from './evidence.ts'
import { identifyPage, readProduct } from './product.ts'
import { readPage } from './read-page.ts'

test('a page with a product in JSON-LD is a product with the address of the page', () => {
  const evidence = readPage(
    `<html lang="de"><title>Ruby &amp; Co</title><h1>Ruby</h1><script type="application/ld+json">
    {"@type":"Product","name":"Ruby","offers":{"price":"12.00","priceCurrency":"EUR"},}</script>
    <div itemscope itemtype="http://schema.org/Product"><h2 itemprop="name">Ruby</h2></div>`,
    'https://shop.example/ruby/?utm_source=x',
    null,
  )
  assert.equal(identifyPage(evidence), 'https://shop.example/ruby')
  assert.equal(readProduct(evidence, {}).title, 'Ruby')
  assert.equal(evidence.items.length, 2)
  assert.equal(EXTRACTOR_VERSION, 1)
})
