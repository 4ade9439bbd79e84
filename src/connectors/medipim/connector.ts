// The connector of MediPim, a product catalogue for pharmacies (API v4). One stream returns every
// product touched since an instant; a full run requests everything since 1970.

import type { Connector, FetchRequest, Page, RuleRequest } from '../../core/connector.ts'
import { isAbort, SyncError } from '../../core/errors.ts'
import type { RequestRules } from '../../core/limits.ts'
import { cutText } from '../../lib/text.ts'
import { openApi, type Api } from './api.ts'
import { medipimCredentials, type Key, type MedipimCredentials } from './credentials.ts'
import { hideKey } from './responses.ts'
import { findDrift } from './fields.ts'
import { marketOf, medipimSettings, type MedipimSettings } from './market.ts'
import { normalise, readId, unwrap } from './normalise.ts'
import { scanLine } from './scan.ts'
import { readPages } from './stream.ts'
import { readPosition } from './stream-progress.ts'

export const medipim: Connector<MedipimSettings, MedipimCredentials> = {
  name: 'medipim',
  title: 'MediPim, the product catalogue of pharmacies (API v4)',
  settings: medipimSettings,
  credentials: medipimCredentials,
  addressSetting: 'apiUrl',
  options: [
    {
      setting: 'market',
      value: 'market',
      description: 'au, be, fr, de or us; by default the market that the address names',
    },
    {
      setting: 'apiUrl',
      value: 'url',
      description: 'the API; by default MEDIPIM_API_URL',
      variable: 'apiUrl',
    },
  ],
  normaliserVersion: 1,
  volatilePaths: ['meta.updatedAt', 'meta.embedUrl'],
  idPaths: ['result.id', 'results.*.id'],
  scopes: ['all', 'since'],
  schedule: { cron: '17 3 * * *', zone: 'Australia/Sydney', fullOn: 'sunday' },
  rules,
  fetch: fetchPages,
  probe: listFields,
  address: ({ apiUrl }) => apiUrl,
  scan: (line, arrivedMs) => scanLine(line, 0, line.byteLength, arrivedMs),
  unwrap,
  identify: readId,
  normalise: (record, settings) => normalise(record, marketOf(settings)),
}

/**
 * A key may make 100 requests a minute, of which these rules allow 10 at once and 90 spread over it:
 * in no minute are there more. Any number of streams may be open.
 */
function rules({
  url,
  credentials,
}: RuleRequest<MedipimSettings, MedipimCredentials>): RequestRules {
  const key = `${url.host} ${credentials?.key?.id ?? ''}`
  const limit = { scope: 'medipim', key, secretKey: true, intervalMs: 60_000 / 90, burst: 10 }
  return {
    limits: [{ ...limit, concurrency: null }],
    breaker: { scope: 'host', key: url.host },
  }
}

type Request = FetchRequest<MedipimSettings, MedipimCredentials>

const FIELDS_SHOWN = 60
const FIELD_CHARS_MAX = 60

async function* fetchPages(request: Request, signal: AbortSignal): AsyncGenerator<Page> {
  const { settings, scope, http, warn } = request
  const key = requireKey(request)
  const resumed = readPosition(request.cursor)
  const api = openApi(settings.apiUrl, key, http, signal)
  if (resumed === null) await reportDrift(api, settings, warn, hideKey(key))

  const wanted = scope.kind === 'since' ? Math.floor(scope.sinceMs / 1000) : 0
  const response = await api.openStream(Math.max(wanted, resumed?.touchedAt ?? 0))
  try {
    yield* readPages(response.status === 204 ? null : response.body, resumed, warn, hideKey(key))
  } finally {
    await response.cancel()
  }
}

/** Requests the list of fields, a few kilobytes that every key may read. */
async function listFields(
  request: Pick<Request, 'settings' | 'credentials' | 'http'>,
  signal: AbortSignal,
): Promise<void> {
  const { settings, http } = request
  await openApi(settings.apiUrl, requireKey(request), http, signal).listFields()
}

function requireKey({ credentials: { key } }: Pick<Request, 'credentials'>): Key {
  if (key === null)
    throw new SyncError('settings/invalid', `No key for MediPim: ${medipimCredentials.hint}`)
  return key
}

/**
 * Formats field names for a warning. The supplier controls them, so the key is hidden, and their
 * number and length are limited.
 */
function namesOf(fields: readonly string[], hide: (text: string) => string): string {
  const names = fields
    .slice(0, FIELDS_SHOWN)
    .map((field) => cutText(hide(field), FIELD_CHARS_MAX))
    .join(', ')
  return fields.length > FIELDS_SHOWN ? `${names} and ${fields.length - FIELDS_SHOWN} more` : names
}

/**
 * Warns about new and vanished fields. A failure to list the fields is only a warning, unless the
 * key is wrong or the supplier requests a wait: these end the fetch.
 */
async function reportDrift(
  api: Api,
  { market }: MedipimSettings,
  warn: Request['warn'],
  hide: (text: string) => string,
): Promise<void> {
  try {
    const { added, vanished } = findDrift(await api.listFields(), market)
    if (added.length > 0)
      warn(`MediPim lists fields that are kept in raw only: ${namesOf(added, hide)}`)
    if (vanished.length > 0)
      warn(`MediPim no longer lists fields that this connector reads: ${namesOf(vanished, hide)}`)
  } catch (error) {
    if (!(error instanceof SyncError) || isAbort(error)) throw error
    const { status } = error.detail
    if (status === 401 || status === 429 || error.retryAfterMs !== null) throw error
    warn(`The list of MediPim's fields could not be compared: ${error.message}`)
  }
}
