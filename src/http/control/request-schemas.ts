// What requests may say, strictly: an unknown field is a mistake of the caller, and is answered as
// one.

import { z } from 'zod'

const CHUNK_SIZE = 5000
const CHUNK_SIZE_MAX = 100_000

const source = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'expected the name of a source' })
const oneSource = source
  .nullable()
  .default(null)
  .describe('The source; without it every active one.')
const chunkSize = z.int().min(1).max(CHUNK_SIZE_MAX)
const chunkSizeMeaning = 'Records per transaction, at most.'
const offset = z
  .int()
  .min(0)
  .nullable()
  .default(null)
  .transform((lines) => (lines === 0 ? null : lines))
  .describe('Lines of the artifact to skip: for runs by hand, which never settle. 0 is none.')
const limit = z
  .int()
  .min(1)
  .nullable()
  .default(null)
  .describe('Lines to apply after them: for runs by hand, which never settle.')
const artifact = z
  .int()
  .min(1)
  .nullable()
  .default(null)
  .describe(
    'The run whose artifact is applied; without it the newest. With it, `source` may be left out.',
  )
const debug = z.boolean().default(false).describe('Log every batch of the run.')

export const SyncBody = z
  .strictObject({
    source: oneSource,
    mode: z
      .enum(['auto', 'full', 'fetch-only', 'maintain-only'])
      .default('auto')
      .describe(
        '`full`: everything anew. `auto`: only what changed, when the supplier can say so and no full run is due. `fetch-only`: archive everything, and ' +
          'leave the rest to a later run. `maintain-only`: apply what is archived.',
      ),
    artifact,
    chunkSize: chunkSize.nullable().default(null).describe(chunkSizeMeaning),
    offset,
    limit,
    debug,
  })
  .refine(
    ({ mode, artifact: named, offset: skipped, limit: taken }) =>
      mode === 'maintain-only' || (named ?? skipped ?? taken) === null,
    {
      error:
        'artifact, offset and limit need maintain-only: they choose what of the archive is applied',
      path: ['mode'],
    },
  )

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

export const StatusQuery = z.strictObject({
  source: source.nullable().default(null).describe('This source only.'),
})

export const RunPath = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'expected the number of a run' })
    .transform(Number),
})
