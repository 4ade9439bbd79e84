// example-supplier: one address returns the whole catalogue as NDJSON to callers with a key.

import type { Connector, ProbeRequest } from '../../../src/core/connector.ts'
import { fetchPages, openCatalogue } from '../connector/fetch.ts'
import { identify, normalise, scan } from '../connector/normalise.ts'
import { ExampleSupplierSettings } from '../connector/settings.ts'
import {
  exampleSupplierCredentials,
  keyHeaders,
  type ExampleSupplierCredentials,
} from './credentials.ts'

export const exampleSupplier: Connector<ExampleSupplierSettings, ExampleSupplierCredentials> = {
  name: 'example-supplier',
  title: 'example-supplier, a catalogue in one NDJSON response',
  settings: ExampleSupplierSettings,
  credentials: exampleSupplierCredentials,
  addressSetting: 'url',
  options: [{ setting: 'url', value: 'url', description: 'the address of the catalogue' }],
  normaliserVersion: 1,
  volatilePaths: [],
  idPaths: ['id'],
  scopes: ['all'],
  schedule: 'nightly',
  fetch: (request, signal) => fetchPages(request, keyHeaders(request.credentials), signal),
  probe,
  address: ({ url }) => url,
  scan,
  unwrap: (line) => line,
  identify,
  normalise,
}

/** The status of the response shows if the key is accepted; the body is not read. */
async function probe(
  {
    settings,
    credentials,
    http,
  }: ProbeRequest<ExampleSupplierSettings, ExampleSupplierCredentials>,
  signal: AbortSignal,
): Promise<void> {
  const response = await openCatalogue(settings, http, keyHeaders(credentials), signal)
  await response.cancel()
}
