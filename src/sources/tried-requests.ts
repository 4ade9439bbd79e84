// The requests by which the kind of a shop is found out, each with its response in a few words: the
// reason that `add` shows for its choice.

import type { Http, HttpResponse } from '../core/http.ts'
import { isAbort, messageOf } from '../core/errors.ts'

export interface TriedRequest {
  /** The connector that sent it. */
  readonly connector: string
  readonly url: string
  /** `200, JSON`, or the reason of a failed request. */
  readonly response: string
}

/** Returns a client that also adds its requests to `tried`, in the order of the responses. */
export function recordRequests(http: Http, connector: string, tried: TriedRequest[]): Http {
  return async (request, signal) => {
    const record = (response: string): void =>
      void tried.push({ connector, url: request.url, response })
    try {
      const response = await http(request, signal)
      record(describeResponse(request.url, response))
      return response
    } catch (error) {
      if (!isAbort(error))
        record(messageOf(error).replace(/^No response from \S+: /, 'no response: '))
      throw error
    }
  }
}

/** Names the address too when the request was redirected. */
function describeResponse(requested: string, { status, headers, url }: HttpResponse): string {
  const [from, to] = [URL.parse(requested), URL.parse(url)]
  const isRedirected = to !== null && to.href !== from?.href
  const place = !isRedirected
    ? ''
    : to.host === from?.host
      ? ` at ${to.pathname}`
      : ` at ${to.href}`
  return `${status}, ${nameContent(headers)}${place}`
}

function nameContent(headers: Headers): string {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === '') return 'no content type'
  if (/^(application|text)\/([\w.-]+\+)?json$/.test(type)) return 'JSON'
  return NAMES.get(type) ?? type
}

const NAMES = new Map([
  ['text/html', 'web page'],
  ['application/xhtml+xml', 'web page'],
  ['text/plain', 'text'],
  ['text/xml', 'XML'],
  ['application/xml', 'XML'],
])
