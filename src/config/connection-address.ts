// Addresses with a user name and a password: of Postgres, Redis and proxies. They are parsed here,
// because other parsers read the rest of a password after an unencoded "/" or "#" as a host or a
// path and print it. Text between "//" and the last "@" is secret: no message repeats it.

/**
 * Encodings of the characters that end a user name or a password. All others are encoded
 * automatically.
 */
const ENCODED: Readonly<Record<string, string>> = {
  '/': '%2F',
  '?': '%3F',
  '#': '%23',
  '@': '%40',
  '\\': '%5C',
  '%': '%25',
  ' ': '%20',
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

interface Parts {
  readonly scheme: string
  /** As written in the address, or null without an "@". */
  readonly credentials: string | null
  /** Host, port, path and query. */
  readonly place: string
}

/**
 * Describes the unencoded characters of `address` and their encodings, as the end of a sentence
 * that begins with the name of the setting. Returns null for a valid address. The text contains no
 * other part of the address.
 */
export function findUnencoded(address: string): string | null {
  const parts = split(address)
  if (parts === null) return null
  const { credentials, place } = parts
  const stray = [...new Set((credentials ?? '').match(/[/?#@\\\s]|%(?![0-9a-f]{2})/gi) ?? [])]
  if (stray.length > 0) {
    const ways = stray.map(
      (character) =>
        `"${/\s/.test(character) ? ' ' : character}" as ${ENCODED[character] ?? '%20'}`,
    )
    return `user name and password to be percent-encoded: write ${listed([...new Set(ways)])} before the last "@"`
  }
  if (credentials !== null && decode(credentials) === null)
    return 'user name and password to be percent-encoded UTF-8'
  return decode(place) === null ? 'every "%" after the host to be written as %25' : null
}

/**
 * Returns the decoded user name and password, or null without an "@" or if `findUnencoded` reports
 * a problem.
 */
export function credentialsOf(address: string): Credentials | null {
  const { credentials = null } = split(address) ?? {}
  if (credentials === null || findUnencoded(address) !== null) return null
  const [, user = '', password = ''] = /^([^:]*):?([^]*)$/.exec(credentials) ?? []
  return { user: decode(user) ?? user, password: decode(password) ?? password }
}

/**
 * Returns the address with its user name and password fully encoded, so that every parser reads the
 * same.
 */
export function canonicalAddress(address: string): string {
  const parts = split(address)
  const credentials = credentialsOf(address)
  if (parts === null || credentials === null) return address
  const password = credentials.password === '' ? '' : `:${encodeURIComponent(credentials.password)}`
  return `${parts.scheme}//${encodeURIComponent(credentials.user)}${password}@${parts.place}`
}

/**
 * Parses the address of one Postgres server. Returns null if it is not valid. Host and port may be
 * in the query, and the host of a local server may be omitted or be the folder of its socket:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
export function parsePostgresUrl(address: string): URL | null {
  const url = URL.parse(
    canonicalAddress(address).replace(
      /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)(?=[:/?#]|$)/,
      '$1localhost',
    ),
  )
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) return null
  const { host, port } = Object.fromEntries(url.searchParams)
  if (host)
    url.hostname = host.startsWith('/')
      ? encodeURIComponent(host)
      : host.includes(':')
        ? `[${host}]`
        : host
  if (port) url.port = port
  const isRead =
    (!host ||
      (host.startsWith('/') ? decode(url.hostname) : url.hostname.replace(/^\[(.*)\]$/, '$1')) ===
        host) &&
    (!port || url.port === port)
  if (!isRead || url.hostname.includes(',')) return null
  for (const name of ['host', 'port']) url.searchParams.delete(name)
  return url
}

/**
 * Describes the expected form of an invalid address of one or several Redis servers, as the end of
 * a sentence. Returns null for a valid address. The text contains no part of the address.
 */
export function findRedisFault(address: string): string | null {
  const { scheme = '', place = '' } = split(address) ?? {}
  const [, hosts = '', path = ''] = /^([^/?#]*)([^?#]*)/.exec(place) ?? []
  const isSingle = /^rediss?:$/.test(scheme)
  const nodes = isSingle ? [hosts] : hosts.split(',')
  if (nodes.some((node) => !URL.parse(`redis://${node}`)?.hostname)) {
    return isSingle
      ? 'a host before the path, with an optional port up to 65535'
      : 'hosts separated by commas, each with an optional port up to 65535'
  }
  return isSingle && !/^\/?\d*$/.test(path) ? 'only the number of a database after the host' : null
}

/** Returns scheme, host, port and path, which may be shown. */
export function showableAddress(address: string): string {
  const { scheme, place } = split(address) ?? { scheme: '', place: '' }
  return scheme === '' ? 'no address' : `${scheme}//${place.replace(/[?#][^]*$/, '')}`
}

/** Lists the secrets in `address`, both encoded and decoded. */
export function secretsOfAddress(address: string): string[] {
  const credentials = credentialsOf(address)
  const written =
    /:([^]*)$/.exec(split(address)?.credentials?.replace(/^[^:]*/, '') ?? '')?.[1] ?? ''
  const parameters = [
    ...new URLSearchParams(/\?([^#]*)/.exec(split(address)?.place ?? '')?.[1] ?? ''),
  ]
  const hidden = parameters
    .filter(([name]) => /password|secret|token/i.test(name))
    .map(([, value]) => value)
  // A password equal to the user's name, as in many local databases, is not a secret.
  const own =
    credentials === null || credentials.password === credentials.user
      ? []
      : [written, credentials.password]
  return [...own, ...hidden].filter((secret) => secret !== '')
}

function split(address: string): Parts | null {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*:)\/\/([^]*)$/i.exec(address) ?? []
  if (scheme === undefined || rest === undefined) return null
  const at = rest.lastIndexOf('@')
  return { scheme, credentials: at === -1 ? null : rest.slice(0, at), place: rest.slice(at + 1) }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
