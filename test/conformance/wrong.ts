// A small connector that keeps every promise, and can be told to break one: so that each check is
// seen to catch what it is for. Its supplier pages by number: `/products?page=1&since=0`, lines of
// `{"n":0,"record":{…}}`, and the header `x-count` for all pages; `&keys=p-1,p-2` names products.

import { z } from 'zod'
import type { Connector, FetchRequest, Page, ProbeRequest } from '../../src/core/connector.ts'
import type { CredentialSchema } from '../../src/core/credentials.ts'
import { SyncError } from '../../src/core/errors.ts'
import type { HttpResponse } from '../../src/core/http.ts'
import type { Draft } from '../../src/core/product.ts'
import { trustedTime } from '../../src/core/source-time.ts'
import { readBytes } from '../../src/lib/read-body.ts'
import { measureWhenAsked } from './measure.ts'
import type { Subject } from './rig.ts'
import { serve, type Served } from './supplier.ts'

/** What a wrong connector does. */
const DEFECTS = [
  'takes any settings',
  'has a setting for its key',
  'masks the price',
  'names no place of its ids',
  'counts in its titles',
  'identifies by normalising',
  'goes on a page too late',
  'keeps all pages',
  'asks for what was created since',
  'takes any end for the end',
  'takes a failed page for the end',
  'takes nothing for the end',
  'refuses repeated products',
  'expects the order of ids',
  'throws what has no name',
  'makes up ids',
  'ignores Retry-After',
  'gives up at 429',
  'gives up at 5xx',
  'passes over silence',
  'passes over cuts',
  'decodes piece by piece',
  'masks nothing',
  'scans nothing and counts in its titles',
  'does not hear the signal',
  'quotes its key',
  'compares each with each',
  'declares its key as no secret',
  'quotes a wrong value',
  'makes requests without a key',
  'sends its key to any host',
  'probes nothing',
  'has an option that is no setting',
  'declares no scope',
  'ignores the instant',
  'ignores the keys',
  'takes keys for everything',
] as const
export type Defect = (typeof DEFECTS)[number]

const PAGE_SIZE = 20
const KEY = 'planted-key-ü"1'

const ToySettings = z.strictObject({
  url: z.url().refine((url) => URL.parse(url)?.origin === url, 'must be an origin'),
})
type ToySettings = z.infer<typeof ToySettings>

const UNKNOWN_VARIANT = {
  title: null,
  sku: null,
  gtin: null,
  weightGrams: null,
  packCount: null,
  availability: null,
}

const ToyCredentials = z.strictObject({
  key: z
    .string()
    .regex(/^\S{4,}$/, 'expected 4 characters or more')
    .optional(),
})
type ToyCredentials = z.infer<typeof ToyCredentials>
const QuotingCredentials = z.strictObject({
  key: z
    .string()
    .regex(/^\S{4,}$/, { error: ({ input }) => `expected a key, not ${String(input)}` })
    .optional(),
})

const Cursor = z.object({ page: z.int(), listed: z.int() })
const ToyRecord = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(['active', 'unavailable']).default('active'),
  price: z.int().nullable(),
  currency: z.string().default('EUR'),
  text: z.string(),
  tags: z.array(z.string()),
  brand: z.string().nullable().default(null),
  images: z.array(z.url()).default([]),
  /** Epoch milliseconds. Anything else counts as unknown, with a warning. */
  updated_at: z.unknown().optional(),
})

/** The toy and its supplier, with `defect` or without one. */
export function toy(defect: Defect | null): Subject {
  return {
    connector: toyConnector((asked) => asked === defect),
    settings: (origin) => ({ url: origin }),
    start: (size) => serve(size, served),
    size: 60,
    credentials: { TOY_KEY: KEY },
    file: [import.meta.filename, defect ?? ''],
  }
}

