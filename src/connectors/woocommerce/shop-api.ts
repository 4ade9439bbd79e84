// The two APIs of a shop behind one interface: the public Store API, and the REST API with the keys of
// the owner.

import type { FetchRequest } from '../../core/connector.ts'
import type { Http } from '../../core/http.ts'
import { refuseComingSoon } from './coming-soon.ts'
import type { WoocommerceCredentials } from './credentials.ts'
import { readMember, type Item, type ListPage } from './documents.ts'
import { ProductLists, type Ask, type ListApi } from './list.ts'
import { askingWithKeys } from './rest/asking.ts'
import { toKeyError } from './rest/key-error.ts'
import { PRODUCT_FIELDS } from './rest/records.ts'
import { readShopFacts } from './rest/shop.ts'
import { readRestVariations } from './rest/variations.ts'
import type { WoocommerceSettings } from './settings.ts'
import { readVariations, type Variations } from './variations.ts'

type Request = FetchRequest<WoocommerceSettings, WoocommerceCredentials>
type Access = Pick<Request, 'settings' | 'credentials' | 'http'>

/** The requests of a fetch. Every method throws SyncError `source/…`. */
export interface ShopApi {
  readonly lists: ProductLists
  /** Facts that are added to each record; null when the records state them. */
  readonly facts: object | null
  /** Refuses a shop that is closed to visitors. `page` is one of its public pages. */
  refuseClosed(page: string): Promise<void>
  requestNamed(ids: readonly string[]): Promise<ListPage>
  readVariations(page: ListPage, products: readonly Item[]): Promise<Variations>
  /** Returns the latest time of a change, in epoch milliseconds, or null without one. */
  newestOf(page: ListPage, products: readonly Item[], before: number | null): number | null
}

export async function openApi(request: Request, signal: AbortSignal): Promise<ShopApi> {
  const { settings, http, scope, warn } = request
  const api = listApiOf(request, signal, scope)
  const lists = new ProductLists(api, settings, warn)
  const named = (ids: readonly string[]): string => `include=${ids.join(',')}`
  if (settings.access === 'store')
    return {
      lists,
      facts: null,
      refuseClosed: (page) => refuseComingSoon(asking(http, signal), page),
      requestNamed: (ids) => lists.request(named(ids), 'named products'),
      readVariations: (page, products) => readVariations(lists, page, products),
      newestOf: () => null,
    }
  return {
    lists,
    facts: await readShopFacts(api.ask, settings, warn),
    // The owner has given the keys, also before the shop opens.
    refuseClosed: () => Promise.resolve(),
    requestNamed: (ids) =>
      lists.request(`${named(ids)}&status=any&_fields=${PRODUCT_FIELDS}`, 'named products'),
    readVariations: (page, products) => readRestVariations(lists, page, products),
    newestOf,
  }
}

/** The list of the API that the settings choose. @throws SyncError `settings/invalid` without keys */
export function listApiOf(
  { settings, credentials, http }: Access,
  signal: AbortSignal,
  scope: Request['scope'] = { kind: 'all' },
): ListApi {
  const { namespace } = settings
  if (settings.access === 'store')
    return { ask: asking(http, signal), namespace, filter: 'catalog_visibility=visible' }
  const since =
    scope.kind === 'since'
      ? `&modified_after=${new Date(scope.sinceMs - 1_000).toISOString().slice(0, 19)}&dates_are_gmt=true`
      : ''
  return {
    ask: askingWithKeys(http, settings, credentials, signal),
    namespace: 'wc/v3',
    filter: `status=any&_fields=${PRODUCT_FIELDS}${since}`,
    toError: toKeyError,
  }
}

/** GET requests without cookies and Accept-Language, which can change the prices. */
function asking(http: Http, signal: AbortSignal): Ask {
  return (url) => http({ url, headers: { accept: 'application/json, text/html;q=0.5' } }, signal)
}

const INSTANT = /^"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})"$/

function newestOf(
  { bytes }: ListPage,
  products: readonly Item[],
  before: number | null,
): number | null {
  let newestMs = before
  for (const product of products) {
    const [, text] = INSTANT.exec(readMember(bytes, product, 'date_modified_gmt') ?? '') ?? []
    const epochMs = Date.parse(`${text}Z`)
    if (!Number.isNaN(epochMs)) newestMs = Math.max(newestMs ?? epochMs, epochMs)
  }
  return newestMs
}
