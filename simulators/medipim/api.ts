// The endpoints of the Australian API v4: what each takes, and what it answers. Facts that nobody
// could confirm are switches.

import type { Chunks } from '../support/lines.ts'
import type { Catalogue } from './catalogue.ts'
import { disfigure, type MedipimFault } from './faults.ts'
import type { Fields } from './fields.ts'
import { anyOf, compileFilter, type Vocabulary } from './filter.ts'
import { isObject, textOf, type Json, type JsonObject } from './json.ts'
import { listMedia, loadMedia, MEDIA_FILTERS, type MediaRef } from './media-filters.ts'
import { productFilters, type FilterSwitches } from './product-filters.ts'
import { nameOf } from './product.ts'
import type { Term } from './reference.ts'
import { parseSorting, shuffleItems, sortItems } from './sorting.ts'
import type { ProductState } from './state.ts'
import { createSigner, streamLines } from './stream.ts'
import { createChecker, invalid, parseBody, Refusal, type Checker } from './violations.ts'

export interface ApiSwitches extends FilterSwitches {
  /** Whether `meta.total` of a query stops at 10,000. */
  readonly queryTotal: 'real' | 'capped'
  /** What a page beyond the first 10,000 results gives. */
  readonly beyondCap: 'error' | 'empty'
}

export interface Call {
  /** The body, or '' when there is none. */
  readonly text: string
  readonly parameters: URLSearchParams
  readonly keyId: string
  /** Counts the answers: what may differ between two answers to one question depends on it. */
  readonly number: number
  readonly faults: readonly MedipimFault[]
}

export type Answer =
  | { readonly json: Json }
  | { readonly lines: Chunks }
  | { readonly nothing: true }

export interface Api {
  readonly catalogue: Catalogue
  readonly fields: Fields
  readonly switches: () => ApiSwitches
  readonly nowSeconds: () => number
  /** A whole product stream that was made before, to be sent in place of the catalogue's. */
  readonly feed: () => Chunks | null
}

export type Endpoint = (api: Api, call: Call) => Answer

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

function queryProducts(api: Api, call: Call): Answer {
  const body = parseBody(call.text)
  const checker = createChecker()
  const select = productSelector(api, call, body, checker)
  const cut = pageOf(body.page, checker)
  checker.finish()
  return paged(select(), cut, api.switches(), productRenderer(api, call))
}

function streamProducts(api: Api, call: Call): Answer {
  const checker = createChecker()
  const select = productSelector(api, call, parseBody(call.text), checker)
  checker.finish()
  const feed = api.feed()
  if (feed !== null) return { lines: feed }
  const { catalogue } = api
  const touch = (state: ProductState): void => void catalogue.update([catalogue.idOf(state)])
  return streamed({
    items: select(),
    render: productRenderer(api, call),
    faults: call.faults,
    touch,
  })
}

function findProduct(api: Api, call: Call): Answer {
  const id = call.parameters.get('id')
  if (id === null) throw new Refusal(400, 'bad_request', 'The parameter "id" is missing.')
  if (!api.catalogue.has(id)) throw new Refusal(404, 'not_found', 'There is no such product.')
  return { json: { product: productRenderer(api, call)(api.catalogue.find(id)) } }
}

function queryMedia(api: Api, call: Call): Answer {
  const body = parseBody(call.text)
  const checker = createChecker()
  const select = mediaSelector(api, call, body, checker)
  const cut = pageOf(body.page, checker)
  checker.finish()
  return paged(select(), cut, api.switches(), (ref) => loadMedia(api.catalogue, ref))
}

function streamMedia(api: Api, call: Call): Answer {
  const checker = createChecker()
  const select = mediaSelector(api, call, parseBody(call.text), checker)
  checker.finish()
  return streamed({
    items: select(),
    render: (ref) => loadMedia(api.catalogue, ref),
    faults: call.faults,
  })
}

/**
 * Small tables: every part of the body may be left out, and without `page` there is no `meta.page`.
 */
function queryTerms(terms: readonly Term[], call: Call): Answer {
  const {
    filter = { and: [] },
    sorting = { id: 'ASC' },
    page,
  } = call.text === '' ? {} : parseBody(call.text)
  const checker = createChecker()
  const words: Vocabulary<Term> = { id: anyOf(({ id }) => [id]) }
  const matches = compileFilter(filter, words, checker)
  const { descending } = parseSorting(sorting, ['id'], checker)
  const cut = page === undefined ? null : pageOf(page, checker)
  checker.finish()
  const found = sortItems(terms.filter(matches), ({ id }) => id, { descending, seed: 0, salt: 0 })
  if (cut === null) return { json: { meta: { total: found.length }, results: found } }
  return paged(found, cut, { queryTotal: 'real', beyondCap: 'empty' }, (term) => term)
}

/** Checks the question at once; finds and sorts when called. */
function productSelector(
  api: Api,
  call: Call,
  { filter, sorting }: JsonObject,
  checker: Checker,
): () => ProductState[] {
  const { catalogue } = api
  const { seed } = catalogue.world
  const matches = compileFilter(filter, productFilters(api.switches()), checker)
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
    return sortItems(found, (state) => productKey(catalogue, state, key), {
      descending,
      seed,
      salt: call.number,
    })
  }
}

function productKey(catalogue: Catalogue, state: ProductState, key: string): string | number {
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
      return nameOf(catalogue.world.seed, state)
    case 'pbs':
      return textOf(catalogue.build(state, '').pbs)
    default:
      return catalogue.idOf(state)
  }
}

function mediaSelector(
  api: Api,
  call: Call,
  { filter, sorting }: JsonObject,
  checker: Checker,
): () => MediaRef[] {
  const matches = compileFilter(filter, MEDIA_FILTERS, checker)
  const { key, descending } = parseSorting(sorting, MEDIA_SORTS, checker)
  const keyOf = (ref: MediaRef): number =>
    key === 'id' ? ref.id : key === 'createdAt' ? ref.createdAt : ref.touchedAt
  const order = { descending, seed: api.catalogue.world.seed, salt: call.number }
  return () => sortItems(listMedia(api.catalogue, matches), keyOf, order)
}

function productRenderer(api: Api, call: Call): (state: ProductState) => JsonObject {
  const { catalogue } = api
  // The clock may stand still between two answers, but a pre-signed link is never the same twice.
  const sign = createSigner(call.keyId, catalogue.world.seed, api.nowSeconds() + call.number)
  const render = (state: ProductState): JsonObject =>
    catalogue.build(state, sign(catalogue.idOf(state)))
  if (call.faults.length === 0) return render
  return (state) => disfigure(render(state), call.faults, catalogue.world.seed, state.index)
}

interface PageCut {
  readonly no: number
  readonly size: number
}

function pageOf(page: Json | undefined, checker: Checker): PageCut {
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

function paged<Item>(
  found: readonly Item[],
  { no, size }: PageCut,
  switches: CapSwitches,
  render: (item: Item) => JsonObject,
): Answer {
  const offset = no * size
  const beyond = offset >= CAP
  if (beyond && switches.beyondCap === 'error') {
    throw invalid([
      { path: 'page.no', message: `Only the first ${CAP} results can be paged; use the stream.` },
    ])
  }
  const total = switches.queryTotal === 'capped' ? Math.min(found.length, CAP) : found.length
  const results = beyond ? [] : found.slice(offset, offset + size).map(render)
  return { json: { meta: { total, page: { no, offset, size } }, results } }
}

function streamed<Item>(options: Parameters<typeof streamLines<Item>>[0]): Answer {
  return options.items.length === 0 ? { nothing: true } : { lines: streamLines(options) }
}
