// The environment of an edge function. Supabase sets the variables that begin with SUPABASE_; the
// others are secrets of the project: `supabase secrets set`.

import { z } from 'zod'
import { formatUserAgent, requestSettings } from '../config/request-settings.ts'
import type { Setting } from '../config/setting.ts'
import { chooseVariables, type CredentialValues } from '../core/credentials.ts'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'

const { ALLOW_PRIVATE_HOSTS, USER_AGENT } = requestSettings

/** Returns the value of a variable. */
export type ReadVariable = (name: string) => string | undefined

export interface EdgeEnvironment {
  /** The address of the project. */
  readonly url: string
  /** The keys that may call the functions; the first one calls the Data API. */
  readonly secretKeys: readonly [string, ...string[]]
  readonly publishableKeys: readonly string[]
  /** Admits the schedule to `refresh-worker`. Null: no schedule is admitted. */
  readonly cronToken: string | null
  /** Private hosts that requests may reach: a simulator. */
  readonly allowPrivateHosts: readonly string[]
  readonly userAgent: string
  /** Time after which an invocation begins no further batch. */
  readonly workMs: number
}

const Keys = z.record(z.string(), z.string().min(1))
const Token = z.string().min(32)
/** The wall clock ends an invocation after 150 s on the free plan, and after 400 s on others. */
const WORK_SECONDS_DEFAULT = 100
const WorkSeconds = z.coerce.number().min(1).max(380)

/** @throws SyncError `settings/invalid` with the variable, never with its value */
export function readEnvironment(read: ReadVariable): EdgeEnvironment {
  const url = read('SUPABASE_URL')
  if (url === undefined || !URL.canParse(url))
    throw new SyncError('settings/invalid', 'SUPABASE_URL is not an address')
  const [first, ...rest] = [
    ...new Set([
      ...listOne(read('SUPABASE_SECRET_KEY')),
      ...listKeys('SUPABASE_SECRET_KEYS', read('SUPABASE_SECRET_KEYS')),
    ]),
  ]
  if (first === undefined)
    throw new SyncError(
      'settings/invalid',
      'SUPABASE_SECRET_KEYS has no key: create a secret key in the settings of the project, under API keys',
    )
  return {
    url,
    secretKeys: [first, ...rest],
    publishableKeys: listKeys('SUPABASE_PUBLISHABLE_KEYS', read('SUPABASE_PUBLISHABLE_KEYS')),
    cronToken: readToken(read('CRON_TOKEN')),
    allowPrivateHosts: readSetting('ALLOW_PRIVATE_HOSTS', ALLOW_PRIVATE_HOSTS, read) ?? [],
    userAgent: readSetting('USER_AGENT', USER_AGENT, read) ?? formatUserAgent(),
    workMs: readWorkMs(read('FUNCTION_SECONDS')),
  }
}

/** Returns the variables that the credentials of a source may come from. Null: the shared ones. */
export function readCredentials(
  connector: Connector,
  source: string | null,
  read: ReadVariable,
): CredentialValues {
  const names = chooseVariables(connector.credentials, {}, source).flatMap((one) => one.names)
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name)
      return value === undefined || value === '' ? [] : [[name, value] as const]
    }),
  )
}

/** Returns a setting that the commands have too. Undefined: it is not set. */
function readSetting<Value>(
  name: string,
  { schema }: Setting<Value>,
  read: ReadVariable,
): Value | undefined {
  const text = read(name)
  if (text === undefined || text === '') return undefined
  const { data, error } = schema.safeParse(text)
  if (error === undefined) return data
  const expected = error.issues.map(({ message }) => message).join(', ')
  throw new SyncError('settings/invalid', `${name}: expected ${expected}`)
}

function listOne(key: string | undefined): string[] {
  return key === undefined || key === '' ? [] : [key]
}

/**
 * A dictionary in JSON: the default key first, because the others may be restricted or temporary.
 */
function listKeys(name: string, text: string | undefined): string[] {
  if (text === undefined || text === '') return []
  const keys = Keys.safeParse(parseJson(text))
  if (!keys.success)
    throw new SyncError('settings/invalid', `${name} is not a JSON object of keys by their names`)
  const { default: first, ...others } = keys.data
  return [...listOne(first), ...Object.values(others)]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function readToken(text: string | undefined): string | null {
  if (text === undefined || text === '') return null
  if (Token.safeParse(text).success) return text
  throw new SyncError('settings/invalid', 'CRON_TOKEN has fewer than 32 characters')
}

function readWorkMs(text: string | undefined): number {
  const seconds = WorkSeconds.safeParse(text ?? WORK_SECONDS_DEFAULT)
  if (seconds.success) return seconds.data * 1000
  throw new SyncError('settings/invalid', 'FUNCTION_SECONDS is not a number from 1 to 380')
}
