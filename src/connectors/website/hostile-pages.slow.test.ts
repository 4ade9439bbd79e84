// Hostile pages are read in time that is linear in their length, with evidence of limited size. The
// time limit of each test is a hundred times what it takes, and ends one that is quadratic.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedDraft } from '../../core/bounded-draft.ts'
import { defineConnector } from '../../core/define-connector.ts'
import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { PageEvidence } from './evidence.ts'
import { isScriptShell } from './script-shell.ts'
import { readSitemap } from './sitemap.ts'
import { explainNoProduct, identifyPage, readProduct } from './product.ts'
import { HTML_CHARS_MAX, readPage } from './read-page.ts'

const EVIDENCE_CHARS_MAX = 8_000_000
const RUBY = { '@type': 'Product', name: 'Ruby', offers: { price: '1', priceCurrency: 'EUR' } }
const PRODUCT = toScript(JSON.stringify(RUBY))

const reader = defineConnector({
  name: 'pages',
  settings: z.object({ currency: z.string().optional() }),
  record: PageEvidence,
  unwrap: (line) => line,
  identify: identifyPage,
  normalise: readProduct,
  async *fetch() {},
})

const PAGES: Readonly<Record<string, () => string>> = {
  'elements nested 100,000 deep': () => `${'<div>'.repeat(1e5)}${PRODUCT}`,
  'items nested 100,000 deep': () =>
    '<div itemscope itemprop="offers" itemtype="http://schema.org/Product">'.repeat(1e5),
  'properties nested 100,000 deep': () =>
    `<div itemscope itemtype="http://schema.org/Product">${'<b itemprop="name">x'.repeat(1e5)}`,
  'end tags that close nothing': () =>
    `<span><div>${'<i>'.repeat(1e5)}${'</span>'.repeat(1e5)}${'</b>'.repeat(1e5)}`,
  'list items and tables that are never closed': () =>
    '<ul><li><p>'.repeat(1e5) + '<table><tr><td>'.repeat(1e5),
  'hidden elements that are never closed': () => '<svg><template>'.repeat(1e5) + PRODUCT,
  '10 MB of scripts': () => `<script>${'a=1;'.repeat(250)}</script>`.repeat(10_000) + PRODUCT,
  '100,000 blocks of JSON-LD': () => PRODUCT.repeat(1e5),
  '100,000 blocks that are not JSON': () => toScript('{"a":[[["').repeat(1e5),
  'JSON nested a million deep': () => toScript('['.repeat(1e6) + ']'.repeat(1e6)),
  'graphs nested 100,000 deep': () => toScript(`${'{"@graph":'.repeat(1e5)}1${'}'.repeat(1e5)}`),
  'references that double at each step': () =>
    toScript(
      JSON.stringify(
        Array.from({ length: 60 }, (_, index) => ({
          '@type': 'ProductGroup',
          '@id': `#${index}`,
          name: `Ruby ${index}`,
          hasVariant: [{ '@id': `#${index + 1}` }, { '@id': `#${index + 2}` }],
        })),
      ),
    ),
  '30,000 variants': () => toGroup(30_000, (index) => ({ sku: `s${index}` })),
  'variants with a different property each': () =>
    toGroup(5_000, (index) => ({
      sku: 'x',
      additionalProperty: [{ name: `p${index}`, value: 'v' }],
    })),
  '4,000 variants, described twice': () =>
    toGroup(4_000, (index) => ({ sku: `s${index}` })).repeat(2),
  '60,000 products': () =>
    '<div itemscope itemtype="http://schema.org/Product"><b itemprop="name">x</b></div>'.repeat(
      6e4,
    ),
  'a string of backslashes': () => toScript(`{"a":"${'\\'.repeat(3e6)}`),
  'commas, slashes and openings of comments': () =>
    [',', '/', '/*', '<![CDATA[', '<!--'].map((text) => toScript(text.repeat(3e5))).join(''),
  'markup in a name and a description': () =>
    toScript(
      JSON.stringify({ ...RUBY, name: '<b>'.repeat(5e5), description: '&lt;p&gt;'.repeat(5e5) }),
    ),
  'a million attributes': () => `<a ${'x="y" '.repeat(1e6)}>`,
  'openings of tags and entities': () => '<'.repeat(3e6) + '&amp'.repeat(1e6),
  '200,000 meta tags': () => '<meta property="og:image" content="x">'.repeat(2e5),
  'a long price': () => toScript(JSON.stringify({ ...RUBY, offers: { price: '1 0'.repeat(600) } })),
}

for (const [name, write] of Object.entries(PAGES))
  test(`${name} are read in linear time`, { timeout: 60_000 }, () => {
    const evidence = readPage(write(), 'https://shop.example/ruby', 0)
    assert.ok(JSON.stringify(evidence).length < EVIDENCE_CHARS_MAX)
    if (explainNoProduct(evidence) === null) boundedDraft(reader.normalise(evidence, {}))
  })

test('the price of an item beyond the limit is not that of the item around it', () => {
  const related = '<b itemscope itemprop="isRelatedTo"></b>'.repeat(20_000)
  const offer = '<i itemprop="offers" itemscope><meta itemprop="price" content="9"></i>'
  const html = `<div itemscope itemtype="http://schema.org/Product">${related}${offer}</div>`
  const { items } = readPage(html, 'https://shop.example/ruby', 0)
  assert.equal(items[0]?.item.properties.price, undefined)
})

test('the end of a page that is too long is left out, with a problem', () => {
  const html = ' '.repeat(HTML_CHARS_MAX) + PRODUCT
  const { items, problems } = readPage(html, 'https://shop.example/ruby', 0)
  assert.deepEqual(items, [])
  assert.match(problems.join(), /Only the first 8000000 characters/)
})

const SHELLS = {
  scripts: '<script>'.repeat(1e5),
  brackets: `<script></script>${'<'.repeat(1e6)}`,
  bodies: '<script><body'.repeat(1e5),
}

for (const [name, html] of Object.entries(SHELLS))
  test(`the text of a page of ${name} is measured in linear time`, { timeout: 60_000 }, () => {
    isScriptShell(html)
  })

const SITEMAPS = {
  'roots that are never closed': '<urlset '.repeat(5e5),
  'comments that are never closed': `<urlset><url>${'<!--'.repeat(9e5)}</url>`,
  'entries that are never closed': `<urlset>${'<url><loc>http://a.example/</loc>'.repeat(1e5)}`,
  'prefixes without a root': `<${'a-'.repeat(1e6)}`,
}

for (const [name, xml] of Object.entries(SITEMAPS))
  test(`a sitemap of ${name} is refused in linear time`, { timeout: 60_000 }, async () => {
    const bytes = new TextEncoder().encode(xml)
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    }
    await assert.rejects(Array.fromAsync(readSitemap(body(), 'The sitemap')), SyncError)
  })

function toScript(json: string): string {
  return `<script type="application/ld+json">${json}</script>`
}

function toGroup(count: number, describe: (index: number) => object): string {
  const hasVariant = Array.from({ length: count }, (_, index) => ({
    ...RUBY,
    ...describe(index),
  }))
  return toScript(JSON.stringify({ '@type': 'ProductGroup', name: 'Ruby', hasVariant }))
}
