// Errors of requests with keys. Some hosts remove the header with the keys, so the shop responds as
// to a visitor.

import { SyncError } from '../../../core/errors.ts'
import type { Failure } from '../errors.ts'

/** Returns the error of a refused request: a refusal by the API concerns the keys. */
export function toKeyError({ error, status, apiCode }: Failure): SyncError {
  const isRefusal = status === 401 || (status === 403 && apiCode !== null)
  if (!isRefusal) return error
  const reason =
    status === 401
      ? 'it does not accept the consumer key. If the keys are right, the host may remove the header with them: shelfsync sources set NAME --set keysInQuery=true'
      : 'the key may not read this. Its owner needs the role of a shop manager, and the key the permission to read'
  const code = apiCode === null ? '' : ` (${apiCode})`
  return new SyncError('source/unauthorized', `The REST API responds ${status}${code}: ${reason}`, {
    cause: error,
  })
}
