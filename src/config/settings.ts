// Settings from the environment and `.env`. Everything that is wrong is said at once, by name and
// never by value, and an empty value is the same as none, but that of DATABASE_URL.

import { homedir } from 'node:os'
import { parseEnv } from 'node:util'
import { SyncError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { createAddressGuard, type AllowPrivateHosts } from '../node/address-guard.ts'
import { secretsOfAddress } from './connection-address.ts'
import { databaseProblems, EMBEDDED } from './database-choice.ts'
import { listStrayLines } from './dot-env.ts'
import {
  CONCURRENCY,
  Environment,
  KEEP_DEFAULT,
  METRICS_HOST_DEFAULT,
  PORTS,
  S3_REGION_DEFAULT,
  SETTING_NAMES,
  settingMeta,
} from './settings-schema.ts'

const HOME_PAGE = 'https://github.com/shelfsync/shelfsync'

export interface Settings {
  /** Null: the embedded Postgres in `home`, or the Data API of `supabase`. */
  readonly databaseUrl: string | null
  /** The embedded Postgres was asked for by name, so that the Data API is not used. */
  readonly embedded: boolean
  readonly home: string
  readonly artifacts: string
  readonly artifactsKeep: number | 'all'
  readonly artifactsLatest: boolean
  readonly allowPrivateHosts: AllowPrivateHosts
  readonly logLevel: string
  readonly userAgent: string
  readonly queue: {
    /** Null: in the database. */
    readonly url: string | null
    readonly concurrency: Readonly<Record<keyof typeof CONCURRENCY, number>>
  }
  readonly http: {
    /** ADMIN_KEY, and ADMIN_KEY_NEXT while callers change over. Empty: the servers do not start. */
    readonly keys: readonly string[]
    readonly host: string
    /** Of the metrics without a key. */
    readonly metricsHost: string
    readonly ports: Readonly<Record<keyof typeof PORTS, number>>
    readonly trustFlyHeader: boolean
    /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
    readonly trustProxy: readonly string[]
  }
  readonly medipim: {
    readonly apiUrl: string
    readonly key: { readonly id: string; readonly secret: string } | null
    /** Hosts besides the supplier's own that may be sent the key. */
    readonly keyHosts: readonly string[]
  }
  readonly s3: {
    readonly endpoint: string | null
    readonly region: string
    readonly key: { readonly id: string; readonly secret: string } | null
  }
  readonly supabase: {
    readonly url: string
    readonly secretKey: string
    readonly bucket: string
  } | null
  /** Every secret value that was given, in every form that it is sent in: for the redactor. */
  readonly secrets: readonly string[]
  /** Those among them that suppliers are sent, and may quote. */
  readonly supplierSecrets: readonly string[]
}

/**
 * Reads the settings out of `env`, with the text of a `.env` file beneath it: the environment wins.
 *
 * @throws SyncError `settings/invalid`, one line for each problem
 */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
  dotEnvText = '',
): Settings {
  const { DATABASE_URL: database, ...others } = givenIn({
    ...parseEnv(dotEnvText),
    ...withoutEmpty(env),
  })
  const embedded = database === EMBEDDED
  const given: Given =
    database === undefined || embedded ? others : { DATABASE_URL: database, ...others }
  const { data, error } = Environment.safeParse(given)
  const problems =
    error?.issues.map(({ path, message }) => `${path.join('.')}: expected ${message}`) ?? []
  problems.push(
    ...databaseProblems(env, dotEnvText),
    ...conflictsIn(given),
    ...listStrayLines(dotEnvText).map(
      (line) => `.env, line ${line}: expected NAME=value, a comment or nothing`,
    ),
  )
  if (data !== undefined) problems.push(...keysInTheClear(data))
  if (data === undefined || problems.length > 0) {
    throw new SyncError(
      'settings/invalid',
      ['The settings cannot be used:', ...problems].join('\n  '),
      { detail: { problems } },
    )
  }
  return deepFreeze({
    ...build(data),
    embedded,
    secrets: secretsIn(given),
    supplierSecrets: supplierSecretsIn(given),
  })
}

