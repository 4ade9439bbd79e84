// Prepares the address of a Postgres for pg. TLS follows the rules of libpq: pg alone verifies
// certificates under `require`, and by default uses no TLS.

import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { SyncError } from '../core/errors.ts'
import { findUnencoded, parsePostgresUrl } from '../config/connection-address.ts'
import { findErrno } from '../node/system-errors.ts'

const SSL_MODES: readonly string[] = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
]
/** Used without `connect_timeout`. */
const CONNECT_SECONDS = 10
const FORM = 'postgres://user:password@host:5432/database'

/** @throws SyncError `settings/invalid`, which repeats no part of the address */
export function parsePostgresAddress(databaseUrl: string): URL {
  const problem = findUnencoded(databaseUrl)
  if (problem !== null) throw invalid(`expected ${problem}`)
  const address = parsePostgresUrl(databaseUrl)
  if (address === null) throw invalid(`expected an address of the form ${FORM}, with one host`)
  const timeout = address.searchParams.get('connect_timeout')
  if (timeout !== null && !/^[1-9]\d{0,3}$/.test(timeout))
    throw invalid('expected connect_timeout to be whole seconds, from 1 to 9999')
  const mode = address.searchParams.get('sslmode')
  if (mode !== null && !SSL_MODES.includes(mode))
    throw invalid(`expected sslmode to be one of ${SSL_MODES.join(', ')}`)
  const negotiation = address.searchParams.get('sslnegotiation')
  if (negotiation !== null && !['postgres', 'direct'].includes(negotiation))
    throw invalid('expected sslnegotiation to be postgres or direct')
  const ssl = address.searchParams.get('ssl')
  if (ssl !== null && !['true', '1', 'false', '0'].includes(ssl))
    throw invalid('expected ssl to be true or false; sslmode has more values')
  if (mode === 'verify-ca' && !address.searchParams.has('sslrootcert')) {
    throw invalid(
      'sslmode=verify-ca needs sslrootcert, the file of the certificate that signed the ' +
        "server's; for a public one use verify-full",
    )
  }
  if (trustsSystem(address) && mode !== null && mode !== 'verify-full')
    throw invalid('sslrootcert=system needs sslmode=verify-full, or no sslmode')
  return address
}

/** Time for one attempt to connect. pg ignores `connect_timeout` in an address. */
export function connectTimeoutMs({ searchParams }: URL): number {
  return Number(searchParams.get('connect_timeout') ?? CONNECT_SECONDS) * 1_000
}

/**
 * As in libpq, `system` is not a file and implies verify-full. Node's own list of public
 * certificates is used, with those of NODE_EXTRA_CA_CERTS.
 */
function trustsSystem({ searchParams }: URL): boolean {
  return searchParams.get('sslrootcert') === 'system'
}

/**
 * Returns the address with an explicit TLS mode. Without one in the address, a server on another
 * machine is tested for TLS.
 */
export async function chooseTls(address: URL): Promise<string> {
  const url = new URL(address)
  if (trustsSystem(url)) {
    url.searchParams.delete('sslrootcert')
    url.searchParams.set('sslmode', 'verify-full')
  }
  await requireFiles(url)
  const ssl = url.searchParams.get('ssl')
  url.searchParams.delete('ssl')
  url.searchParams.set('uselibpqcompat', 'true')
  // libpq reads ssl=true as sslmode=require too:
  // https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
  const mode =
    url.searchParams.get('sslmode') ??
    (ssl === null ? 'prefer' : /^(true|1)$/.test(ssl) ? 'require' : 'disable')
  url.searchParams.set('sslmode', mode)
  // pg refuses PGSSLNEGOTIATION without TLS.
  if (!url.searchParams.has('sslnegotiation')) url.searchParams.set('sslnegotiation', 'postgres')
  // A replication connection accepts no statements with parameters. `false` overrides
  // PGREPLICATION, but PgBouncer refuses any value.
  if (url.searchParams.get('replication') !== 'false') url.searchParams.delete('replication')
  if (mode === 'no-verify') {
    // With a root certificate `require` verifies.
    url.searchParams.delete('sslrootcert')
    url.searchParams.set('sslmode', 'require')
  }
  // Direct negotiation implies TLS.
  if (!['prefer', 'allow'].includes(mode) || url.searchParams.get('sslnegotiation') === 'direct') {
    if (mode === 'prefer' || mode === 'allow') url.searchParams.set('sslmode', 'require')
    return url.href
  }
  const local = /^(|localhost|127\..*|\[::1\]|%2f.*)$/i.test(url.hostname)
  url.searchParams.set('sslmode', local || (await refusesTls(url)) ? 'disable' : 'require')
  return url.href
}

/** Checked here because the error of pg would name no setting. */
async function requireFiles({ searchParams }: URL): Promise<void> {
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = searchParams.get(name)
    if (file === null) continue
    await readFile(file).catch((cause: unknown) => {
      throw invalid(`the file of ${name} cannot be read (${findErrno(cause)})`)
    })
  }
}

async function refusesTls(address: URL): Promise<boolean> {
  const url = new URL(address)
  url.searchParams.set('sslmode', 'require')
  const client = new pg.Client({
    connectionString: url.href,
    connectionTimeoutMillis: connectTimeoutMs(url),
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return false
  } catch (error) {
    return error instanceof Error && /does not support SSL/.test(error.message)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function invalid(problem: string): SyncError {
  return new SyncError('settings/invalid', `DATABASE_URL: ${problem}`)
}
