// A website on loopback that the connector reads directly, without a pipeline or a database.

import type { TestContext } from 'node:test'
import {
  startWebsite,
  type SiteOptions,
  type SiteSimulator,
} from '../../simulators/website/server.ts'
import { website } from '../../src/connectors/website/connector.ts'
import type { WebsiteCredentials } from '../../src/connectors/website/credentials.ts'
import { WebsiteSettings } from '../../src/connectors/website/settings.ts'
import type { FetchRequest, Page } from '../../src/core/connector.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { listLines } from './shopify.ts'

export const NO_CREDENTIALS: WebsiteCredentials = { signature: null, firecrawl: null }

export async function openSite(t: TestContext, options: SiteOptions = {}): Promise<SiteSimulator> {
  const simulator = await startWebsite(options)
  t.after(() => simulator.close())
  return simulator
}

type ReadOptions = Partial<
  Omit<FetchRequest<WebsiteSettings, WebsiteCredentials>, 'settings' | 'warn'>
> & {
  readonly settings?: Partial<WebsiteSettings>
  readonly warnings?: string[]
}

export function fetchSite(
  t: TestContext,
  { url }: Pick<SiteSimulator, 'url'>,
  { settings = {}, warnings = [], ...wish }: ReadOptions = {},
): AsyncIterable<Page> {
  return website.fetch(
    {
      settings: WebsiteSettings.parse({ url, minIntervalMs: 0, ...settings }),
      credentials: NO_CREDENTIALS,
      scope: { kind: 'all' },
      cursor: null,
      http: openHttp(t),
      warn: (message) => void warnings.push(message),
      ...wish,
    },
    new AbortController().signal,
  )
}

export function openHttp(t: TestContext) {
  const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'shelfsync-test' })
  t.after(() => http.close())
  return http
}

export async function readSite(
  t: TestContext,
  simulator: Pick<SiteSimulator, 'url'>,
  options?: ReadOptions,
): Promise<Page[]> {
  return Array.fromAsync(fetchSite(t, simulator, options))
}

/** The paths of the pages in lines, in their order. */
export function listPaths(pages: readonly Page[]): string[] {
  return listLines(pages).map((line) => new URL(JSON.parse(line).address).pathname)
}

/** Lines of an earlier fetch, as the pipeline passes them on. */
export async function* replayLines(pages: readonly Page[]): AsyncGenerator<Uint8Array> {
  for (const line of listLines(pages)) yield new TextEncoder().encode(line)
}

export function recogniseSite(
  t: TestContext,
  address: string,
  credentials: WebsiteCredentials | null = null,
) {
  if (!website.recognise) throw new Error('The connector does not recognise sites')
  return website.recognise(new URL(address), openHttp(t), new AbortController().signal, credentials)
}
