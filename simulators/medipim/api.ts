// The endpoints of the Australian API v4. Unconfirmed behaviour is a switch.

import type { Chunks } from '../support/lines.ts'
import type { Catalogue } from './catalogue.ts'
import { distortProduct, type MedipimFault } from './faults.ts'
import type { Fields } from './fields.ts'
import { matchAnyOf, compileFilter, type Vocabulary } from './filter.ts'
import { isObject, toText, type Json, type JsonObject } from './json.ts'
import { listMedia, loadMedia, MEDIA_FILTERS, type MediaRef } from './media-filters.ts'
import { createProductFilters, type FilterSwitches } from './product-filters.ts'
import { makeName } from './product.ts'
import type { Term } from './reference.ts'
import { parseSorting, shuffleItems, sortItems } from './sorting.ts'
import type { ProductState } from './state.ts'
import { createSigner, streamLines } from './stream.ts'
import { createChecker, createInvalid, parseBody, Refusal, type Checker } from './violations.ts'

export interface ApiSwitches extends FilterSwitches {
  /** Value of `meta.total` above 10,000 results of a query. */
  readonly queryTotal: 'real' | 'capped'
  /** Response to a page beyond the first 10,000 results. */
  readonly beyondCap: 'error' | 'empty'
}

export interface Call {
  /** The body, or ''. */
  readonly text: string
  readonly parameters: URLSearchParams
  readonly keyId: string
  /** Number of the response; differences between responses to the same request depend on it. */
  readonly number: number
  readonly faults: readonly MedipimFault[]
}

export type Result =
  | { readonly json: Json }
  | { readonly lines: Chunks }
  | { readonly nothing: true }

export interface Api {
  readonly catalogue: Catalogue
  readonly fields: Fields
  readonly switches: () => ApiSwitches
  readonly nowSeconds: () => number
  /** A prerendered product stream, sent instead of the catalogue. */
  readonly feed: () => Chunks | null
}

export type Endpoint = (api: Api, call: Call) => Result

const CAP = 10_000
const PAGE_SIZES: readonly unknown[] = [10, 50, 100, 250]
const PRODUCT_SORTS = ['id', 'pbs', 'createdAt', 'touchedAt', 'statusTouchedAt', 'status', 'name']
const MEDIA_SORTS = ['id', 'createdAt', 'touchedAt']

export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'POST /v4/products/query': queryProducts,
  'POST /v4/products/stream': streamProducts,
  'GET /v4/products/find': findProduct,
  'GET /v4/products/get-fields': ({ fields }) => ({ json: { fields: [...fields.list()] } }),
  'POST /v4/media/query': queryMedia,
  'POST /v4/media/stream': streamMedia,
  'POST /v4/brands/query': (api, call) => queryTerms(api.catalogue.world.reference.brands, call),
  'POST /v4/organizations/query': (api, call) =>
    queryTerms(api.catalogue.world.reference.organizations, call),
  'POST /v4/public-categories/query': (api, call) =>
    queryTerms(api.catalogue.world.reference.publicCategories, call),
  'POST /v4/product-families/query': (api, call) =>
    queryTerms(api.catalogue.world.reference.productFamilies, call),
  'POST /v4/active-ingredients/query': (api, call) =>
    queryTerms(api.catalogue.world.reference.activeIngredients, call),
}

function queryProducts(api: Api, call: Call): Result {
  const body = parseBody(call.text)
  const checker = createChecker()
  const select = createProductSelector(api, call, body, checker)
  const cut = readPage(body.page, checker)
  checker.finish()
  return toPage(select(), cut, api.switches(), createRenderer(api, call))
}

function streamProducts(api: Api, call: Call): Result {
  const checker = createChecker()
  const select = createProductSelector(api, call, parseBody(call.text), checker)
  checker.finish()
  const feed = api.feed()
  if (feed !== null) return { lines: feed }
  const { catalogue } = api
  const touch = (state: ProductState): void => void catalogue.update([catalogue.idOf(state)])
  return toStream({
    items: select(),
    render: createRenderer(api, call),
    faults: call.faults,
    touch,
  })
}

function findProduct(api: Api, call: Call): Result {
  const id = call.parameters.get('id')
  if (id === null) throw new Refusal(400, 'bad_request', 'The parameter "id" is missing.')
  if (!api.catalogue.has(id)) throw new Refusal(404, 'not_found', 'The product does not exist.')
  return { json: { product: createRenderer(api, call)(api.catalogue.find(id)) } }
}

function queryMedia(api: Api, call: Call): Result {
  const body = parseBody(call.text)
  const checker = createChecker()
  const select = createMediaSelector(api, call, body, checker)
  const cut = readPage(body.page, checker)
  checker.finish()
  return toPage(select(), cut, api.switches(), (ref) => loadMedia(api.catalogue, ref))
}

function streamMedia(api: Api, call: Call): Result {
  const checker = createChecker()
  const select = createMediaSelector(api, call, parseBody(call.text), checker)
  checker.finish()
  return toStream({
    items: select(),
    render: (ref) => loadMedia(api.catalogue, ref),
    faults: call.faults,
  })
}

