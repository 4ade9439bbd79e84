// The theme: that of the system, or the one that the person has chosen. The choice is a cookie, so
// that the first byte of a page already has it.

import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export const THEME_COOKIE = 'shelfsync_theme'
const YEAR_SECONDS = 365 * 86_400

export function readTheme(c: Context): Theme {
  const given = getCookie(c, THEME_COOKIE)
  return THEMES.find((theme) => theme === given) ?? 'system'
}

/** Not HttpOnly: the script of the switch sets it without a request. */
export function saveTheme(c: Context, given: unknown): void {
  const theme = THEMES.find((one) => one === given) ?? 'system'
  setCookie(c, THEME_COOKIE, theme, { path: '/', maxAge: YEAR_SECONDS, sameSite: 'Strict' })
}
