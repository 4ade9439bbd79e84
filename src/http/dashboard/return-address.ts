// The address to which a sign-in or an action returns: a path of this site, and nothing else.

const HERE = 'http://here.invalid'

/** Returns the path and query, or `fallback` for an address of another site or of no page. */
export function toOwnPath(given: unknown, fallback = '/'): string {
  if (typeof given !== 'string' || !given.startsWith('/')) return fallback
  const url = URL.parse(given, HERE)
  return url?.origin === HERE ? `${url.pathname}${url.search}${url.hash}` : fallback
}
