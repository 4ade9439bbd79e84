// A shop that has moved: its address redirects to another host, or responds as another platform. The
// run fails with the command that continues with the shop as it is now.

import type { Connector } from '../core/connector.ts'
import type { ErrorCode } from '../core/error-table.ts'
import { isAbort, SyncError } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import type { Recognised } from './add-source.ts'
import type { BoundSource } from './bound-source.ts'
import type { RequestTools } from './limited-http.ts'

/** After these errors, the address may be that of another shop or platform. */
const SUSPICIOUS: ReadonlySet<ErrorCode> = new Set([
  'source/moved',
  'source/gone',
  'source/malformed',
  'source/rejected',
])

/**
 * Returns a client that refuses everything once its first request was redirected to another host:
 * what responds there is not the configured shop. `www.` does not make another host.
 *
 * @throws SyncError `source/moved`
 */
export function refuseOtherHost(http: Http): Http {
  let isFirst = true
  let moved: SyncError | null = null
  return async (request, signal) => {
    if (moved !== null) throw moved
    const response = await http(request, signal)
    if (!isFirst) return response
    isFirst = false
    const [from, to] = [URL.parse(request.url), URL.parse(response.url)]
    if (from === null || to === null || toSite(from) === toSite(to)) return response
    await response.cancel()
    moved = new SyncError('source/moved', `${from.host} redirects to ${to.origin}`, {
      detail: { address: to.origin },
    })
    throw moved
  }
}

/**
 * Finds out what the address of a source looks like after its run has failed with `error`. Returns
 * the error with the command to run, or `error` itself when the shop has not moved.
 */
export async function explainMove(
  bound: BoundSource,
  error: SyncError,
  tools: RequestTools,
  signal: AbortSignal,
): Promise<SyncError> {
  const { connector, settings, source } = bound
  if (!connector.recognise || !SUSPICIOUS.has(error.code)) return error
  const { address: redirected } = error.detail
  const address = typeof redirected === 'string' ? redirected : connector.address(settings)
  // Only a run that failed needs the other connectors.
  const { CONNECTORS } = await import('../connectors/registry.ts')
  const others = [...CONNECTORS.values()].filter(({ name }) => name !== connector.name)
  const found = await tryToRecognise([connector, ...others], new URL(address), tools, signal)
  const place = found?.connector.address(found.settings) ?? address
  const isSame = found?.connector.name === connector.name
  if (isSame && place === connector.address(settings)) return error
  if (found === null && error.code !== 'source/moved') return error
  const { message, detail } = error
  return new SyncError(
    'source/moved',
    `${message}. ${describe(source.name, found, isSame, place)}`,
    {
      cause: error,
      detail,
    },
  )
}

function describe(name: string, found: Recognised | null, isSame: boolean, place: string): string {
  if (found === null) return `No connector recognises a shop there: shelfsync sources pause ${name}`
  const looks = `The address now looks like this: ${found.connector.title}`
  return isSame
    ? `${looks}. If it is the same shop: shelfsync sources set ${name} --url ${place}`
    : `${looks}. To continue with it: shelfsync add ${place} --replaces ${name}`
}

async function tryToRecognise(
  connectors: readonly Connector[],
  address: URL,
  tools: RequestTools,
  signal: AbortSignal,
): Promise<Recognised | null> {
  // Loaded only for a shop that may have moved, because it takes time at the start of a command.
  const { recogniseAddress } = await import('./add-source.ts')
  try {
    return await recogniseAddress(connectors, address, tools, signal)
  } catch (error) {
    if (!(error instanceof SyncError) || isAbort(error)) throw error
    return null
  }
}

function toSite({ host }: URL): string {
  return host.replace(/^www\./, '')
}
