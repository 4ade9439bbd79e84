// Keeps staging apart from production: no secret, no database and no storage may be the same.

import { parsePostgresUrl, credentialsOf } from '../../src/config/connection-address.ts'
import { isSecret } from '../../src/config/settings-schema.ts'
import { isSourceVariable } from '../../src/core/credentials.ts'
import { DeployError } from './deploy-error.ts'
import type { Values } from './environment.ts'

const DATABASES = ['DATABASE_URL', 'MIGRATE_DATABASE_URL'] as const

/** @throws DeployError which names what staging shares with production, and no value */
export function refuseProduction(staging: Values, production: Values): void {
  const problems = [
    ...listSharedSecrets(staging, production),
    ...listSharedDatabases(staging, production),
    ...listSharedStorage(staging, production),
  ]
  if (problems.length === 0) return
  throw new DeployError(
    [
      'Staging would use what belongs to production:',
      ...new Set(problems),
      'Give .env.staging its own keys, database and storage',
    ].join('\n  '),
  )
}

/** A secret may have another name there: the SYNC_KEY of one as the ADMIN_KEY of the other. */
function listSharedSecrets(staging: Values, production: Values): string[] {
  const names = new Map(listSecrets(production).map(([name, value]) => [value, name]))
  return listSecrets(staging).flatMap(([name, value]) => {
    const other = names.get(value)
    return other === undefined ? [] : [`${name}: the same value as ${other} in .env`]
  })
}

function listSecrets(values: Values): (readonly [name: string, value: string])[] {
  return Object.entries(values).filter(([name]) => isSecret(name) || isSourceVariable(name))
}

function listSharedDatabases(staging: Values, production: Values): string[] {
  const used = new Set(DATABASES.map((name) => identifyDatabase(production[name])))
  return DATABASES.filter((name) => {
    const database = identifyDatabase(staging[name])
    return database !== null && used.has(database)
  }).map((name) => `${name}: the same database as in .env`)
}

/** Supabase reaches one database by several hosts and ports. */
function identifyDatabase(address: string | undefined): string | null {
  const url = address === undefined ? null : parsePostgresUrl(address)
  if (url === null || address === undefined) return null
  const database = decodeURIComponent(url.pathname.slice(1))
  const [, direct] = /^db\.([a-z0-9]+)\.supabase\.(?:co|com)$/i.exec(url.hostname) ?? []
  const [, pooled] = /\.([a-z0-9]+)$/i.exec(credentialsOf(address)?.user ?? '') ?? []
  const project = direct ?? (/\.pooler\.supabase\.com$/i.test(url.hostname) ? pooled : undefined)
  if (project !== undefined) return `supabase ${project} ${database}`
  return `${url.hostname.toLowerCase()}:${url.port || '5432'} ${database}`
}

function listSharedStorage(staging: Values, production: Values): string[] {
  const problems = []
  const host = ({ SUPABASE_URL: text = '' }: Values) => URL.parse(text)?.host ?? null
  if (host(staging) !== null && host(staging) === host(production))
    problems.push('SUPABASE_URL: the same project as in .env')
  const place = ({ ARTIFACTS = '', S3_ENDPOINT = '' }: Values) =>
    ARTIFACTS.startsWith('s3:') ? `${S3_ENDPOINT} ${ARTIFACTS.replace(/\/+$/, '')}` : null
  if (place(staging) !== null && place(staging) === place(production))
    problems.push('ARTIFACTS: the same place as in .env')
  return problems
}