type Given = Readonly<Record<string, string | undefined>>

function build(env: Environment): Omit<Settings, 'secrets' | 'supplierSecrets' | 'embedded'> {
  const home = expandTilde(env.SHELFSYNC_HOME ?? '.shelfsync')
  const supabaseKey = env.SUPABASE_SECRET_KEY ?? env.SUPABASE_SERVICE_ROLE_KEY
  const supabase =
    env.SUPABASE_URL === undefined || supabaseKey === undefined
      ? null
      : { url: env.SUPABASE_URL, secretKey: supabaseKey, bucket: env.BUCKET ?? 'medipim-raw' }
  const [, id = env.MEDIPIM_API_KEY_ID, secret = env.MEDIPIM_API_KEY_SECRET] =
    /^([^:]+):(.+)$/.exec(env.MEDIPIM_API_KEY ?? '') ?? []
  return {
    databaseUrl: env.DATABASE_URL ?? null,
    home,
    artifacts:
      env.ARTIFACTS?.replace(
        /^(file:)(~.*)$/s,
        (_, scheme: string, folder: string) => scheme + expandTilde(folder),
      ) ?? (supabase ? 'supabase:' : `file:${home}/artifacts`),
    artifactsKeep: env.ARTIFACTS_KEEP ?? KEEP_DEFAULT,
    artifactsLatest: env.ARTIFACTS_LATEST ?? false,
    s3: {
      endpoint: env.S3_ENDPOINT ?? null,
      region: env.S3_REGION ?? S3_REGION_DEFAULT,
      key:
        env.S3_ACCESS_KEY_ID === undefined || env.S3_SECRET_ACCESS_KEY === undefined
          ? null
          : { id: env.S3_ACCESS_KEY_ID, secret: env.S3_SECRET_ACCESS_KEY },
    },
    allowPrivateHosts: env.ALLOW_PRIVATE_HOSTS ?? [],
    logLevel: env.LOG_LEVEL ?? 'info',
    userAgent: env.USER_AGENT ?? `Shelfsync/${VERSION} (+${env.CONTACT ?? HOME_PAGE})`,
    queue: {
      url: env.QUEUE_URL ?? null,
      concurrency: {
        fetch: env.FETCH_CONCURRENCY ?? CONCURRENCY.fetch,
        apply: env.APPLY_CONCURRENCY ?? CONCURRENCY.apply,
      },
    },
    http: {
      keys: [env.ADMIN_KEY, env.ADMIN_KEY_NEXT].filter((key) => key !== undefined),
      host: env.LISTEN_HOST ?? '::',
      metricsHost: env.METRICS_HOST ?? METRICS_HOST_DEFAULT,
      ports: {
        fetcher: env.FETCHER_PORT ?? PORTS.fetcher,
        maintainer: env.MAINTAINER_PORT ?? PORTS.maintainer,
        orchestrator: env.ORCHESTRATOR_PORT ?? PORTS.orchestrator,
        metrics: env.METRICS_PORT ?? PORTS.metrics,
      },
      trustFlyHeader: env.TRUST_FLY_HEADER ?? false,
      trustProxy: env.TRUST_PROXY ?? [],
    },
    medipim: {
      apiUrl: env.MEDIPIM_API_URL ?? 'https://api.au.medipim.com',
      key: id === undefined || secret === undefined ? null : { id, secret },
      keyHosts: env.MEDIPIM_HOSTS ?? [],
    },
    supabase,
  }
}

/** The key of a project goes with every request to it. */
function keysInTheClear({
  SUPABASE_URL: text,
  ALLOW_PRIVATE_HOSTS: allow = [],
}: Environment): string[] {
  const url = URL.parse(text ?? '')
  if (url?.protocol !== 'http:' || createAddressGuard(allow).isOwn(url)) return []
  return [
    'SUPABASE_URL: expected https, because anybody on the way could read the key; a host of your own may be named in ALLOW_PRIVATE_HOSTS',
  ]
}

