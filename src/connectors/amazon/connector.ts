// The connector of Amazon's marketplaces, on the Creators API, which replaced PA-API 5.0. It
// fetches items by their ASIN only: no marketplace can be listed.

import type { Connector, ProbeRequest, RuleRequest } from '../../core/connector.ts'
import { scanWholeLine } from '../../core/define-connector.ts'
import type { RequestRules } from '../../core/limits.ts'
import {
  amazonCredentials,
  requireCredential,
  requireTag,
  tokenUrlOf,
  type AmazonCredentials,
} from './credentials.ts'
import { BATCHES, fetchItems } from './items.ts'
import { identify, normalise } from './normalise.ts'
import { AmazonSettings, marketplaceOf } from './settings.ts'
import { requestToken, TokenCache } from './tokens.ts'
import { parseTypedAsin } from './typed-asin.ts'

/** Five failures in a row within a minute stop all requests for five minutes; then one request tests. */
const BREAKER = { failuresMax: 5, windowMs: 60_000, inARow: true, cooldownMs: 300_000 }
/** Requests arrive with the variance of the network, and Amazon refuses those that come early. */
const PACE_MARGIN = 1.05

/**
 * The IP License of the Associates Program: content may be stored for 24 hours and images not at all
 * (section 2), and prices may not be tracked (section 6).
 * https://affiliate-program.amazon.com/help/operating/policies
 */
const LICENCE = { expiresAfterHours: 24, keepPriceHistory: false, storeImages: false } as const

/** Returns the connector with its own cache of tokens. */
export function createAmazon(
  tokens: TokenCache = new TokenCache(),
): Connector<AmazonSettings, AmazonCredentials> {
  return {
    name: 'amazon',
    title: 'A marketplace of Amazon, whose items are read by their ASIN (Creators API)',
    settings: AmazonSettings,
    credentials: amazonCredentials,
    addressSetting: 'apiUrl',
    options: [
      {
        setting: 'marketplace',
        value: 'marketplace',
        description: 'such as www.amazon.de; by default AMAZON_MARKETPLACE',
        variable: 'marketplace',
      },
    ],
    normaliserVersion: 1,
    // The scan keeps it in the hash: each fetch renews the time at which a product expires.
    volatilePaths: ['fetchedAt'],
    idPaths: ['asin'],
    scopes: ['keys'],
    schedule: 'refresh',
    policy: LICENCE,
    rules,
    batches: BATCHES,
    fetch: (request, signal) => fetchItems(request, tokens, signal),
    probe,
    address: ({ apiUrl }) => apiUrl,
    secretsAddresses: (settings, { version }) => [tokenUrlOf(settings, version), settings.apiUrl],
    scan: scanWholeLine,
    unwrap: (line) => line,
    parseKey: parseTypedAsin,
    identify,
    normalise,
  }
}

export const amazon = createAmazon()

/**
 * Amazon counts the requests of a credential: per second and per day. A request for a token has a
 * separate limit, because another server counts it.
 *
 * A circuit breaker belongs to a server and a region group: an outage in Europe does not stop
 * Japan. It is shared by all credentials, because errors of an account never count as an outage.
 */
function rules({
  url,
  settings,
  credentials,
}: RuleRequest<AmazonSettings, AmazonCredentials>): RequestRules {
  const known = settings ?? AmazonSettings.parse({})
  const { requestsPerSecond, requestsPerDay, importReserve } = known
  const own = {
    scope: 'amazon',
    secretKey: true,
    concurrency: null,
    burst: 1,
    isStrict: true,
  } as const
  const id = credentials?.id ?? ''
  const isToken = /\/(oauth2|o2)\/token$/.test(url.pathname)
  const server = isToken ? `${url.host}/token` : url.host
  const breaker = {
    scope: 'amazon',
    key: `${server}/${marketplaceOf(known).group}`,
    policy: BREAKER,
    judgesBody: true,
  }
  // The quota bounds the number of lines in the log.
  const shared = { breaker, logLevel: 'info' } as const
  if (isToken)
    return {
      ...shared,
      limits: [{ ...own, key: `${url.host} token ${id}`, intervalMs: 1_000, burst: 3 }],
    }
  const limit = {
    ...own,
    key: `${url.host} ${id}`,
    intervalMs: (1_000 / requestsPerSecond) * PACE_MARGIN,
    perDay: requestsPerDay,
    reserve: importReserve,
  }
  return { ...shared, limits: [limit] }
}

/** Requests a token, which a wrong credential does not get. It reads no item and uses no quota. */
async function probe(
  { settings, credentials, http }: ProbeRequest<AmazonSettings, AmazonCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const credential = requireCredential(credentials, settings)
  requireTag(credentials, settings)
  await requestToken({ url: tokenUrlOf(settings, credential.version), credential }, http, signal)
}
