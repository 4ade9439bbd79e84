// The bodies, queries and paths that requests may have. Schemas are strict: an unknown field is an
// error of the caller and is reported as one.

import { z } from 'zod'
import { isCursor } from '../../db/read/page.ts'
import { RUN_STATES } from '../../db/read/run-summaries.ts'

const CHUNK_SIZE = 5000
const CHUNK_SIZE_MAX = 100_000

const source = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'expected the name of a source' })
const oneSource = source
  .nullable()
  .default(null)
  .describe('Name of the source. Omit to sync every active source.')
const chunkSize = z.int().min(1).max(CHUNK_SIZE_MAX)
const chunkSizeMeaning = 'Maximum number of records per transaction.'
const offset = z
  .int()
  .min(0)
  .nullable()
  .default(null)
  .transform((lines) => (lines === 0 ? null : lines))
  .describe('Number of artifact lines to skip. A run with an offset never settles; 0 means none.')
const limit = z
  .int()
  .min(1)
  .nullable()
  .default(null)
  .describe('Number of lines to apply after the offset. A run with a limit never settles.')
const artifact = z
  .int()
  .min(1)
  .nullable()
  .default(null)
  .describe(
    'The run whose artifact is applied. Omit to apply the newest artifact. ' +
      'If set, `source` may be omitted.',
  )
const keys = z
  .array(z.string().min(1).max(200))
  .min(1)
  .max(10_000)
  .nullable()
  .default(null)
  .describe(
    'Ids of the products to fetch: only these are updated, beside any other run of `source`, ' +
      'which must be set. Needs the mode `auto` and a connector that can fetch by id.',
  )
const debug = z.boolean().default(false).describe('Log every batch of the run.')

export const SyncBody = z
  .strictObject({
    source: oneSource,
    mode: z
      .enum(['auto', 'full', 'fetch-only', 'maintain-only'])
      .default('auto')
      .describe(
        '`auto` fetches only changes if the supplier supports it and no full run is due, and ' +
          'the products that are due if the source only has refreshes. ' +
          '`full` fetches and applies everything. `fetch-only` archives everything for a later ' +
          'run. `maintain-only` applies an artifact that is already archived.',
      ),
    keys,
    artifact,
    chunkSize: chunkSize.nullable().default(null).describe(chunkSizeMeaning),
    offset,
    limit,
    debug,
  })
  .refine(
    ({ mode, source: named, keys: ids }) => ids === null || (mode === 'auto' && named !== null),
    {
      error: 'keys need a source, and the mode auto',
      path: ['keys'],
    },
  )
  .refine(
    ({ mode, artifact: named, offset: skipped, limit: taken }) =>
      mode === 'maintain-only' || (named ?? skipped ?? taken) === null,
    {
      error: 'artifact, offset and limit select archived lines and need maintain-only',
      path: ['mode'],
    },
  )

const ITEM_CHARS_MAX = 2_000
const ITEMS_MAX = 1_000
const item = z.string().min(1).max(ITEM_CHARS_MAX)

export const ImportBody = z
  .strictObject({
    asin: item
      .nullable()
      .default(null)
      .describe('One product: its ASIN, or the address of its page.'),
    items: z
      .array(item)
      .min(1)
      .max(ITEMS_MAX)
      .nullable()
      .default(null)
      .describe('Several products, each by its id or address. Set either `asin` or `items`.'),
    marketplace: z
      .string()
      .min(1)
      .max(100)
      .nullable()
      .default(null)
      .describe(
        'The marketplace, such as `www.amazon.com`. Omit for the one of the environment, or ' +
          'of the only source with a marketplace.',
      ),
    source: source
      .nullable()
      .default(null)
      .describe('Name of the source, for any connector that can fetch by id.'),
  })
  .refine(({ asin, items }) => (asin === null) !== (items === null), {
    error: 'set either asin or items',
    path: ['items'],
  })

const WAIT_SECONDS_MAX = 30

export const WaitQuery = z.strictObject({
  wait: z.coerce
    .number<string>({ error: 'expected a number' })
    .int()
    .min(0)
    .max(WAIT_SECONDS_MAX)
    .default(0)
    .describe('Seconds to wait for the end of the run, which is then in the response.'),
})

export const FetchBody = z.strictObject({ source: oneSource, debug })

export const MaintainBody = z.strictObject({
  source: oneSource,
  artifact,
  chunkSize: chunkSize.default(CHUNK_SIZE).describe(chunkSizeMeaning),
  offset,
  limit,
  debug,
})

export const NoBody = z.strictObject({})

/** More would take longer than 200 ms. */
const SOURCES_MAX = 500

export const StatusQuery = z.strictObject({
  source: source
    .nullable()
    .default(null)
    .describe('Name of a source. Omit to report every source.'),
  limit: z.coerce
    .number<string>({ error: 'expected a number' })
    .int()
    .min(1)
    .max(SOURCES_MAX)
    .default(SOURCES_MAX)
    .describe('Maximum number of sources in the response.'),
  after: z
    .string()
    .refine((text) => isCursor('sources', text), {
      error: 'expected the `next` of an earlier page',
    })
    .optional()
    .describe('The `next` of the page before. Omit to get the first sources.'),
})

const PAGE_SIZE = 20
const PAGE_SIZE_MAX = 100

export const RunsQuery = z.strictObject({
  source: source.optional().describe('Name of a source. Omit to list the runs of every source.'),
  state: z.enum(RUN_STATES).optional().describe('Only runs in this state.'),
  limit: z.coerce
    .number<string>({ error: 'expected a number' })
    .int()
    .min(1)
    .max(PAGE_SIZE_MAX)
    .default(PAGE_SIZE)
    .describe('Maximum number of runs in the response.'),
  after: z
    .string()
    .refine((text) => isCursor('runs', text), { error: 'expected the `next` of an earlier page' })
    .optional()
    .describe('The `next` of the page before. Omit to get the newest runs.'),
})

export const RunPath = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'expected the number of a run' })
    .transform(Number),
})
