// The notice above the page that follows an action. It travels in a cookie, so that the address
// stays the one of the page and a reload shows no notice again.

import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'

const Notice = z.object({ tone: z.enum(['good', 'bad']), text: z.string() })
export type Notice = z.output<typeof Notice>

const COOKIE = 'shelfsync_notice'
const SECONDS = 60
/** A browser keeps cookies up to 4,096 bytes. */
const TEXT_CHARS_MAX = 600

export function leaveNotice(c: Context, { tone, text }: Notice): void {
  const value = JSON.stringify({ tone, text: text.slice(0, TEXT_CHARS_MAX) })
  setCookie(c, COOKIE, value, { path: '/', maxAge: SECONDS, httpOnly: true, sameSite: 'Strict' })
}

/** Returns the notice once. */
export function takeNotice(c: Context): Notice | null {
  const given = getCookie(c, COOKIE)
  if (given === undefined) return null
  deleteCookie(c, COOKIE, { path: '/' })
  const { data } = Notice.safeParse(parse(given))
  return data ?? null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
