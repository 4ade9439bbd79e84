// Reads the forms that the pages post: small, and from a page of this site only.

import type { Context } from 'hono'
import { SyncError } from '../../core/errors.ts'
import { readRequestText } from '../../lib/read-request-text.ts'

/** A selection of some hundred rows. */
const FORM_BYTES_MAX = 256 * 1024

export type Fields = Readonly<Record<string, string | readonly string[]>>

/**
 * Returns the fields of the form; a repeated field is a list.
 *
 * @throws SyncError `request/too-large` · `request/other-site` · `request/invalid`
 */
export async function readFields(c: Context, webUrl: string | null): Promise<Fields> {
  requireSameSite(c, webUrl)
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  const text = await readRequestText(c.req.raw, FORM_BYTES_MAX)
  if (text !== '' && type !== 'application/x-www-form-urlencoded')
    throw new SyncError('request/invalid', 'The body is not a form')
  return toFields(new URLSearchParams(text))
}

export function toFields(given: URLSearchParams): Fields {
  const fields: Record<string, string | string[]> = {}
  for (const name of new Set(given.keys())) {
    const values = given.getAll(name)
    const [only] = values
    fields[name] = values.length === 1 && only !== undefined ? only : values
  }
  return fields
}

/**
 * Browsers state the site of a form's page in one of these headers. Other
 * programs send neither, and have no cookie that a site could misuse.
 */
function requireSameSite(c: Context, webUrl: string | null): void {
  const site = c.req.header('Sec-Fetch-Site')
  const origin = c.req.header('Origin')
  const isOtherSite = site !== undefined && site !== 'same-origin' && site !== 'none'
  const host = origin === undefined ? null : URL.parse(origin)?.host
  const own = [c.req.header('Host'), webUrl === null ? undefined : URL.parse(webUrl)?.host]
  if (isOtherSite || (host !== null && !own.includes(host)))
    throw new SyncError('request/other-site', 'The form was not sent by a page of this dashboard')
}