/** A shell expands `~`, but not in `.env`, in quotes or behind `file:`. */
function expandTilde(folder: string): string {
  return folder.replace(/^~(?=\/|$)/, homedir)
}

/** What each setting alone cannot show. */
function conflictsIn(given: Given): string[] {
  const has = (name: string) => given[name] !== undefined
  const problems = []
  if (has('MEDIPIM_API_KEY') && (has('MEDIPIM_API_KEY_ID') || has('MEDIPIM_API_KEY_SECRET'))) {
    problems.push(
      'MEDIPIM_API_KEY: set either this, or MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET',
    )
  } else if (has('MEDIPIM_API_KEY_ID') !== has('MEDIPIM_API_KEY_SECRET')) {
    problems.push(
      `MEDIPIM_API_KEY_${has('MEDIPIM_API_KEY_ID') ? 'SECRET' : 'ID'}: missing; a key is its id and its secret`,
    )
  }
  const keys = ['SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY'].filter(has)
  if (keys.length === 2 && given.SUPABASE_SECRET_KEY !== given.SUPABASE_SERVICE_ROLE_KEY) {
    problems.push('SUPABASE_SECRET_KEY: set either this or SUPABASE_SERVICE_ROLE_KEY')
  }
  if (has('SUPABASE_URL') && keys.length === 0)
    problems.push('SUPABASE_SECRET_KEY: missing; SUPABASE_URL needs it')
  if (!has('SUPABASE_URL') && keys.length > 0)
    problems.push(`SUPABASE_URL: missing; ${keys[0]} needs it`)
  if (has('ADMIN_KEY_NEXT') && !has('ADMIN_KEY'))
    problems.push('ADMIN_KEY: missing; ADMIN_KEY_NEXT only goes with it')
  if (has('S3_ACCESS_KEY_ID') !== has('S3_SECRET_ACCESS_KEY')) {
    problems.push(
      `${has('S3_ACCESS_KEY_ID') ? 'S3_SECRET_ACCESS_KEY' : 'S3_ACCESS_KEY_ID'}: missing; an access key is its id and its secret`,
    )
  }
  if (given.ARTIFACTS?.startsWith('supabase:') === true && !has('SUPABASE_URL'))
    problems.push('SUPABASE_URL: missing; ARTIFACTS needs it')
  return problems
}

function secretsIn(given: Given): string[] {
  // A queue's address without credentials is no secret, and errors name it.
  const isOpen = (name: string): boolean => name === 'QUEUE_URL' && !given.QUEUE_URL?.includes('@')
  const secrets = SETTING_NAMES.filter((name) => settingMeta(name).secret && !isOpen(name))
    .map((name) => given[name])
    .filter((value) => value !== undefined)
  secrets.push(
    ...supplierSecretsIn(given),
    ...[given.DATABASE_URL, given.QUEUE_URL].flatMap((address = '') => secretsOfAddress(address)),
  )
  return [...new Set(secrets)]
}

function supplierSecretsIn({
  MEDIPIM_API_KEY: pair = '',
  MEDIPIM_API_KEY_ID: id,
  MEDIPIM_API_KEY_SECRET: secret,
}: Given): string[] {
  const whole = id === undefined || secret === undefined ? [] : [id, secret, `${id}:${secret}`]
  return [...new Set([pair, ...pair.split(/:(.*)/s), ...whole])].filter((value) => value !== '')
}

/** Only what is ours: the rest of the environment is nobody's business. */
function givenIn(env: Given): Given {
  return withoutEmpty(Object.fromEntries(SETTING_NAMES.map((name) => [name, env[name]?.trim()])))
}

function withoutEmpty(env: Given): Given {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFreeze(member)
  return Object.freeze(value)
}