const served: Served = {
  record: ({ id, title, priceMinor, createdAtMs, updatedAtMs, touchedAtMs, text }) => ({
    seen: touchedAtMs,
    updated_at: updatedAtMs,
    id,
    name: title,
    price: priceMinor,
    created_at: createdAtMs,
    tags: ['new', 'café'],
    text,
  }),
  spoil: (record, flaw) =>
    flaw === 'shape' ? { ...record, price: 'a few' } : { ...record, id: null },
  answer({ url, headers: sent }, records) {
    if (sent.get('x-key') !== KEY) return new Response('', { status: 401 })
    const { searchParams } = new URL(url)
    const from = (Number(searchParams.get('page')) - 1) * PAGE_SIZE
    const by = searchParams.get('by') ?? 'updated_at'
    const keys = searchParams.get('keys')?.split(',')
    const wanted = records.filter(
      (record) =>
        Number(record[by]) >= Number(searchParams.get('since')) &&
        (keys?.some((key) => key === record.id) ?? true),
    )
    const lines = wanted
      .slice(from, from + PAGE_SIZE)
      .map((record, index) => `${JSON.stringify({ n: from + index, record })}\n`)
    const headers = {
      'x-lines': String(lines.length),
      'x-pages': String(Math.ceil(wanted.length / PAGE_SIZE)),
      'x-count': String(wanted.length),
    }
    return new Response(lines.join(''), { headers })
  },
  first: '/products?page=1&*',
  middle: '/products?page=2&*',
}

type Has = (defect: Defect) => boolean

function toyConnector(has: Has): Connector<ToySettings, ToyCredentials> {
  let count = 0
  const settings: z.ZodType<ToySettings> = has('takes any settings')
    ? z.looseObject({ url: z.any() })
    : has('has a setting for its key')
      ? ToySettings.extend({ apiKey: z.string().default('') })
      : ToySettings
  const counts = has('counts in its titles') || has('scans nothing and counts in its titles')
  const normalise = (record: unknown): Draft => draftOf(record, counts ? ` ${++count}` : '', has)
  return {
    name: 'toy',
    title: 'A connector for the tests of the suite itself',
    settings,
    credentials: toyCredentials(has),
    options: has('has an option that is no setting')
      ? [{ setting: 'colour', value: 'colour', description: 'the colour of the toys' }]
      : [],
    normaliserVersion: 1,
    volatilePaths: has('masks nothing') ? [] : ['seen', 'updated_at'],
    idPaths: has('names no place of its ids') ? ['id'] : ['record.id'],
    scopes: has('declares no scope') ? [] : ['all', 'since', 'keys'],
    schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 0 },
    fetch: (request, signal) =>
      fetchPages(
        request,
        has('does not hear the signal') ? new AbortController().signal : signal,
        has,
      ),
    probe: has('probes nothing') ? () => Promise.resolve() : probe,
    address: ({ url }) => url,
    scan: (line, arrivedMs) => scanLine(line, arrivedMs, has),
    unwrap: unwrapLine,
    identify: has('identifies by normalising')
      ? (record) => normalise(record).externalId
      : (record) => idOf(record, has),
    normalise,
  }
}

function toyCredentials(has: Has): CredentialSchema<ToyCredentials> {
  return {
    variables: {
      key: {
        name: 'TOY_KEY',
        secret: !has('declares its key as no secret'),
        description: 'The key of the toy.',
        default: 'none: toys cannot be synced',
        example: 'your-toy-key',
      },
    },
    schema: has('quotes a wrong value') ? QuotingCredentials : ToyCredentials,
    isComplete: ({ key }) => key !== undefined,
    hint: 'set TOY_KEY',
    spellings: () => [],
    findHostFault: ({ hostname }) =>
      hostname === 'toy.example' || has('sends its key to any host')
        ? null
        : 'it is not a host of the toy',
  }
}

function requireKey({ key }: ToyCredentials): string {
  if (key === undefined) throw new SyncError('settings/invalid', 'No key for the toy: set TOY_KEY')
  return key
}

async function probe(
  { settings, credentials, http }: ProbeRequest<ToySettings, ToyCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const headers = { 'x-key': requireKey(credentials) }
  const response = await http({ url: `${settings.url}/products?page=0&since=0`, headers }, signal)
  if (response.status !== 200) throw await refusalOf(response, () => false)
  await response.cancel()
}

type Asked = FetchRequest<ToySettings, ToyCredentials>