/** For small tables every member of the body is optional; without `page`, `meta.page` is absent. */
function queryTerms(terms: readonly Term[], call: Call): Result {
  const {
    filter = { and: [] },
    sorting = { id: 'ASC' },
    page,
  } = call.text === '' ? {} : parseBody(call.text)
  const checker = createChecker()
  const words: Vocabulary<Term> = { id: matchAnyOf(({ id }) => [id]) }
  const matches = compileFilter(filter, words, checker)
  const { descending } = parseSorting(sorting, ['id'], checker)
  const cut = page === undefined ? null : readPage(page, checker)
  checker.finish()
  const found = sortItems(terms.filter(matches), ({ id }) => id, { descending, seed: 0, salt: 0 })
  if (cut === null) return { json: { meta: { total: found.length }, results: found } }
  return toPage(found, cut, { queryTotal: 'real', beyondCap: 'empty' }, (term) => term)
}

/** Checks the request at once; the returned function finds and sorts. */
function createProductSelector(
  api: Api,
  call: Call,
  { filter, sorting }: JsonObject,
  checker: Checker,
): () => ProductState[] {
  const { catalogue } = api
  const { seed } = catalogue.world
  const matches = compileFilter(filter, createProductFilters(api.switches()), checker)
  const { key, descending } = parseSorting(sorting, PRODUCT_SORTS, checker)
  return () => {
    const found = catalogue.visible().filter((state) => {
      let built: JsonObject | null = null
      return matches({
        id: catalogue.idOf(state),
        state,
        product: () => (built ??= catalogue.build(state, '')),
      })
    })
    if (call.faults.some(({ kind }) => kind === 'unsorted')) return shuffleItems(found, seed)
    return sortItems(found, (state) => readSortKey(catalogue, state, key), {
      descending,
      seed,
      salt: call.number,
    })
  }
}

function readSortKey(catalogue: Catalogue, state: ProductState, key: string): string | number {
  switch (key) {
    case 'touchedAt':
      return state.updatedAt
    case 'createdAt':
      return state.createdAt
    case 'statusTouchedAt':
      return state.statusTouchedAt
    case 'status':
      return state.status
    case 'name':
      return makeName(catalogue.world.seed, state)
    case 'pbs':
      return toText(catalogue.build(state, '').pbs)
    default:
      return catalogue.idOf(state)
  }
}

function createMediaSelector(
  api: Api,
  call: Call,
  { filter, sorting }: JsonObject,
  checker: Checker,
): () => MediaRef[] {
  const matches = compileFilter(filter, MEDIA_FILTERS, checker)
  const { key, descending } = parseSorting(sorting, MEDIA_SORTS, checker)
  const keyOf = (ref: MediaRef): number =>
    key === 'id' ? ref.id : key === 'createdAt' ? ref.createdAt : ref.touchedAt
  const options = { descending, seed: api.catalogue.world.seed, salt: call.number }
  return () => sortItems(listMedia(api.catalogue, matches), keyOf, options)
}

function createRenderer(api: Api, call: Call): (state: ProductState) => JsonObject {
  const { catalogue } = api
  // The clock may stand still between two responses, but every pre-signed link is unique.
  const sign = createSigner(call.keyId, catalogue.world.seed, api.nowSeconds() + call.number)
  const render = (state: ProductState): JsonObject =>
    catalogue.build(state, sign(catalogue.idOf(state)))
  if (call.faults.length === 0) return render
  return (state) => distortProduct(render(state), call.faults, catalogue.world.seed, state.index)
}

interface PageCut {
  readonly no: number
  readonly size: number
}

function readPage(page: Json | undefined, checker: Checker): PageCut {
  if (!isObject(page)) {
    checker.fail(
      'page',
      page === undefined ? 'This value is required.' : 'This value is {"no", "size"}.',
    )
    return { no: 0, size: 100 }
  }
  const { no = 0, size = 100 } = page
  if (!Number.isInteger(no) || Number(no) < 0)
    checker.fail('page.no', 'This value is a whole number from 0.')
  if (!PAGE_SIZES.includes(size))
    checker.fail('page.size', 'This value is one of 10, 50, 100, 250.')
  return { no: Number(no), size: Number(size) }
}

type CapSwitches = Pick<ApiSwitches, 'queryTotal' | 'beyondCap'>

function toPage<Item>(
  found: readonly Item[],
  { no, size }: PageCut,
  switches: CapSwitches,
  render: (item: Item) => JsonObject,
): Result {
  const offset = no * size
  const beyond = offset >= CAP
  if (beyond && switches.beyondCap === 'error') {
    throw createInvalid([
      { path: 'page.no', message: `Only the first ${CAP} results can be paged; use the stream.` },
    ])
  }
  const total = switches.queryTotal === 'capped' ? Math.min(found.length, CAP) : found.length
  const results = beyond ? [] : found.slice(offset, offset + size).map(render)
  return { json: { meta: { total, page: { no, offset, size } }, results } }
}

function toStream<Item>(options: Parameters<typeof streamLines<Item>>[0]): Result {
  return options.items.length === 0 ? { nothing: true } : { lines: streamLines(options) }
}
