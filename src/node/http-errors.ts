// Converts connection errors into SyncErrors. Messages contain the host and the reason, never the
// path or query, which may contain keys.

import { SyncError } from '../core/errors.ts'
import { findErrno } from './system-errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name does not exist in DNS',
  EAI_AGAIN: 'DNS did not respond',
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it reset the connection',
  EPIPE: 'it closed the connection',
  EHOSTUNREACH: 'no route leads to it',
  ENETUNREACH: 'no route leads to it',
  ETIMEDOUT: 'it did not accept the connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept the connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not begin its response in time',
  UND_ERR_BODY_TIMEOUT: 'it stopped sending during its response',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_SOCKET: 'it closed the connection without a response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its Content-Length differs from the length of its response',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'its response is too large',
  // undici asserts that a status has three digits.
  ERR_ASSERTION: 'its response is not HTTP',
  UND_ERR_DESTROYED: 'the client is closed',
  UND_ERR_CLOSED: 'the client is closed',
}

// Codes of a body that ends before its announced end.
const CUTS = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/**
 * Converts an error of the connection to `host`. `bodyBytes` is the size of the body so far, null
 * before the headers. Other errors are returned unchanged, because they are bugs.
 */
export function toConnectionError(error: unknown, host: string, bodyBytes: number | null): unknown {
  if (error instanceof SyncError) return error
  // Several addresses were tried in parallel, and the first error is representative.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  if (!(first instanceof Error)) return error
  const code = findErrno(first) ?? first.name
  if (bodyBytes !== null && (CUTS.has(code) || /Invalid EOF state/.test(first.message)))
    return createCutShortError(host, bodyBytes, error)
  const other =
    first.name === 'HTTPParserError'
      ? 'its response is not HTTP'
      : 'syscall' in first
        ? 'the connection failed'
        : null
  const reason = REASONS[code] ?? findTlsReason(code) ?? other
  if (reason === null) return error
  const what =
    bodyBytes === null
      ? `No response from ${host}`
      : `${host} ended its response after ${bodyBytes} bytes`
  return new SyncError('source/unavailable', `${what}: ${reason} (${code})`, { cause: error })
}

export function createCutShortError(host: string, bodyBytes: number, cause: unknown): SyncError {
  return new SyncError(
    'source/cut-short',
    `${host} ended its response before its announced end, after ${bodyBytes} bytes`,
    { cause },
  )
}

/** Reads OpenSSL's verification codes (X509_V_ERR_… without the prefix) and those of Node. */
function findTlsReason(code: string): string | null {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its TLS certificate is for another host'
  if (/CERT|SIGNATURE|ISSUER|CRL|CHAIN/.test(code)) return 'its TLS certificate is not trusted'
  return code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
    ? 'TLS failed'
    : null
}
