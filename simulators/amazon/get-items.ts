// The operation getItems: checks the request as the documentation describes it, and responds 200
// with items and errors, or 404 when no item is known.

import type { IncomingMessage } from 'node:http'
import { mix } from '../support/random.ts'
import type { Throttle } from '../support/throttle.ts'
import { refuse, throttle, type Answer } from './answers.ts'
import { renderItem, type AmazonItem } from './product.ts'
import { listMarketplaces } from './marketplaces.ts'
import type { AmazonSwitches } from './switches.ts'
import type { Tokens } from './tokens.ts'

const SIZES = ['small', 'medium', 'large', 'highRes']
const under = (parent: string, names: string): string[] =>
  names.split(' ').map((name) => `${parent}.${name}`)

/** The 34 resources of the documentation. A parent, such as `offersV2`, is none. */
const RESOURCES: ReadonlySet<string> = new Set([
  ...under('browseNodeInfo', 'browseNodes browseNodes.ancestor browseNodes.salesRank'),
  'browseNodeInfo.websiteSalesRank',
  ...under('customerReviews', 'count starRating'),
  ...['images.primary', 'images.variants'].flatMap((parent) => under(parent, SIZES.join(' '))),
  ...under('itemInfo', 'byLineInfo contentInfo contentRating classifications externalIds'),
  ...under('itemInfo', 'features manufactureInfo productInfo technicalInfo title tradeInInfo'),
  ...under('offersV2.listings', 'availability condition dealDetails isBuyBoxWinner'),
  ...under('offersV2.listings', 'loyaltyPoints merchantInfo price type'),
  'parentASIN',
])

export interface State {
  readonly switches: Required<AmazonSwitches>
  readonly tokens: Tokens
  readonly perSecond: Throttle | null
  readonly perDay: Throttle | null
  readonly items: ReadonlyMap<string, AmazonItem>
}

interface Body {
  readonly itemIds: readonly string[]
  readonly partnerTag: string
  readonly resources?: readonly string[]
  readonly condition?: string
  readonly languagesOfPreference?: readonly string[]
}

export function getItems(request: IncomingMessage, text: string, state: State): Answer {
  const { switches } = state
  const refusal = findRefusal(request, state)
  if (refusal !== null) return refusal
  const body = parse(text)
  if (body === null) return refuse(400, 'CannotParse')
  const invalid = findInvalid(body, request, switches)
  if (invalid !== null) return invalid
  const { resources = ['itemInfo.title'], partnerTag } = body
  const marketplace = String(request.headers['x-marketplace'])
  const rendering = {
    ...switches,
    marketplace,
    currency: listMarketplaces(switches.credential.version).get(marketplace) ?? 'USD',
    tag: partnerTag,
    resources: new Set(resources),
  }
  const known = body.itemIds.filter((id) => state.items.has(id) && !switches.refused[id])
  if (known.length === 0)
    return refuse(404, null, { resourceType: 'Item', resourceId: body.itemIds[0] })
  const sent = known.filter((id) => !switches.omitted.includes(id))
  const errors = body.itemIds
    .filter((id) => !known.includes(id))
    .map((id) => toError(id, switches.refused[id] ?? 'InvalidParameterValue'))
  const items = arrange(sent, switches).flatMap((id) => {
    const item = state.items.get(id)
    return item === undefined ? [] : [renderItem(item, rendering)]
  })
  return {
    status: 200,
    body: { itemsResult: { items }, ...(errors.length > 0 && { errors }) },
  }
}

/** The errors have no member with the item: only the message names it. */
function toError(id: string, code: string): object {
  const message =
    code === 'ItemNotAccessible'
      ? `The ItemId ${id} is not accessible through the Creators API.`
      : `The ItemId ${id} provided in the request is invalid.`
  return { code, message }
}

function arrange(ids: readonly string[], { isShuffled, isRepeated }: AmazonSwitches): string[] {
  const placed = ids.map((id, index) => ({ id, place: isShuffled ? mix(index + 1) : index }))
  const ordered = placed.sort((a, b) => a.place - b.place).map(({ id }) => id)
  return isRepeated ? [...ordered, ...ordered.slice(0, 1)] : ordered
}

function findRefusal({ headers }: IncomingMessage, state: State): Answer | null {
  const { credential, isEligible, retryAfter } = state.switches
  const { authorization = '' } = headers
  const sent = /^Bearer ([^ ,]+)(?:, Version (\d\.\d))?$/.exec(authorization)
  if (sent === null) return refuse(401, 'MissingCredential')
  const version = credential.version.startsWith('2') ? credential.version : undefined
  if (sent[2] !== version) return refuse(401, 'UnsupportedClient')
  const fault = state.tokens.findFault(sent[1] ?? '')
  if (fault !== null) return refuse(401, fault)
  if (!isEligible) return refuse(403, 'AssociateNotEligible')
  const dayMs = state.perDay?.take('day') ?? 0
  if (dayMs > 0) return throttle(dayMs, retryAfter, { quotaCode: 'RequestsPerDay' })
  const secondMs = state.perSecond?.take('second') ?? 0
  return secondMs > 0 ? throttle(secondMs, retryAfter) : null
}

function findInvalid(
  { itemIds, partnerTag, resources, condition, languagesOfPreference }: Partial<Body>,
  { headers }: IncomingMessage,
  { credential, marketplaces, tags }: Required<AmazonSwitches>,
): Answer | null {
  const fault = (field: string, reason = 'FieldValidationFailed'): Answer =>
    refuse(400, reason, { fieldList: [{ name: field, message: 'not valid' }] })
  const valid = marketplaces ?? [...listMarketplaces(credential.version).keys()]
  if (!valid.includes(String(headers['x-marketplace']))) return fault('marketplace')
  if (typeof partnerTag !== 'string' || partnerTag.trim() === '') return fault('partnerTag')
  if (!tags.includes(partnerTag)) return fault('partnerTag', 'InvalidPartnerTag')
  if (!Array.isArray(itemIds) || itemIds.length < 1 || itemIds.length > 10) return fault('itemIds')
  if (new Set(itemIds).size !== itemIds.length) return fault('itemIds')
  if (!['Any', 'New'].includes(condition ?? 'Any')) return fault('condition')
  if ((languagesOfPreference ?? []).length > 1) return fault('languagesOfPreference')
  const asked = resources ?? []
  if (!Array.isArray(asked) || asked.some((name) => !RESOURCES.has(name))) return fault('resources')
  return null
}

function parse(text: string): Body | null {
  try {
    return Object(JSON.parse(text))
  } catch {
    return null
  }
}
