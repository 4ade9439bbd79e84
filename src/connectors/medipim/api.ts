// The two requests of a sync. A key may make 100 requests a minute, and a whole stream counts as
// one.

import { SyncError } from '../../core/errors.ts'
import type { Http, HttpRequest, HttpResponse } from '../../core/http.ts'
import { readBytes } from '../../lib/read-body.ts'
import type { Key } from './credentials.ts'
import { basicToken, refusalOf } from './responses.ts'
import { isObject, listObjects } from '../../lib/objects.ts'
import { textOf } from './values.ts'

/** MediPim may need minutes to filter the whole catalogue before it sends the first line. */
const FIRST_BYTE_TIMEOUT_MS = 300_000
const IDLE_TIMEOUT_MS = 60_000
const FIELDS_BYTES_MAX = 4 * 1024 ** 2

export interface Api {
  /**
   * Requests every product touched at or after `since` (unix seconds), of any status, oldest first.
   */
  openStream(since: number): Promise<HttpResponse>
  /** Returns the codes of all product fields. */
  listFields(): Promise<string[]>
}

/**
 * Opens the API. Each call sends one request without retries.
 *
 * @throws SyncError `source/…` for any status but 200 and 204, with the supplier's reason; the key
 * is removed from it
 */
export function openApi(baseUrl: string, key: Key, http: Http, signal: AbortSignal): Api {
  const timeouts = { firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS, idleTimeoutMs: IDLE_TIMEOUT_MS }
  const headers = {
    Authorization: `Basic ${basicToken(key)}`,
    'Content-Type': 'application/json',
  }

  async function send(path: string, request: Omit<HttpRequest, 'url'>): Promise<HttpResponse> {
    const response = await http({ ...timeouts, ...request, url: baseUrl + path }, signal)
    if (response.status === 200 || response.status === 204) return response
    throw await refusalOf(response, key)
  }

  return {
    // Only a filter by time reaches every status: `no_selection` appears in responses, and the
    // documentation does not list it for the status filter.
    openStream: (since) =>
      send('/v4/products/stream', {
        method: 'POST',
        headers: { ...headers, Accept: 'application/x-json-stream' },
        body: JSON.stringify({ filter: { updatedSince: since }, sorting: { touchedAt: 'ASC' } }),
      }),

    async listFields() {
      const response = await send('/v4/products/get-fields', {
        method: 'GET',
        headers: { ...headers, Accept: 'application/json' },
      })
      return fieldCodes(await readBytes(response, FIELDS_BYTES_MAX))
    },
  }
}

/** @throws SyncError `source/malformed` when the response contains no field */
function fieldCodes(answer: Uint8Array): string[] {
  let parsed: unknown = null
  try {
    parsed = JSON.parse(new TextDecoder().decode(answer))
  } catch {
    // A response that is not JSON contains no field.
  }
  const codes = listObjects(isObject(parsed) ? parsed.fields : null).map(({ code }) => textOf(code))
  if (codes.length === 0)
    throw new SyncError('source/malformed', 'the response of get-fields contains no field')
  return codes.filter((code) => code !== null)
}
