// The settings of a deployment: reads them from `.env`, checks them before anything is created, and
// selects those of each app.

import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { parsePostgresUrl } from '../../src/config/connection-address.ts'
import { decodeDotEnv } from '../../src/config/dot-env.ts'
import { findLostStorage } from '../../src/config/lasting-storage.ts'
import { findReaders, SETTING_NAMES } from '../../src/config/settings-schema.ts'
import { loadSettings, type Settings } from '../../src/config/settings.ts'
import { CONNECTORS } from '../../src/connectors/registry.ts'
import { isSourceVariable, parseCredentials } from '../../src/core/credentials.ts'
import { messageOf, SyncError } from '../../src/core/errors.ts'
import { SERVER_ROLES, type Role } from '../../src/core/roles.ts'
import { findErrno } from '../../src/node/system-errors.ts'
import type { App } from './apps.ts'
import { DeployError } from './deploy-error.ts'

export type Values = Readonly<Record<string, string>>

export interface Environment {
  readonly path: string
  readonly text: string
  /** Settings and secrets of single sources, without empty ones. */
  readonly values: Values
  readonly settings: Settings
  /** The login of the owner of the schema. */
  readonly ownerUrl: string
  /** The database as the services reach it; each gets it with its own login. */
  readonly servicesUrl: string
}

/** Settings of the place where a process runs: the configurations of the apps set them. */
const OF_THE_MACHINE: readonly string[] = [
  'SHELFSYNC_HOME',
  'LISTEN_HOST',
  'METRICS_HOST',
  'FETCHER_PORT',
  'MAINTAINER_PORT',
  'ORCHESTRATOR_PORT',
  'METRICS_PORT',
  'TRUST_FLY_HEADER',
  'TRUST_PROXY',
  'FETCHER_WAKE_URL',
  'MAINTAINER_WAKE_URL',
  'EXIT_WHEN_IDLE_SECONDS',
]

/** @throws DeployError which lists every problem by the name of its setting */
export async function loadEnvironment(
  path: string,
  apps: readonly App[],
  source: string,
): Promise<Environment> {
  const text = await readEnvFile(path)
  const values = pickValues(text)
  const { MIGRATE_DATABASE_URL: ownerUrl } = values
  const servicesUrl = values['DATABASE_URL'] ?? ownerUrl
  const missing = listMissing(values, apps, source)
  if (missing.length > 0 || ownerUrl === undefined || servicesUrl === undefined)
    throw describeProblems(path, missing)
  const settings = loadChecked(path, text, servicesUrl)
  const roles = apps.flatMap((app) => app.roles)
  const lost = findLostStorage({ ...settings, flyApp: apps[0]?.name ?? '' }, roles)
  const problems = [...lost, ...listUnstorable(values), ...findLocalFiles(servicesUrl)]
  if (problems.length > 0) throw describeProblems(path, problems)
  return { path, text, values, settings, ownerUrl, servicesUrl }
}

/** @throws DeployError when the file does not exist or cannot be read */
async function readEnvFile(path: string): Promise<string> {
  const text = await findEnvFile(path)
  if (text !== null) return text
  throw new DeployError(
    `${path} does not exist. Copy .env.example to it, and set MIGRATE_DATABASE_URL, ADMIN_KEY, ` +
      'the storage and the key of the supplier',
  )
}

/** Returns the text of the file, or null if it does not exist. @throws DeployError */
export async function findEnvFile(path: string): Promise<string | null> {
  try {
    return decodeDotEnv(await readFile(path))
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return null
    throw new DeployError(`${path} cannot be read: ${messageOf(error)}`)
  }
}

/** Returns the settings in the text of a `.env` file, without empty ones. */
export function pickValues(text: string): Values {
  const entries = Object.entries(parseEnv(text)).flatMap(([name, value]) => {
    const trimmed = value?.trim() ?? ''
    const isSetting = SETTING_NAMES.includes(name) || isSourceVariable(name)
    return isSetting && trimmed !== '' ? [[name, trimmed] as const] : []
  })
  return Object.fromEntries(entries)
}

function listMissing(values: Values, apps: readonly App[], source: string): string[] {
  const roles = apps.flatMap((app) => app.roles)
  const problems = []
  if (values['MIGRATE_DATABASE_URL'] === undefined)
    problems.push('MIGRATE_DATABASE_URL: missing; the login of the owner of the database')
  if (values['ADMIN_KEY'] === undefined && roles.some((role) => SERVER_ROLES.includes(role)))
    problems.push('ADMIN_KEY: missing; create one with `openssl rand -hex 32`')
  if (apps.some(({ kind }) => kind === 'images') && (values['IMAGES'] ?? 'none') === 'none')
    problems.push('IMAGES: missing; the app for images stores nothing without it')
  const connector = CONNECTORS.get(source)
  if (connector !== undefined) {
    const { credentials } = parseCredentials(connector.credentials, values, null)
    if (credentials !== null && !connector.credentials.isComplete(credentials))
      problems.push(`The key of ${source}: missing; ${connector.credentials.hint}`)
  }
  return problems
}

/** @throws DeployError */
function loadChecked(path: string, text: string, servicesUrl: string): Settings {
  try {
    return loadSettings({ DATABASE_URL: servicesUrl }, text)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    throw describeProblems(path, (error.detail['problems'] as string[] | undefined) ?? [])
  }
}

/** A certificate or a key in a file of the operator's machine is not in the image. */
function findLocalFiles(servicesUrl: string): string[] {
  const { searchParams = new URLSearchParams() } = parsePostgresUrl(servicesUrl) ?? {}
  const names = ['sslrootcert', 'sslcert', 'sslkey'].filter(
    (name) => (searchParams.get(name) ?? 'system') !== 'system',
  )
  if (names.length === 0) return []
  return [
    `DATABASE_URL: set the address for the services without the file of ${names.join(', ')}, ` +
      'which their machines do not have; sslmode=require encrypts too',
  ]
}

/** `fly secrets import` reads one line for each value. */
function listUnstorable(values: Values): string[] {
  return Object.entries(values)
    .filter(([, value]) => /[\r\n]|^"(?:"|$)/.test(value))
    .map(([name]) => `${name}: expected one line that does not begin with two quotation marks`)
}

function describeProblems(path: string, problems: readonly string[]): DeployError {
  return new DeployError([`${path} is not complete or not valid:`, ...problems].join('\n  '))
}

/**
 * Returns the settings that an app of these roles gets as secrets. DATABASE_URL is not among them:
 * each app has its own.
 */
export function pickForRoles(values: Values, roles: readonly Role[]): Values {
  const entries = Object.entries(values).filter(
    ([name]) =>
      name !== 'DATABASE_URL' &&
      !OF_THE_MACHINE.includes(name) &&
      findReaders(name).some((role) => roles.includes(role)),
  )
  return Object.fromEntries(entries)
}

/** Formats values as `fly secrets import` parses them: it removes one pair of quotation marks. */
export function formatSecrets(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${/^".*"$/.test(value) ? `"${value}"` : value}\n`)
    .join('')
}
