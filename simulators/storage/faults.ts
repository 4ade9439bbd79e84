// Faults of the storage service. A fault's `path` is matched with `METHOD /path`, without
// `/storage/v1`: `{ kind: 'status', status: 503, path: 'PATCH *' }` fails the next chunk of an
// upload.

import { z } from 'zod'
import { CommonFault, When } from '../support/faults.ts'

const afterBytes = z.int().nonnegative()

export const StorageFault = z.union([
  CommonFault,
  /** Drops the connection after so many bytes of the request's body, which are kept. */
  z.strictObject({ kind: z.literal('break'), afterBytes, ...When }),
  /** Ends the whole service in the same way. */
  z.strictObject({ kind: z.literal('die'), afterBytes, ...When }),
  /** Completes an upload's request, but drops the connection instead of responding. */
  z.strictObject({ kind: z.literal('lose-response'), ...When }),
  /** Stores the last byte of an upload, but drops the connection before the object is created. */
  z.strictObject({ kind: z.literal('unfinished'), ...When }),
])
export type StorageFault = z.infer<typeof StorageFault>
export type StorageFaultInput = z.input<typeof StorageFault>
