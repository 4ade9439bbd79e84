// The checks of `shelfsync doctor` for the hosts of the sources: whether this machine reaches them.

import type { Basics } from '../../app/compose.ts'
import type { ClientOf } from './open-requests.ts'
import type { Connector } from '../../core/connector.ts'
import type { Http } from '../../core/http.ts'
import type { Source } from '../../db/sources.ts'
import { findAddress } from '../../sources/bound-source.ts'
import { withTimeout } from '../../lib/timeout.ts'
import { type Check, toFailedCheck } from './check.ts'
import { SyncError } from '../../core/errors.ts'

const RESPONSE_MS = 5_000

/**
 * Returns one check for each active source. Each host gets one request without credentials, all at
 * the same time, when its turn comes; any response counts.
 */
export async function checkReachability(
  { clientOf, connectors }: Pick<Basics, 'connectors'> & { readonly clientOf: ClientOf },
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<Check[]> {
  const responses = new Map<string, Promise<number>>()
  const active = sources.filter(({ state }) => state === 'active')
  return Promise.all(
    active.map(async (source): Promise<Check> => {
      const name = `source ${source.name}`
      const connector = connectors.get(source.connector)
      if (connector === undefined)
        return {
          name,
          state: 'warn',
          message: `only a program that defines its connector ${source.connector} can sync it`,
          hint: 'See docs/library.md. If it should be a connector of Shelfsync, install a version that has it.',
        }
      const address = URL.parse(findAddress({ connectors }, source) ?? '')
      if (address === null)
        return {
          name,
          state: 'fail',
          message: 'this version cannot read its settings',
          hint: `Run \`shelfsync sources show ${source.name}\`.`,
        }
      const { origin, host } = address
      const response =
        responses.get(origin) ??
        measureResponse(clientOf({ connector, settings: null, credentials: null }), origin, signal)
      responses.set(origin, response)
      try {
        const message = `${host} responded after ${await response} ms`
        const [notice] = listNotices(connector, source)
        return notice === undefined
          ? { name, state: 'ok', message }
          : { name, state: 'warn', message, hint: notice.replace('NAME', source.name) }
      } catch (error) {
        return toFailedCheck(name, error)
      }
    }),
  )
}

function listNotices(connector: Connector, { settings }: Source): readonly string[] {
  const { data } = connector.settings.safeParse(settings)
  return data === undefined ? [] : (connector.listNotices?.(data, Date.now()) ?? [])
}

/** @throws SyncError `source/…` */
async function measureResponse(http: Http, url: string, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now()
  const limit = new AbortController()
  const both = AbortSignal.any([signal, limit.signal])
  try {
    const response = await withTimeout(
      http({ url }, both),
      RESPONSE_MS,
      () => new SyncError('source/unavailable', `${url} did not respond within ${RESPONSE_MS} ms`),
    )
    await response.cancel()
    return Math.round(performance.now() - startedMs)
  } finally {
    limit.abort()
  }
}
