// Explains why a connection to Postgres failed. The messages of pg and the server name neither the
// setting nor the remedy.

import { lookup } from 'node:dns/promises'
import { SyncError } from '../core/errors.ts'
import { secretsOfAddress } from '../config/connection-address.ts'
import { createRedactor } from '../telemetry/redact.ts'
import { findErrno } from '../node/system-errors.ts'

interface Place {
  readonly host: string
  readonly port: string
  readonly database: string
  readonly user: string
  /** With sslnegotiation=direct, a server without TLS or before Postgres 17 closes the connection. */
  readonly direct: boolean
}

/** Returns the error as `db/unreachable`, with host, port, database and user, never the password. */
export async function explainConnectError(address: URL, error: unknown): Promise<SyncError> {
  const place = toPlace(address)
  const reason =
    (await explain(error, place)) ?? createRedactor(secretsOfAddress(address.href))(toText(error))
  return new SyncError(
    'db/unreachable',
    `Cannot connect to database ${place.database} at ${place.host}:${place.port}: ${reason}`,
    { cause: error },
  )
}

function toPlace({ hostname, port, pathname, username, password, searchParams }: URL): Place {
  const user = decodeURIComponent(username) || (searchParams.get('user') ?? '')
  // A single word before the "@" may be the password.
  const isShown = username === '' || password !== ''
  return {
    host: decodeURIComponent(hostname) || 'localhost',
    port: port || '5432',
    database: decodeURIComponent(pathname.slice(1)) || (isShown && user) || 'postgres',
    direct: searchParams.get('sslnegotiation') === 'direct',
    user: user === '' ? 'of this system' : isShown ? `"${user}"` : 'in DATABASE_URL',
  }
}

async function explain(error: unknown, place: Place): Promise<string | null> {
  // It has one error for each address that was tried, usually the same one.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  if (!(first instanceof Error)) return null
  const code = findErrno(first) ?? ''
  if (place.direct && (code === 'ECONNRESET' || first.message.startsWith('Connection terminated')))
    return NOT_DIRECT
  if (NETWORK.has(code))
    return (await isIpv6Only(place.host)) ? IPV6_ONLY : `${NETWORK.get(code)} (${code})`
  return (
    authenticationReason(code, first.message, place) ??
    tlsReason(code, first.message) ??
    protocolReason(code, first.message)
  )
}

const NETWORK = new Map([
  ['ENOTFOUND', 'DNS does not know the host; check its name'],
  ['EAI_AGAIN', 'DNS does not respond'],
  [
    'ECONNREFUSED',
    'nothing accepts connections there; check host and port, and that the server runs',
  ],
  ['ECONNRESET', 'the connection was reset before the server responded'],
  ['EHOSTUNREACH', 'the host cannot be reached from this network'],
  ['ENETUNREACH', 'the host cannot be reached from this network'],
  ['EADDRNOTAVAIL', 'the host cannot be reached from this network'],
  ['ETIMEDOUT', 'the host does not respond; a firewall may block the connection'],
  ['ENOENT', 'the socket does not exist; check that the server runs'],
])

const NOT_DIRECT =
  'the server closed the connection during the TLS handshake: sslnegotiation=direct needs Postgres 17 ' +
  'or newer with TLS; remove it from DATABASE_URL'

// https://supabase.com/docs/guides/database/connecting-to-postgres: direct hosts have an IPv4
// address only as an add-on.
const IPV6_ONLY =
  'the host has only an IPv6 address, which this machine cannot reach. ' +
  'For Supabase use the session pooler (…pooler.supabase.com:5432)'

async function isIpv6Only(host: string): Promise<boolean> {
  const found = await lookup(host, { all: true }).catch(() => [])
  // On a machine without IPv6, the resolver may omit such addresses.
  if (found.length === 0) return /^db\..+\.supabase\.co$/.test(host)
  return !/^(\[?::1\]?|localhost)$/.test(host) && found.every(({ family }) => family === 6)
}

function authenticationReason(
  code: string,
  message: string,
  { database, user }: Place,
): string | null {
  if (code === '28P01') return `the password is wrong, or user ${user} does not exist`
  if (/client password must be a string|no password/i.test(message))
    return `the server requires a password, and DATABASE_URL has none`
  if (code === '3D000') return `database "${database}" does not exist on this server`
  if (code === '28000' && /no pg_hba\.conf entry/.test(message)) {
    return /no encryption|SSL off/.test(message)
      ? `the server requires TLS from user ${user}; add sslmode=require to DATABASE_URL`
      : `the server's pg_hba.conf refuses user ${user} from this address to "${database}"`
  }
  if (code === '28000') return `the server does not let user ${user} log in`
  if (code === '42501') return `user ${user} may not connect to database "${database}"`
  return null
}

function tlsReason(code: string, message: string): string | null {
  if (/does not support SSL/.test(message))
    return 'the server has no TLS (SSL), which sslmode in DATABASE_URL requires'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return "the server's TLS certificate is for another host"
  if (/CERT|SIGNATURE|ISSUER|CHAIN/.test(code))
    return `the server's TLS certificate is not trusted (${code}); set sslrootcert to its issuer's`
  if (
    code === 'EPROTO' ||
    code.startsWith('ERR_SSL_') ||
    /error establishing an SSL connection/.test(message)
  )
    return 'TLS failed; is there a Postgres at this port?'
  return null
}

function protocolReason(code: string, message: string): string | null {
  if (code === '57P03') return 'the server is starting or stopping; try again in a moment'
  if (/^53[34]00$/.test(code)) return 'the server has no connection left'
  if (/timeout/i.test(message))
    return 'the host does not respond in time; a firewall may block the connection'
  if (message.startsWith('Connection terminated'))
    return 'the server closed the connection without a reason; is there a Postgres at this port?'
  return null
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message || findErrno(error) || error.name : String(error)
}
