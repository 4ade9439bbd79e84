// What a storage service can do wrong. A request is known to the faults as `METHOD /path`, the path
// without `/storage/v1`, so `{ kind: 'status', status: 503, path: 'PATCH *' }` fails the next chunk
// of an upload.

import { z } from 'zod'
import { CommonFault, When } from '../support/faults.ts'

const afterBytes = z.int().nonnegative()

export const StorageFault = z.union([
  CommonFault,
  /**
   * Drops the connection when so many bytes of the request's body have been taken; what was taken
   * stays.
   */
  z.strictObject({ kind: z.literal('break'), afterBytes, ...When }),
  /** The same, and the whole service with it. */
  z.strictObject({ kind: z.literal('die'), afterBytes, ...When }),
  /** Does all that was asked of an upload, and drops the connection in place of the answer. */
  z.strictObject({ kind: z.literal('lose-answer'), ...When }),
  /**
   * Takes the last byte of an upload, but dies before the object is made of it: as after a kill at
   * the worst moment.
   */
  z.strictObject({ kind: z.literal('unfinished'), ...When }),
])
export type StorageFault = z.infer<typeof StorageFault>
export type StorageFaultInput = z.input<typeof StorageFault>
