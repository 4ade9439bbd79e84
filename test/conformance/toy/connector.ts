// A small connector that fulfils the whole contract, or has one defect. The tests of the engine use
// it without a defect.

import { z } from 'zod'
import type { Connector } from '../../../src/core/connector.ts'
import type { Draft } from '../../../src/core/product.ts'
import { declareCredentials, type ToyCredentials } from './credentials.ts'
import type { Has } from './defects.ts'
import { fetchPages, probe, ToySettings } from './pages.ts'
import { findId, scanLine, toDraft, unwrapLine } from './record.ts'

export function createToyConnector(has: Has): Connector<ToySettings, ToyCredentials> {
  let count = 0
  const settings: z.ZodType<ToySettings> = has('accepts any settings')
    ? z.looseObject({ url: z.any() })
    : has('has a setting for its key')
      ? ToySettings.extend({ apiKey: z.string().default('') })
      : ToySettings
  const counts =
    has('puts a counter into titles') || has('does not scan, and puts a counter into titles')
  const normalise = (record: unknown): Draft => toDraft(record, counts ? ` ${++count}` : '', has)
  return {
    name: 'toy',
    title: 'A connector for the tests of the suite itself',
    settings,
    credentials: declareCredentials(has),
    addressSetting: 'url',
    options: has('has an option without a setting')
      ? [{ setting: 'colour', value: 'colour', description: 'the colour of the toys' }]
      : [],
    normaliserVersion: 1,
    volatilePaths: has('masks no volatile member') ? [] : ['seen', 'updated_at'],
    idPaths: has('does not declare idPaths') ? ['id'] : ['record.id'],
    scopes: has('declares no scope') ? [] : ['all', 'since', 'keys'],
    schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'sunday' },
    fetch: (request, signal) =>
      fetchPages(request, has('ignores the signal') ? new AbortController().signal : signal, has),
    probe: has('does not probe') ? () => Promise.resolve() : probe,
    rules: () => ({ limits: [], breaker: null }),
    address: ({ url }) => url,
    scan: (line, arrivedMs) => scanLine(line, arrivedMs, has),
    unwrap: unwrapLine,
    identify: has('normalises to find the id')
      ? (record) => normalise(record).externalId
      : (record) => findId(record, has),
    normalise,
  }
}
