// Responses that a caller may keep and revalidate: each has an ETag of its content, so that an
// unchanged one is 304 without a body.

import type { Context } from 'hono'
import { hashSha256 } from '../../node/hash.ts'
import type { ServerEnv } from './responses.ts'

const TAG_BYTES = 16

/**
 * Sends JSON that the caller has already redacted, or 304 if `If-None-Match` has its ETag. The tag is
 * weak, because the same content is sent compressed and as it is. Only the caller may keep the response,
 * and asks again each time.
 */
export function sendCacheable(c: Context<ServerEnv>, json: string): Response {
  const tag = toEtag(json)
  c.header('ETag', tag)
  c.header('Cache-Control', 'private, no-cache')
  c.header('Vary', 'Accept-Encoding')
  if (matches(c.req.header('If-None-Match'), tag)) return c.body(null, 304)
  return c.body(json, 200, {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(json)),
  })
}

function toEtag(text: string): string {
  const digest = hashSha256(Buffer.from(text)).subarray(0, TAG_BYTES)
  return `W/"${Buffer.from(digest).toString('base64url')}"`
}

/** Compares weakly, as RFC 9110 requires of `If-None-Match`. */
function matches(given: string | undefined, tag: string): boolean {
  if (given === undefined) return false
  if (given.trim() === '*') return true
  const opaque = (one: string): string => one.trim().replace(/^W\//, '')
  return given.split(',').some((one) => opaque(one) === opaque(tag))
}