async function* fetchPages(
  { settings, credentials, scope, cursor, http }: Asked,
  signal: AbortSignal,
  has: Has,
): AsyncGenerator<Page> {
  const kept: Uint8Array[] = []
  const since = scope.kind === 'since' && !has('ignores the instant') ? scope.sinceMs : 0
  const named = scope.kind === 'keys' && !has('ignores the keys') ? scope.keys : null
  const keys = named === null ? '' : `&keys=${named.join(',')}`
  const by = has('asks for what was created since') ? 'created_at' : 'updated_at'
  let { page, listed } = cursor === null ? { page: 1, listed: 0 } : Cursor.parse(cursor)
  let watermarkMs: number | null = null
  for (; ; page++) {
    const response = await http(
      {
        url: `${settings.url}/products?page=${page}&since=${since}&by=${by}${keys}`,
        headers: {
          'x-key': has('makes requests without a key')
            ? (credentials.key ?? '')
            : requireKey(credentials),
        },
      },
      signal,
    )
    const failed = response.status !== 200
    if (failed && !has('takes a failed page for the end')) throw await refusalOf(response, has)
    const bytes = failed ? new Uint8Array() : await readPage(response, has)
    const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1)
    const expected = headerOf(response, 'x-count')
    const lineCount = countListed(lines)
    if (lineCount < headerOf(response, 'x-lines') && !believesAnyEnd(has))
      throw new SyncError(
        'source/cut-short',
        `Page ${page} of the toy ended after ${lineCount} lines`,
      )
    listed += lineCount
    if (has('keeps all pages')) kept.push(bytes)
    const repeats = new Set(lines.map(numberIn)).size < lines.length
    if (repeats && has('refuses repeated products'))
      throw new SyncError('source/malformed', 'a product came twice')
    for (const line of lines) {
      const updatedAtMs = Number(/"updated_at":(\d+)/.exec(line)?.[1] ?? 0)
      watermarkMs = Math.max(watermarkMs ?? 0, trustedTime(updatedAtMs, Date.now()) ?? 0)
    }
    const isLast = !(page < headerOf(response, 'x-pages'))
    const whole = isLast && isWhole({ listed, expected, lines, failed }, has)
    if (isLast && !whole)
      throw new SyncError(
        'source/cut-short',
        `The toy ended after ${listed} of ${expected} products`,
      )
    const unsorted =
      has('expects the order of ids') &&
      lines.some((line, n) => n > 0 && numberIn(line) < numberIn(lines[n - 1] ?? ''))
    const cursorAfter = has('goes on a page too late')
      ? { page: page + 2, listed: listed + PAGE_SIZE }
      : { page: page + 1, listed }
    yield {
      bytes,
      lineCount: lines.length,
      cursor: cursorAfter,
      expected: expected || null,
      watermarkMs,
      complete: (scope.kind !== 'keys' || has('takes keys for everything')) && (whole || unsorted),
    }
    if (isLast || unsorted) return
  }
}

function isWhole(
  page: { listed: number; expected: number; lines: readonly string[]; failed: boolean },
  has: Has,
): boolean {
  const { listed, expected, lines, failed } = page
  return (
    believesAnyEnd(has) ||
    failed ||
    (has('takes nothing for the end') && lines.length === 0) ||
    listed >= expected
  )
}

function believesAnyEnd(has: Has): boolean {
  return has('takes any end for the end') || has('passes over silence') || has('passes over cuts')
}

function headerOf({ headers }: HttpResponse, name: string): number {
  return Number(headers.get(name) ?? Number.NaN)
}

