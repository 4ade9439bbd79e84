// A request to import named products: it starts a run, as any request does, or is refused before
// there is one.

import type { CredentialValues } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import { bindSource } from '../sources/bound-source.ts'
import { chooseImportSource, readTypedKeys, type ImportChoice } from '../sources/import-source.ts'
import { refuseOpenBreaker } from '../sources/open-breaker.ts'
import { enqueueRuns } from './request-runs.ts'
import { AS_SCHEDULED, type RequestedRun, type RequestTools } from './requests.ts'
import { startOrFindRun } from './start-or-find-run.ts'

export interface ImportRequest extends ImportChoice {
  readonly items: readonly string[]
  /** The member of the request that has an item, for errors. */
  readonly memberOf: (index: number) => string
}

/**
 * Starts the import, or finds the active one of the same products. One item that names no product
 * refuses all of them.
 *
 * @throws SyncError `request/invalid` with the member of each wrong item · `source/unknown` ·
 * `source/paused` · `source/circuit-open` · `usage/invalid` · `db/…`
 */
export async function requestImport(
  tools: RequestTools & { readonly values: CredentialValues },
  { items, memberOf, ...choice }: ImportRequest,
  correlationId: string,
): Promise<RequestedRun> {
  const source = await chooseImportSource(tools, choice)
  const bound = bindSource(tools, source)
  const { keys, refused } = readTypedKeys(bound, items)
  if (refused.length > 0)
    throw new SyncError(
      'request/invalid',
      `The request is not valid: ${refused.map(({ index, problem }) => `${memberOf(index)}: ${problem}`).join('; ')}`,
    )
  await refuseOpenBreaker(tools.db, bound)
  const request = { ...AS_SCHEDULED, source: source.name, keys, import: true } as const
  const started = await startOrFindRun(tools, source, request, { correlationId })
  await enqueueRuns(tools, [started])
  const { open: _, ...run } = started
  return run
}
