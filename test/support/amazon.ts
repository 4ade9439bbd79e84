// The Creators API on loopback that the connector reads directly, without a pipeline or a database.

import type { TestContext } from 'node:test'
import {
  startAmazon,
  type AmazonOptions,
  type AmazonSimulator,
} from '../../simulators/amazon/server.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { tokenPathOf } from '../../simulators/amazon/tokens.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import type { AmazonCredentials, Credential } from '../../src/connectors/amazon/credentials.ts'
import { AmazonSettings } from '../../src/connectors/amazon/settings.ts'
import type { TokenCache } from '../../src/connectors/amazon/tokens.ts'
import type { FetchRequest, Page } from '../../src/core/connector.ts'
import { fetchHttp, listLines } from './shopify.ts'

export const GET_ITEMS = '/catalog/v1/getItems'

/** The environment variables of a credential. */
export const variablesOf = ({ id, secret, version }: Credential) => ({
  AMAZON_CREDENTIAL_ID: id,
  AMAZON_CREDENTIAL_SECRET: secret,
  AMAZON_CREDENTIAL_VERSION: version,
})
export const CREDENTIAL_VARIABLES = variablesOf(DEFAULTS.credential)

export async function openAmazon(
  t: TestContext,
  options: AmazonOptions = {},
): Promise<AmazonSimulator> {
  const simulator = await startAmazon({ isShuffled: true, ...options })
  t.after(() => simulator.close())
  return simulator
}

export interface ReadOptions extends Partial<Pick<FetchRequest, 'cursor' | 'http'>> {
  readonly settings?: Partial<AmazonSettings>
  readonly credentials?: Partial<AmazonCredentials>
  readonly warnings?: string[]
  readonly tokens?: TokenCache
}

export function settingsOf(
  { url }: AmazonSimulator,
  { version }: { readonly version: string } = DEFAULTS.credential,
): Partial<AmazonSettings> {
  return { apiUrl: url, tokenUrl: url + tokenPathOf(version), partnerTag: 'simulated-20' }
}

/** Reads these items, with the credential of the simulator by default. */
export async function readAmazon(
  simulator: AmazonSimulator,
  keys: readonly string[],
  options: ReadOptions = {},
): Promise<Page[]> {
  const { credential } = DEFAULTS
  const credentials = {
    ...credential,
    tag: null,
    tags: {},
    oldVariables: [],
    ...options.credentials,
  }
  const version = credentials.version ?? credential.version
  const settings = { ...settingsOf(simulator, { version }), ...options.settings }
  const request = {
    settings: AmazonSettings.parse(settings),
    credentials,
    scope: { kind: 'keys', keys },
    cursor: options.cursor ?? null,
    http: options.http ?? fetchHttp,
    warn: (message: string) => void options.warnings?.push(message),
  } as const
  const connector = createAmazon(options.tokens)
  return Array.fromAsync(connector.fetch(request, new AbortController().signal))
}

/** The archived records by ASIN. */
export function recordsOf(pages: readonly Page[]): Map<string, Record<string, unknown>> {
  return new Map(
    listLines(pages)
      .map((line) => JSON.parse(line))
      .map((one) => [one.asin, one]),
  )
}
