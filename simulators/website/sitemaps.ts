// The sitemaps and robots.txt of a simulated site.

import type { SiteProduct } from './product.ts'
import { escape } from './pages.ts'
import type { State } from './responses.ts'

/** The times of changes in sitemaps: right, always now, always the same, or none. */
export type Lastmod = 'right' | 'now' | 'frozen' | 'none'

export interface SitemapFile {
  readonly xml: string
  readonly isZipped: boolean
}

export function renderRobots({ origin, switches }: State): string {
  const { robots, sitemap } = switches
  const stated =
    sitemap === 'none' || sitemap === 'unstated' ? [] : [`Sitemap: ${origin}${rootOf(sitemap)}`]
  const foreign = switches.foreignSitemap === null ? [] : [`Sitemap: ${switches.foreignSitemap}`]
  return ['User-agent: *', 'Disallow: /cart', ...robots, '', ...stated, ...foreign, ''].join('\n')
}

function rootOf(sitemap: string): string {
  return sitemap === 'index' || sitemap === 'gz' ? '/sitemap_index.xml' : '/sitemap.xml'
}

/** Returns the sitemap at a path, or null. */
export function findSitemap(path: string, state: State): SitemapFile | null {
  const { sitemap } = state.switches
  if (sitemap === 'none') return null
  if (sitemap === 'single' || sitemap === 'unstated')
    return path === '/sitemap.xml' ? { xml: renderAll(state), isZipped: false } : null
  const end = sitemap === 'gz' ? '.xml.gz' : '.xml'
  if (path === '/sitemap_index.xml') return { xml: renderIndex(state, end), isZipped: false }
  const [, kind, number = '1'] =
    /^\/sitemaps\/(pages|products)-?(\d*)\.xml(?:\.gz)?$/.exec(path) ?? []
  if (kind === undefined || !path.endsWith(end)) return null
  const isZipped = sitemap === 'gz'
  if (kind === 'pages')
    return {
      xml: renderUrls(
        state.others.map((one) => ({ path: one })),
        state,
      ),
      isZipped,
    }
  const from = (Number(number) - 1) * state.switches.perSitemap
  const listed = listProducts(state).slice(from, from + state.switches.perSitemap)
  return listed.length === 0 ? null : { xml: renderUrls(listed, state), isZipped }
}

function renderAll(state: State): string {
  const others = state.others.map((path): Row => ({ path }))
  return renderUrls([...others, ...listProducts(state)], state)
}

interface Row {
  readonly path: string
  readonly product?: SiteProduct
}

function listProducts({ catalogue, switches }: State): Row[] {
  const products = catalogue.products()
  return (switches.isReversed ? products.toReversed() : products).flatMap((product) => {
    const path = switches.productPath + product.slug
    const alias = { path: `${path}?view=all`, product }
    return switches.aliases === 'none' ? [{ path, product }] : [{ path, product }, alias]
  })
}

function renderUrls(rows: readonly Row[], { origin, switches }: State): string {
  const urls = rows.map(({ path, product }) => {
    const lastmod = toLastmod(product, switches.lastmod)
    const image =
      product === undefined
        ? ''
        : `<image:image><image:loc>${origin}/images/${product.slug}.jpg</image:loc></image:image>`
    return `<url><loc>${escape(origin + path)}</loc>${lastmod === null ? '' : `<lastmod>${lastmod}</lastmod>`}${image}</url>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n${urls.join('\n')}\n</urlset>\n`
}

function toLastmod(product: SiteProduct | undefined, kind: Lastmod): string | null {
  if (kind === 'none' || product === undefined) return null
  if (kind === 'frozen') return '2020-01-01'
  return new Date(kind === 'now' ? Date.now() : product.changedMs).toISOString()
}

function renderIndex(state: State, end: string): string {
  const files = Math.ceil(listProducts(state).length / state.switches.perSitemap)
  const names = ['pages', ...Array.from({ length: files }, (_, index) => `products-${index + 1}`)]
  const rows = names.map(
    (name) => `<sitemap><loc>${state.origin}/sitemaps/${name}${end}</loc></sitemap>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${rows.join('')}</sitemapindex>`
}
