// Recognises a WooCommerce shop. WordPress names the address of its API in a header or a link of
// each page; plugins that hide it are common, so the usual paths are tried too.

import { z } from 'zod'
import type { Recognition } from '../../core/connector.ts'
import { hasAction, SyncError } from '../../core/errors.ts'
import type { Http, HttpResponse } from '../../core/http.ts'
import { readJson } from '../../lib/read-json.ts'
import { readStart } from '../../lib/bot-challenge.ts'
import { toSlug } from '../../lib/text.ts'
import { readListPage } from './documents.ts'
import { failureOf } from './errors.ts'
import { NAMESPACES, toApiUrl, WoocommerceSettings } from './settings.ts'
import { textOf } from './texts.ts'

const PAGE_BYTES_MAX = 512 * 1024
const INDEX_BYTES_MAX = 1024 * 1024

const Index = z.object({ name: z.string() })

/** One place in which the API may be. */
type Root = Pick<WoocommerceSettings, 'url' | 'restPath'>

/**
 * Returns the settings of the shop at `address`, or null without a sign of WooCommerce.
 *
 * @throws SyncError `source/…` when the site is one of WordPress whose API cannot be read, or when it
 * does not respond
 */
export async function recognise(
  address: URL,
  http: Http,
  signal: AbortSignal,
): Promise<Recognition<WoocommerceSettings> | null> {
  const ask = (url: string, accept: string): Promise<HttpResponse> =>
    http({ url, headers: { accept } }, signal)
  const page = await ask(address.href, 'text/html')
  const failure = await failureOf(page, address.host)
  if (failure !== null && failure.error.code !== 'source/gone') throw failure.error
  const html = failure === null ? await readStart(page.body, PAGE_BYTES_MAX) : ''
  await page.cancel()
  const stated = findStatedRoot(page, html)
  const roots = stated === null ? guessRoots(new URL(page.url)) : [stated]
  let refusal: SyncError | null = null
  for (const root of roots) {
    for (const namespace of NAMESPACES) {
      const found = await tryRoot({ ...root, namespace })
      if (found === true)
        return {
          suggestedName: await nameShop(root),
          settings: WoocommerceSettings.parse({ ...root, namespace }),
        }
      if (found.code !== 'source/gone' && found.code !== 'source/malformed') refusal ??= found
    }
  }
  // A site that does not name an API may refuse these paths as it refuses any other.
  if (refusal !== null && (stated !== null || refusal.action === 'retry')) throw refusal
  return null

  async function tryRoot(root: Root & { readonly namespace: string }): Promise<true | SyncError> {
    const url = toApiUrl(root, `${root.namespace}/products`, 'per_page=1')
    const { host } = new URL(url)
    try {
      await readListPage(await ask(url, 'application/json'), `${host}, ${root.namespace}/products,`)
      return true
    } catch (error) {
      if (error instanceof SyncError && error.code !== 'run/cancelled') return error
      throw error
    }
  }

  /** The name that the site states, or that of its host. */
  async function nameShop(root: Root): Promise<string> {
    const host = toSlug(new URL(root.url).host.replace(/^www\./, ''))
    try {
      const response = await ask(toApiUrl(root, '', '_fields=name'), 'application/json')
      const { name } = await readJson(response, Index, INDEX_BYTES_MAX)
      return toSlug(textOf(name) ?? '') || host
    } catch (error) {
      if (hasAction(error, 'stop') && error.code !== 'run/cancelled') return host
      throw error
    }
  }
}

/**
 * Returns the root that a page of WordPress states in its header `Link` or in a link element:
 * https://developer.wordpress.org/rest-api/using-the-rest-api/discovery/
 */
function findStatedRoot(page: HttpResponse, html: string): Root | null {
  const header = /<([^<>]+)>;\s*rel="https:\/\/api\.w\.org\/"/.exec(page.headers.get('link') ?? '')
  const tag = /<link\b[^>]*\brel=["']https:\/\/api\.w\.org\/["'][^>]*>/i.exec(html)?.[0] ?? ''
  const text = header?.[1] ?? /\bhref=["']([^"']+)["']/i.exec(tag)?.[1] ?? null
  const root = text === null ? null : URL.parse(textOf(text) ?? '', page.url)
  // An API on another host may belong to another owner.
  if (!root || root.host !== new URL(page.url).host) return null
  const { origin } = new URL(page.url)
  if (root.searchParams.has('rest_route')) {
    const path = root.pathname.replace(/\/(index\.php)?$/, '')
    return { url: `${origin}${path}`, restPath: '/?rest_route=' }
  }
  const [, path = '', rest = ''] =
    /^(.*?)((?:\/index\.php)?\/[\w.-]+)\/?$/.exec(root.pathname) ?? []
  return rest === '' ? null : { url: `${origin}${path}`, restPath: rest }
}

/** The usual paths, in the folder of the address and at the top of the site. */
function guessRoots({ origin, pathname }: URL): Root[] {
  const folder = pathname.replace(/\/+[^/]*$/, '')
  const urls = new Set([origin, `${origin}${folder}`])
  return [...urls].flatMap((url) =>
    ['/wp-json', '/?rest_route='].map((restPath) => ({ url, restPath })),
  )
}