/** The records of a page: a repeated line counts once, a blank one not at all. */
function countListed(lines: readonly string[]): number {
  const written = lines.filter((line) => line.trim() !== '' && line !== '\ufeff')
  return new Set(
    written.map((line, index) => /^\ufeff?\{"n":(\d+),/.exec(line)?.[1] ?? `#${index}`),
  ).size
}

async function readPage(response: HttpResponse, has: Has): Promise<Uint8Array> {
  try {
    const bytes = has('decodes piece by piece')
      ? await decodePieces(response)
      : await readBytes(response, 64 * 1024 * 1024)
    if (bytes.length > 0 && bytes.at(-1) !== 0x0a) {
      if (!has('takes any end for the end'))
        throw new SyncError('source/cut-short', 'A page of the toy ends inside a line')
      return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
    }
    return bytes
  } catch (error) {
    const silent =
      has('passes over silence') &&
      error instanceof SyncError &&
      error.code === 'source/unavailable'
    const cut =
      has('passes over cuts') && error instanceof SyncError && error.code === 'source/cut-short'
    if (silent || cut) return new Uint8Array()
    throw error
  }
}

async function decodePieces(response: HttpResponse): Promise<Uint8Array> {
  let text = ''
  for await (const piece of response.body) text += new TextDecoder().decode(piece)
  return new TextEncoder().encode(text)
}

async function refusalOf(response: HttpResponse, has: Has): Promise<SyncError> {
  const { status, headers } = response
  await response.cancel()
  const seconds = Number(headers.get('retry-after') ?? 0)
  const retryAfterMs = has('ignores Retry-After') ? null : seconds * 1000
  const message = `The toy answered ${status}${has('quotes its key') ? ` to ${KEY}` : ''}`
  if (status === 429 && !has('gives up at 429'))
    return new SyncError('source/rate-limited', message, { retryAfterMs })
  if (status >= 500 && !has('gives up at 5xx'))
    return new SyncError('source/unavailable', message, { retryAfterMs })
  return new SyncError(status === 401 ? 'source/unauthorized' : 'source/rejected', message)
}

function scanLine(line: Uint8Array, arrivedMs: number, has: Has): ReturnType<Connector['scan']> {
  if (has('scans nothing and counts in its titles')) return null
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1')
  const head = /^\{"n":\d+,"record":/.exec(text)
  if (!head || !text.endsWith('}}')) return null
  const [start, end] = [head[0].length, text.length - 1]
  const record = text.slice(start, start + 400)
  const members = /^\{"seen":\d+,"updated_at":(\d+),/.exec(record)
  if (!members || trustedTime(Number(members[1]), arrivedMs) === null) return null
  if (has('masks nothing')) return { start, end, volatile: [] }
  const masked = has('masks the price') ? ['"price":'] : ['{"seen":', '"updated_at":']
  const volatile = masked.flatMap((member) => {
    const from = start + record.indexOf(member) + member.length
    return [from, text.indexOf(',', from)]
  })
  return { start, end, volatile }
}

function unwrapLine(line: unknown): unknown {
  const { data } = z.object({ record: z.unknown() }).safeParse(line)
  if (!data) throw new SyncError('record/invalid', 'The line holds no record')
  return data.record
}

function idOf(record: unknown, has: Has): string | null {
  const { data } = z.object({ id: z.unknown() }).safeParse(record)
  if (has('makes up ids') && data) return String(data.id)
  return typeof data?.id === 'string' ? data.id : null
}

function draftOf(record: unknown, suffix: string, has: Has): Draft {
  const externalId = idOf(record, has)
  if (externalId === null) throw new SyncError('record/no-id', 'The product has no id')
  const { data, error } = ToyRecord.safeParse({ ...Object(record), id: externalId })
  if (!data && has('throws what has no name'))
    throw new TypeError('price.toFixed is not a function')
  if (!data) throw new SyncError('record/invalid', error.message.replaceAll(/\s+/g, ' '))
  const sourceUpdatedAtMs = Number.isSafeInteger(data.updated_at) ? Number(data.updated_at) : null
  return {
    externalId,
    status: data.status,
    title: data.name + suffix,
    description: data.text,
    brand: data.brand,
    manufacturer: null,
    url: null,
    identifiers: {},
    attributes: {
      tags: has('compares each with each')
        ? data.tags.filter((tag, at, all) => all.indexOf(tag) === at)
        : data.tags,
    },
    sourceUpdatedAtMs,
    successorId: null,
    expiresAtMs: null,
    variants: [{ externalId, options: {}, ...UNKNOWN_VARIANT }],
    prices: [
      {
        variantId: externalId,
        type: 'public',
        amountMinor: data.price,
        currency: data.currency,
        compareAtMinor: null,
      },
    ],
    images: data.images.map((url, position) => ({ url, alt: null, position })),
    terms:
      data.brand === null
        ? []
        : [
            {
              kind: 'brand',
              externalId: data.brand,
              name: data.brand,
              parentId: null,
              attributes: {},
            },
          ],
    warnings:
      sourceUpdatedAtMs === null && data.updated_at != null ? ['updated_at is no time'] : [],
  }
}

function numberIn(line: string): number {
  return Number(/"id":"p-(\d+)"/.exec(line)?.[1] ?? Number.NaN)
}

// Started by itself only to be measured.
if (import.meta.main)
  measureWhenAsked(toy(DEFECTS.find((defect) => defect === process.argv[2]) ?? null))
