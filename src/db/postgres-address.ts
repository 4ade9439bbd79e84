// The address of a Postgres, as pg can use it. TLS is chosen as libpq chooses it: pg alone verifies
// under `require`, and sends everything in the clear by default.

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
const FORM = 'postgres://user:password@host:5432/database'

/** @throws SyncError `settings/invalid`, which repeats nothing of the address */
export function parsePostgresAddress(databaseUrl: string): URL {
  const problem = findUnencoded(databaseUrl)
  if (problem !== null) throw invalid(`expected ${problem}`)
  const address = parsePostgresUrl(databaseUrl)
  if (address === null) throw invalid(`expected an address of the form ${FORM}, with one host`)
  const mode = address.searchParams.get('sslmode')
  if (mode !== null && !SSL_MODES.includes(mode))
    throw invalid(`expected sslmode to be one of ${SSL_MODES.join(', ')}`)
  const negotiation = address.searchParams.get('sslnegotiation')
  if (negotiation !== null && !['postgres', 'direct'].includes(negotiation))
    throw invalid('expected sslnegotiation to be postgres or direct')
  const ssl = address.searchParams.get('ssl')
  if (ssl !== null && !['true', '1', 'false', '0'].includes(ssl))
    throw invalid('expected ssl to be true or false; sslmode says more')
  if (mode === 'verify-ca' && !address.searchParams.has('sslrootcert')) {
    throw invalid(
      "sslmode=verify-ca needs sslrootcert, the file of the certificate that signed the server's; for a public one use verify-full",
    )
  }
  return address
}

/**
 * The address with the TLS that it asks for; where it asks for none, a server on another machine is
 * asked whether it has it.
 */
export async function chooseTls(address: URL): Promise<string> {
  const url = new URL(address)
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
  // PGSSLNEGOTIATION is for TLS, and pg refuses it without.
  if (!url.searchParams.has('sslnegotiation')) url.searchParams.set('sslnegotiation', 'postgres')
  // A replication connection takes no statements with parameters. `false` keeps PGREPLICATION out,
  // but PgBouncer refuses the very word.
  if (url.searchParams.get('replication') !== 'false') url.searchParams.delete('replication')
  if (mode === 'no-verify') {
    // With a root certificate `require` verifies.
    url.searchParams.delete('sslrootcert')
    url.searchParams.set('sslmode', 'require')
  }
  // Who begins with TLS directly has chosen it.
  if (!['prefer', 'allow'].includes(mode) || url.searchParams.get('sslnegotiation') === 'direct') {
    if (mode === 'prefer' || mode === 'allow') url.searchParams.set('sslmode', 'require')
    return url.href
  }
  const local = /^(|localhost|127\..*|\[::1\]|%2f.*)$/i.test(url.hostname)
  url.searchParams.set('sslmode', local || (await refusesTls(url)) ? 'disable' : 'require')
  return url.href
}

/** pg reads them itself, in the middle of connecting, and its failure would name no setting. */
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
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return false
  } catch (error) {
    return error instanceof Error && /does not support SSL/.test(error.message)
  } finally {
    await client.end()
  }
}

function invalid(problem: string): SyncError {
  return new SyncError('settings/invalid', `DATABASE_URL: ${problem}`)
}
