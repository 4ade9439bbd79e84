// Sessions of signed-in people. The cookie has a random token, and the database its hash. A session
// also proves the key of its sign-in, so that it is over when that key is no longer accepted.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { hashSha256 } from '../../node/hash.ts'
import type { Db } from '../../db/pool.ts'
import { endSession, findSession, openSession } from '../../db/write/sessions.ts'
import type { User } from './page.ts'

const TOKEN_BYTES = 32
const HOUR_SECONDS = 3600
/** A working day for a person who decides; a month for a screen on a wall, which may only look. */
const LIFETIME_SECONDS = { write: 12 * HOUR_SECONDS, read: 30 * 24 * HOUR_SECONDS } as const

export interface SessionKeys {
  /** The keys that may write, and those that may only look. */
  readonly keys: readonly string[]
  readonly readKeys: readonly string[]
}

export interface Session extends Omit<User, 'address'> {
  readonly token: string
}

export interface SignedIn {
  readonly name: string
  readonly mayWrite: boolean
  /** The key of the sign-in. */
  readonly key: string
}

export interface Sessions {
  /** Opens a session and sets its cookie. */
  open(c: Context, person: SignedIn): Promise<void>
  /** Returns null without a valid session. @throws SyncError `db/…` */
  find(c: Context): Promise<Session | null>
  /** Signs out. */
  end(c: Context): Promise<void>
}

export interface SessionOptions extends SessionKeys {
  readonly db: Db
  /** WEB_URL, by which the cookie is for TLS only, or null. */
  readonly webUrl: string | null
  /** Deadline of the database. */
  readonly responseMs: number
}

export function createSessions(options: SessionOptions): Sessions {
  const { db, keys, readKeys, responseMs } = options
  return {
    async open(c, { name, mayWrite, key }) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const lifetimeSeconds = LIFETIME_SECONDS[mayWrite ? 'write' : 'read']
      await openSession(db, {
        tokenHash: hashToken(token),
        name,
        mayWrite,
        keyProof: proveKey(key, token),
        lifetimeSeconds,
      })
      const secure = isSecure(c, options)
      setCookie(c, toCookieName(secure), token, {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure,
        maxAge: lifetimeSeconds,
      })
    },
    async find(c) {
      const token = getCookie(c, toCookieName(isSecure(c, options)))
      if (token === undefined) return null
      const row = await findSession(db, hashToken(token), responseMs)
      if (row === null) return null
      const accepted = row.mayWrite ? keys : readKeys
      const isAccepted = accepted.some((key) => timingSafeEqual(proveKey(key, token), row.keyProof))
      if (!isAccepted) return null
      const { name, mayWrite } = row
      return { name, mayWrite, csrfToken: toCsrfToken(token), token }
    },
    async end(c) {
      const secure = isSecure(c, options)
      const token = getCookie(c, toCookieName(secure))
      if (token !== undefined) await endSession(db, hashToken(token))
      deleteCookie(c, toCookieName(secure), { path: '/', secure })
    },
  }
}

/** True if `given`, a field of a form, is the token of the session. */
export function isCsrfToken({ csrfToken }: Pick<Session, 'csrfToken'>, given: unknown): boolean {
  if (typeof given !== 'string') return false
  return timingSafeEqual(hashSha256(Buffer.from(given)), hashSha256(Buffer.from(csrfToken)))
}

/**
 * True if the browser has reached the site over TLS. The header may be forged, but only makes the
 * caller's cookie stricter.
 */
function isSecure(c: Context, { webUrl }: Pick<SessionOptions, 'webUrl'>): boolean {
  return webUrl?.startsWith('https:') === true || c.req.header('X-Forwarded-Proto') === 'https'
}

/** With the prefix, a browser accepts the cookie from this host only, and over TLS only. */
function toCookieName(secure: boolean): string {
  return secure ? '__Host-shelfsync_session' : 'shelfsync_session'
}

function hashToken(token: string): Uint8Array {
  return hashSha256(Buffer.from(token))
}

function proveKey(key: string, token: string): Buffer {
  return createHmac('sha256', key).update(token).digest()
}

function toCsrfToken(token: string): string {
  return createHmac('sha256', token).update('csrf').digest('base64url')
}
