// example-supplier: one address returns the whole catalogue as NDJSON.

import type { Connector } from '../../../src/core/connector.ts'
import { NO_CREDENTIALS } from '../../../src/core/credentials.ts'
import { fetchPages } from './fetch.ts'
import { identify, normalise, scan } from './normalise.ts'
import { ExampleSupplierSettings } from './settings.ts'

export const exampleSupplier: Connector<ExampleSupplierSettings> = {
  name: 'example-supplier',
  title: 'example-supplier, a catalogue in one NDJSON response',
  settings: ExampleSupplierSettings,
  credentials: NO_CREDENTIALS,
  addressSetting: 'url',
  options: [{ setting: 'url', value: 'url', description: 'the address of the catalogue' }],
  normaliserVersion: 1,
  volatilePaths: [],
  idPaths: ['id'],
  scopes: ['all'],
  schedule: 'nightly',
  fetch: (request, signal) => fetchPages(request, {}, signal),
  address: ({ url }) => url,
  scan,
  unwrap: (line) => line,
  identify,
  normalise,
}
