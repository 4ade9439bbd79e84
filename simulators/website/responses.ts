// The responses of a simulated site to one request.

import { createHash } from 'node:crypto'
import type { SiteCatalogue } from './catalogue.ts'
import { renderProduct, renderText, type Notation } from './pages.ts'
import type { PublicKey } from './signatures.ts'
import { findSitemap, renderRobots, type Lastmod } from './sitemaps.ts'

/** Options that can be changed while the site runs. */
export interface SiteSwitches {
  readonly notation?: Notation
  /** The folder of the pages of products. */
  readonly productPath?: string
  /** `unstated`: not in robots.txt. */
  readonly sitemap?: 'index' | 'gz' | 'single' | 'unstated' | 'none'
  /** Addresses in each sitemap of an index. */
  readonly perSitemap?: number
  readonly lastmod?: Lastmod
  /** Lines of the group of all programs in robots.txt. */
  readonly robots?: readonly string[]
  /** The status of robots.txt. */
  readonly robotsStatus?: number
  /** A sitemap on another host that robots.txt names. */
  readonly foreignSitemap?: string | null
  /** Validators that pages send and honour. */
  readonly validators?: 'both' | 'etag' | 'last-modified' | 'none'
  /** Sitemaps list a second address of each product, which redirects or states the first one. */
  readonly aliases?: 'none' | 'redirect' | 'canonical'
  /** Sitemaps list the newest products first. */
  readonly isReversed?: boolean
  /** Pages state their canonical address. */
  readonly canonical?: boolean
  /** Pages that do not exist respond 200. */
  readonly softMissing?: boolean
  /** Pages of products redirect to `/moved/…`. */
  readonly moved?: boolean
  /** Requests without a signature of this key are refused. */
  readonly signedBy?: PublicKey | null
}

/** A site as it is during one request. */
export interface State {
  readonly switches: Required<SiteSwitches>
  readonly catalogue: SiteCatalogue
  readonly origin: string
  /** Paths of pages of other kinds. */
  readonly others: readonly string[]
}

export interface Asked {
  readonly location: URL
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface Content {
  readonly status?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  readonly isZipped?: boolean
}

export function createContent({ location, headers }: Asked, state: State): Content {
  const { pathname } = location
  if (pathname === '/robots.txt')
    return { status: state.switches.robotsStatus, type: 'text/plain', body: renderRobots(state) }
  const file = findSitemap(pathname, state)
  if (file !== null)
    return {
      type: file.isZipped ? 'application/gzip' : 'application/xml',
      body: file.xml,
      isZipped: file.isZipped,
    }
  const page = createPage({ location, headers }, state)
  return page.status === undefined ? withValidators(page, headers, state) : page
}

function createPage({ location, headers }: Asked, state: State): Content {
  const { switches, catalogue, origin, others } = state
  const { pathname } = location
  if (pathname === '/') return { body: renderText('A shop', 'Welcome') }
  if (pathname === '/loop') return { status: 302, headers: { location: '/loop' }, body: '' }
  if (pathname === '/account/login') return { body: renderText('Log in', 'Your password') }
  if (others.includes(pathname)) return { body: renderText(`About ${pathname}`, 'Some words') }
  const folder = pathname.startsWith('/moved/') ? '/moved/' : switches.productPath
  const product = pathname.startsWith(folder) ? catalogue.find(pathname.slice(folder.length)) : null
  if (product === null) {
    const body = renderText('Page not found', 'Nothing is here')
    return switches.softMissing ? { body } : { status: 404, body }
  }
  const address = `${origin}${switches.productPath}${product.slug}`
  if (switches.moved && folder !== '/moved/')
    return { status: 301, headers: { location: `/moved/${product.slug}` }, body: '' }
  if (location.search !== '' && switches.aliases === 'redirect')
    return { status: 301, headers: { location: pathname }, body: '' }
  return {
    body: renderProduct(product, {
      origin,
      notation: switches.notation,
      canonical: switches.canonical ? address : null,
      token: `t${catalogue.version}`,
      isRendered: headers['user-agent']?.includes('FirecrawlSimulator') ?? false,
    }),
  }
}

function withValidators(
  page: Content,
  headers: Asked['headers'],
  { switches: { validators } }: State,
): Content {
  const hash = createHash('sha256').update(page.body).digest('hex').slice(0, 16)
  const etag = `W/"${hash}"`
  // A time that stands for the contents: another text has another one.
  const changed = new Date(
    1_700_000_000_000 + Number.parseInt(hash.slice(0, 8), 16) * 10,
  ).toUTCString()
  const own = {
    ...((validators === 'both' || validators === 'etag') && { etag }),
    ...((validators === 'both' || validators === 'last-modified') && { 'last-modified': changed }),
  }
  const known = headers['if-none-match'] ?? headers['if-modified-since']
  const isKnown =
    known !== undefined &&
    known === (headers['if-none-match'] === undefined ? own['last-modified'] : own.etag)
  return isKnown ? { status: 304, headers: own, body: '' } : { ...page, headers: own }
}
