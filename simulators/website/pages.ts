// The HTML of a simulated site: pages of products in several notations, and others.

import type { SiteProduct } from './product.ts'

export type Notation = 'json-ld' | 'microdata' | 'open-graph' | 'script'

export interface PageContext {
  readonly origin: string
  readonly notation: Notation
  readonly canonical: string | null
  /** Changes without meaning. */
  readonly token: string
  /** The page is requested by a browser that runs scripts. */
  readonly isRendered: boolean
}

const FILLER =
  '<p>Shipping takes two days – returns are free. Öffnungszeiten: 9–17 Uhr.</p>\n'.repeat(200)

export function renderProduct(product: SiteProduct, context: PageContext): string {
  const { notation, isRendered, token } = context
  if (notation === 'script' && !isRendered)
    return `<!doctype html><html lang="en"><head><title>Shop</title><script src="/app.js?v=${token}"></script></head><body><div id="root"></div></body></html>`
  const { name } = product
  const image = `${context.origin}/images/${product.slug}.jpg`
  const head = [
    `<title>${escape(name)}</title>`,
    `<meta name="csrf-token" content="${token}">`,
    context.canonical === null ? '' : `<link rel="canonical" href="${context.canonical}">`,
    notation === 'json-ld' || notation === 'script' ? renderJsonLd(product, image) : '',
    notation === 'open-graph' ? renderOpenGraph(product, image) : '',
  ]
  const isMicrodata = notation === 'microdata' || product.shownPriceMinor !== null
  const body = isMicrodata
    ? renderMicrodata(product, image)
    : `<h1>${escape(name)}</h1><p>${escape(product.description)}</p>`
  return renderDocument(head.join('\n'), body)
}

/** A page of any other kind. */
export function renderText(title: string, text: string): string {
  return renderDocument(
    `<title>${escape(title)}</title>`,
    `<h1>${escape(title)}</h1><p>${escape(text)}</p>`,
  )
}

function renderDocument(head: string, body: string): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n${head}\n</head>\n<body>\n${FILLER}${body}\n</body>\n</html>\n`
}

function renderJsonLd(product: SiteProduct, image: string): string {
  const { isSpoiled, name, description, brand, sku, currency, isInStock, priceMinor } = product
  const node = {
    '@context': 'https://schema.org/',
    '@type': 'Product',
    name,
    description,
    image: [image],
    brand: { '@type': 'Brand', name: brand },
    sku,
    offers: {
      '@type': 'Offer',
      price: toDecimal(priceMinor),
      priceCurrency: currency,
      availability: `https://schema.org/${isInStock ? 'InStock' : 'OutOfStock'}`,
    },
  }
  const text = JSON.stringify(node).replaceAll('</', String.raw`<\/`)
  return `<script type="application/ld+json">${isSpoiled ? text.slice(0, -20) : text}</script>`
}

function renderMicrodata(product: SiteProduct, image: string): string {
  const price = toDecimal(product.shownPriceMinor ?? product.priceMinor)
  return `<div itemscope itemtype="https://schema.org/Product">
<h1 itemprop="name">${escape(product.name)}</h1><img itemprop="image" src="${image}" alt="">
<p itemprop="description">${escape(product.description)}</p><meta itemprop="sku" content="${product.sku}">
<div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><span itemprop="price" content="${price}">${price}</span>
<meta itemprop="priceCurrency" content="${product.currency}"><link itemprop="availability" href="https://schema.org/${product.isInStock ? 'InStock' : 'OutOfStock'}"></div></div>`
}

function renderOpenGraph(product: SiteProduct, image: string): string {
  return [
    ['og:type', 'product'],
    ['og:title', product.name],
    ['og:image', image],
    ['product:price:amount', toDecimal(product.priceMinor)],
    ['product:price:currency', product.currency],
  ]
    .map(([name, content = '']) => `<meta property="${name}" content="${escape(content)}">`)
    .join('\n')
}

function toDecimal(minor: number): string {
  return (minor / 100).toFixed(2)
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
