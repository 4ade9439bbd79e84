// Completes a connector: a small one states its settings, its records, its requests and its
// products, and everything else has a default.

import type { z } from 'zod'
import { checkValue, formatProblems } from './check-value.ts'
import type { Connector, Page, Scan } from './connector.ts'
import { NO_CREDENTIALS } from './credentials.ts'
import { SyncError } from './errors.ts'
import type { Draft, Price, Variant } from './product.ts'

const [LINE_FEED, OPEN_BRACE, CLOSE_BRACE] = [0x0a, 0x7b, 0x7d]

/** `Members` of `Whole` are stated; the others may be absent. */
type Stating<Whole, Members extends keyof Whole> = Pick<Whole, Members> & {
  readonly [Member in Exclude<keyof Whole, Members>]?: Whole[Member] | undefined
}

/** A variant without its unknown members. */
export type NewVariant = Stating<Variant, 'externalId'>

/** A price without `variantId` belongs to the variant with the id of the product. */
export type NewPrice = Stating<Price, 'type' | 'amountMinor' | 'currency'>

/**
 * A product without its unknown members. Defaults: status `active`, one variant with the id of the
 * product, null, and empty lists.
 */
export type NewDraft = Stating<Omit<Draft, 'variants' | 'prices'>, 'externalId'> & {
  readonly variants?: readonly NewVariant[] | undefined
  readonly prices?: readonly NewPrice[] | undefined
}

/** The members that every connector states; see `Connector` for their contracts. */
type Stated = 'name' | 'settings' | 'fetch'

/**
 * A connector without the members that have a default: `address` is the setting `addressSetting`,
 * by default `url`; the record is the whole line, and its id is its member at the first of
 * `idPaths`, by default `id`; `fetch` is called for all products, without credentials.
 */
export type ConnectorDefinition<Settings, Row, Credentials> = Pick<
  Connector<Settings, Credentials>,
  Stated
> &
  Partial<Omit<Connector<Settings, Credentials>, Stated | 'normalise'>> & {
    /** A record of the supplier. Any other record is quarantined. */
    readonly record: z.ZodType<Row>
    /** Converts a record into a product. Pure. */
    normalise(record: Row, settings: Settings): NewDraft
  }

/** Returns the connector with all of its members. */
export function defineConnector<Settings, Row, Credentials = object>(
  definition: ConnectorDefinition<Settings, Row, Credentials>,
): Connector<Settings, Credentials> {
  const { record: row, normalise, ...stated } = definition
  const { addressSetting = 'url', idPaths = ['id'], volatilePaths = [] } = stated
  // The scan must find the same record as `unwrap`, and the volatile members in it.
  const isWholeLine = stated.unwrap === undefined && volatilePaths.length === 0
  const connector: Connector<Settings, Credentials> = {
    title: stated.name,
    credentials: NO_CREDENTIALS as Connector<Settings, Credentials>['credentials'],
    options: [
      { setting: addressSetting, value: 'url', description: 'the address of the supplier' },
    ],
    normaliserVersion: 1,
    scopes: ['all'],
    schedule: 'nightly',
    address: (settings) => String((settings as Record<string, unknown>)[addressSetting]),
    scan: isWholeLine ? scanWholeLine : () => null,
    unwrap: (line) => line,
    identify: (record) => findId(record, idPaths[0] ?? 'id'),
    ...stated,
    settings: stated.settings.refine((settings) => !hasPassword(connector.address(settings)), {
      path: [addressSetting],
      message: 'must not contain a password',
    }),
    addressSetting,
    idPaths,
    volatilePaths,
    normalise(record, settings) {
      if (connector.identify(record) === null)
        throw new SyncError('record/no-id', 'The record has no id')
      const { data, problems } = checkValue(row, record)
      if (problems !== null) throw new SyncError('record/invalid', formatProblems(problems))
      return toDraft(normalise(data, settings))
    },
  }
  return connector
}

/** Settings are stored and shown. */
function hasPassword(address: string): boolean {
  return (URL.parse(address)?.password ?? '') !== ''
}

/**
 * Returns a page with these records, one in each line. `complete` states that they are the last
 * ones and that the supplier's own count or end marker proves it.
 */
export function toPage(
  records: readonly unknown[],
  facts: Partial<Omit<Page, 'bytes' | 'lineCount'>> & Pick<Page, 'complete'>,
): Page {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('')
  return {
    cursor: null,
    expected: null,
    watermarkMs: null,
    ...facts,
    bytes: new TextEncoder().encode(text),
    lineCount: records.length,
  }
}

/**
 * The scan of a line that is a record as a whole, without its line feed. Null for a line that is
 * not an object.
 */
export function scanWholeLine(line: Uint8Array): Scan | null {
  const end = line.at(-1) === LINE_FEED ? line.length - 1 : line.length
  const isObject = line[0] === OPEN_BRACE && line[end - 1] === CLOSE_BRACE
  return isObject ? { start: 0, end, volatile: [] } : null
}

/** Returns the text or the whole number at a dotted path, or null. */
function findId(record: unknown, path: string): string | null {
  let value = record
  for (const member of path.split('.')) value = (Object(value) as Record<string, unknown>)[member]
  if (Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

/** Returns the draft with its defaults; see `NewDraft`. */
export function toDraft({ variants, prices = [], ...product }: NewDraft): Draft {
  const { externalId } = product
  return {
    status: 'active',
    title: null,
    description: null,
    brand: null,
    manufacturer: null,
    url: null,
    identifiers: {},
    attributes: {},
    sourceUpdatedAtMs: null,
    successorId: null,
    expiresAtMs: null,
    disagreements: [],
    images: [],
    terms: [],
    provenance: {},
    warnings: [],
    ...withoutUndefined(product),
    variants: (variants ?? [{ externalId }]).map(toVariant),
    prices: prices.map((price) => ({
      variantId: externalId,
      compareAtMinor: null,
      ...withoutUndefined(price),
    })),
  }
}

function toVariant(variant: NewVariant): Variant {
  return {
    title: null,
    sku: null,
    gtin: null,
    options: {},
    weightGrams: null,
    packCount: null,
    availability: null,
    ...withoutUndefined(variant),
  }
}

type Defined<Value> = { [Member in keyof Value]: Exclude<Value[Member], undefined> }

/** Returns a copy without undefined members, so that their defaults remain. */
function withoutUndefined<Value extends object>(value: Value): Defined<Value> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members) as Defined<Value>
}
