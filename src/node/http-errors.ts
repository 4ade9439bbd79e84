// Names for what goes wrong on a connection. Messages carry the host and the reason, never the path
// or query: those may hold keys.

import { SyncError } from '../core/errors.ts'
import { findErrno } from './system-errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known to DNS',
  EAI_AGAIN: 'DNS did not answer',
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it reset the connection',
  EPIPE: 'it closed the connection',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer the connection attempt',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer the connection attempt',
  UND_ERR_HEADERS_TIMEOUT: 'it did not begin to answer in time',
  UND_ERR_BODY_TIMEOUT: 'it fell silent inside its answer',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_SOCKET: 'it closed the connection without an answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its Content-Length is not the length of its answer',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'its answer is too large',
  // undici asserts that a status has three digits.
  ERR_ASSERTION: 'its answer is not HTTP',
  UND_ERR_DESTROYED: 'the client is closed',
  UND_ERR_CLOSED: 'the client is closed',
}

// What an end before the announced end looks like from inside a body.
const CUTS = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/**
 * Names an error of the connection to `host`. `bodyBytes` is how much of the body had come, null
 * before the headers. What is no error of a connection is returned as it is: a bug must stay one.
 */
export function toConnectionError(error: unknown, host: string, bodyBytes: number | null): unknown {
  if (error instanceof SyncError) return error
  // Several addresses were tried in parallel: their errors are alike, the first one tells.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  if (!(first instanceof Error)) return error
  const code = findErrno(first) ?? first.name
  if (bodyBytes !== null && (CUTS.has(code) || /Invalid EOF state/.test(first.message)))
    return cutShort(host, bodyBytes, error)
  const other =
    first.name === 'HTTPParserError'
      ? 'its answer is not HTTP'
      : 'syscall' in first
        ? 'the connection failed'
        : null
  const reason = REASONS[code] ?? tlsReason(code) ?? other
  if (reason === null) return error
  const what =
    bodyBytes === null ? `No answer from ${host}` : `${host} broke off after ${bodyBytes} bytes`
  return new SyncError('source/unavailable', `${what}: ${reason} (${code})`, { cause: error })
}

export function cutShort(host: string, bodyBytes: number, cause: unknown): SyncError {
  return new SyncError(
    'source/cut-short',
    `${host} ended its answer before its announced end, after ${bodyBytes} bytes`,
    { cause },
  )
}

/** OpenSSL's verification codes (X509_V_ERR_… without the prefix), and Node's own. */
function tlsReason(code: string): string | null {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its TLS certificate is for another host'
  if (/CERT|SIGNATURE|ISSUER|CRL|CHAIN/.test(code)) return 'its TLS certificate is not trusted'
  return code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
    ? 'TLS failed'
    : null
}
