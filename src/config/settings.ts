// Loads the settings from the environment and `.env`. All problems are reported at once; they name
// settings and never quote a value. An empty value counts as absent, except that of DATABASE_URL,
// which is an error.

import { homedir } from 'node:os'
import { parseEnv } from 'node:util'
import { CONNECTORS } from '../connectors/registry.ts'
import {
  isSourceVariable,
  listSecrets,
  parseCredentials,
  type CredentialValues,
} from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import { isWebhookVariable } from '../core/webhook-variables.ts'
import { deepFreeze } from '../lib/objects.ts'
import type { AllowPrivateHosts } from '../node/address-guard.ts'
import { databaseProblems, EMBEDDED } from './database-choice.ts'
import { listStrayLines } from './dot-env.ts'
import { CHANGES_DAYS_DEFAULT, KEEP_DEFAULT, S3_REGION_DEFAULT } from './artifact-settings.ts'
import { IMAGES_KEEP_DAYS_DEFAULT, type ImageTargetName } from './image-settings.ts'
import { CONCURRENCY, METRICS_HOST_DEFAULT, PORTS } from './service-settings.ts'
import { LLM_REQUESTS_PER_DAY_DEFAULT } from './model-settings.ts'
import { ownSecrets } from './own-secrets.ts'
import { formatUserAgent } from './request-settings.ts'
import { findConflicts, findKeysInTheClear, type GivenValues } from './setting-conflicts.ts'
import { CONNECTOR_SETTING_NAMES, Environment, SETTING_NAMES } from './settings-schema.ts'
import { BUCKET_DEFAULT } from './supabase-settings.ts'
import { findWebhookFaults, listWebhookSecrets, pickWebhookVariables } from './webhook-variables.ts'

const SCHEMAS = [...CONNECTORS.values()].map(({ credentials }) => credentials)

export interface Settings {
  /** Null selects the embedded Postgres in `home`, or the Data API of `supabase`. */
  readonly databaseUrl: string | null
  /** True if DATABASE_URL is `embedded`: the Data API is then not used. */
  readonly embedded: boolean
  readonly home: string
  readonly artifacts: string
  readonly artifactsKeep: number | 'all'
  readonly artifactsLatest: boolean
  /** Days for which published changes are kept. */
  readonly changesDays: number
  readonly allowPrivateHosts: AllowPrivateHosts
  readonly requestIntervals: ReadonlyMap<string, number>
  readonly logLevel: string
  readonly userAgent: string
  readonly queue: {
    /** Null: the queue is in the database. */
    readonly url: string | null
    readonly concurrency: Readonly<Record<keyof typeof CONCURRENCY, number>>
    /** The address of the workers of each queue, or null when they always run. */
    readonly wakeUrls: Readonly<Record<keyof typeof CONCURRENCY, string | null>>
  }
  /** Null: the services run until they are stopped. */
  readonly exitWhenIdleMs: number | null
  readonly http: {
    /** ADMIN_KEY, and ADMIN_KEY_NEXT during a rotation. Without a key, the servers do not start. */
    readonly keys: readonly string[]
    /**
     * SYNC_KEY, if set, and SYNC_KEY_NEXT during a rotation: they may only start and watch runs.
     */
    readonly syncKeys: readonly string[]
    /** READ_KEY, if set, and READ_KEY_NEXT during a rotation: they may only look. */
    readonly readKeys: readonly string[]
    readonly host: string
    /** The address for metrics without a key. */
    readonly metricsHost: string
    readonly ports: Readonly<Record<keyof typeof PORTS, number>>
    readonly trustFlyHeader: boolean
    /** Addresses and networks of proxies whose X-Forwarded-For is trusted. */
    readonly trustProxy: readonly string[]
    /** The address at which people reach the dashboard, or null. */
    readonly webUrl: string | null
    /** True if the dashboard has a status page without a key. */
    readonly publicStatus: boolean
  }
  /**
   * The variables that connectors declare and the secrets of single sources, for
   * `createCredentialReader`.
   */
  readonly credentials: CredentialValues
  /** The secrets and secret addresses of webhooks, by their variables. */
  readonly webhooks: Readonly<Record<string, string>>
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
  readonly images: {
    readonly target: ImageTargetName
    readonly imageKit: { readonly privateKey: string; readonly endpoint: string | null } | null
    /** Time for which a copy is kept after no image names it any more. */
    readonly graceMs: number
  }
  /** The addresses that alerts are sent to, both secrets; null: alerts are not sent there. */
  readonly alerts: { readonly slackUrl: string | null; readonly sentryDsn: string | null }
  /** Null: no language model is asked. */
  readonly model: {
    readonly url: string
    readonly key: string | null
    readonly model: string
    readonly requestsPerDay: number
  } | null
  /** Every secret, in every form in which it is sent, for the redactor. */
  readonly secrets: readonly string[]
  /** The secrets that are sent to suppliers, which may quote them. */
  readonly supplierSecrets: readonly string[]
  /** Name of the Fly.io app that the process is part of. Fly.io sets it; it is not a setting. */
  readonly flyApp: string | null
}

/**
 * Reads the settings from `env` and the text of a `.env` file; the environment wins.
 *
 * @throws SyncError `settings/invalid`, one line for each problem
 */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
  dotEnvText = '',
): Settings {
  const { DATABASE_URL: database, ...others } = pickSettings({
    ...parseEnv(dotEnvText),
    ...withoutEmpty(env),
  })
  const embedded = database === EMBEDDED
  const given: GivenValues =
    database === undefined || embedded ? others : { DATABASE_URL: database, ...others }
  const { data, error } = Environment.safeParse(given)
  const webhooks = pickWebhookVariables(given)
  const problems =
    error?.issues.map(({ path, message }) => `${path.join('.')}: expected ${message}`) ?? []
  const credentials = pick(given, isCredential)
  problems.push(
    ...databaseProblems(env, dotEnvText),
    ...findConflicts(given),
    ...findWebhookFaults(webhooks),
    ...SCHEMAS.flatMap((schema) => parseCredentials(schema, credentials, null).problems),
    ...listStrayLines(dotEnvText).map(
      (line) => `.env, line ${line}: expected NAME=value, a comment or nothing`,
    ),
  )
  if (data !== undefined) problems.push(...findKeysInTheClear(data))
  if (data === undefined || problems.length > 0) {
    throw new SyncError(
      'settings/invalid',
      ['The settings are not valid:', ...problems].join('\n  '),
      { detail: { problems } },
    )
  }
  const supplierSecrets = listSecrets(SCHEMAS, credentials)
  return deepFreeze({
    ...build(data),
    embedded,
    credentials,
    webhooks,
    secrets: [
      ...new Set([...ownSecrets(given), ...listWebhookSecrets(webhooks), ...supplierSecrets]),
    ],
    supplierSecrets,
    flyApp: withoutEmpty(env).FLY_APP_NAME ?? null,
  })
}

function build(
  env: Environment,
): Omit<
  Settings,
  'secrets' | 'supplierSecrets' | 'embedded' | 'credentials' | 'webhooks' | 'flyApp'
> {
  const home = expandTilde(env.SHELFSYNC_HOME ?? '.shelfsync')
  const supabaseKey = env.SUPABASE_SECRET_KEY ?? env.SUPABASE_SERVICE_ROLE_KEY
  const supabase =
    env.SUPABASE_URL === undefined || supabaseKey === undefined
      ? null
      : { url: env.SUPABASE_URL, secretKey: supabaseKey, bucket: env.BUCKET ?? BUCKET_DEFAULT }
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
    changesDays: env.CHANGES_DAYS ?? CHANGES_DAYS_DEFAULT,
    s3: {
      endpoint: env.S3_ENDPOINT ?? null,
      region: env.S3_REGION ?? S3_REGION_DEFAULT,
      key:
        env.S3_ACCESS_KEY_ID === undefined || env.S3_SECRET_ACCESS_KEY === undefined
          ? null
          : { id: env.S3_ACCESS_KEY_ID, secret: env.S3_SECRET_ACCESS_KEY },
    },
    allowPrivateHosts: env.ALLOW_PRIVATE_HOSTS ?? [],
    requestIntervals: env.REQUEST_RATES ?? new Map(),
    logLevel: env.LOG_LEVEL ?? 'info',
    userAgent: env.USER_AGENT ?? formatUserAgent(env.CONTACT),
    queue: {
      url: env.QUEUE_URL ?? null,
      concurrency: {
        fetch: env.FETCH_CONCURRENCY ?? CONCURRENCY.fetch,
        apply: env.APPLY_CONCURRENCY ?? CONCURRENCY.apply,
      },
      wakeUrls: { fetch: env.FETCHER_WAKE_URL ?? null, apply: env.MAINTAINER_WAKE_URL ?? null },
    },
    exitWhenIdleMs:
      env.EXIT_WHEN_IDLE_SECONDS === undefined ? null : env.EXIT_WHEN_IDLE_SECONDS * 1000,
    http: buildHttp(env),
    supabase,
    images: buildImages(env),
    alerts: { slackUrl: env.SLACK_WEBHOOK_URL ?? null, sentryDsn: env.SENTRY_DSN ?? null },
    model: buildModel(env),
  }
}

function buildHttp(env: Environment): Settings['http'] {
  return {
    keys: [env.ADMIN_KEY, env.ADMIN_KEY_NEXT].filter((key) => key !== undefined),
    syncKeys: [env.SYNC_KEY, env.SYNC_KEY_NEXT].filter((key) => key !== undefined),
    readKeys: [env.READ_KEY, env.READ_KEY_NEXT].filter((key) => key !== undefined),
    host: env.LISTEN_HOST ?? '::',
    metricsHost: env.METRICS_HOST ?? METRICS_HOST_DEFAULT,
    ports: {
      fetcher: env.FETCHER_PORT ?? PORTS.fetcher,
      maintainer: env.MAINTAINER_PORT ?? PORTS.maintainer,
      orchestrator: env.ORCHESTRATOR_PORT ?? PORTS.orchestrator,
      web: env.WEB_PORT ?? PORTS.web,
      metrics: env.METRICS_PORT ?? PORTS.metrics,
    },
    trustFlyHeader: env.TRUST_FLY_HEADER ?? false,
    trustProxy: env.TRUST_PROXY ?? [],
    webUrl: env.WEB_URL ?? null,
    publicStatus: env.PUBLIC_STATUS ?? false,
  }
}

function buildModel(env: Environment): Settings['model'] {
  const { LLM_URL: url, LLM_MODEL: model, LLM_KEY: key = null } = env
  const requestsPerDay = env.LLM_REQUESTS_PER_DAY ?? LLM_REQUESTS_PER_DAY_DEFAULT
  return url === undefined || model === undefined ? null : { url, key, model, requestsPerDay }
}

function buildImages(env: Environment): Settings['images'] {
  return {
    target: env.IMAGES ?? null,
    imageKit:
      env.IMAGEKIT_PRIVATE_KEY === undefined
        ? null
        : { privateKey: env.IMAGEKIT_PRIVATE_KEY, endpoint: env.IMAGEKIT_ENDPOINT ?? null },
    graceMs: (env.IMAGES_KEEP_DAYS ?? IMAGES_KEEP_DAYS_DEFAULT) * 86_400_000,
  }
}

/** Expands `~`, which a shell does not do in `.env`, in quotes or after `file:`. */
function expandTilde(folder: string): string {
  return folder.replace(/^~(?=\/|$)/, homedir)
}

function isSetting(name: string): boolean {
  return isSourceVariable(name) || isWebhookVariable(name) || SETTING_NAMES.includes(name)
}

function isCredential(name: string): boolean {
  return isSourceVariable(name) || CONNECTOR_SETTING_NAMES.includes(name)
}

/** Selects the variables that are settings, trimmed and without empty ones. */
function pickSettings(env: GivenValues): GivenValues {
  const own = pick(env, isSetting)
  return withoutEmpty(
    Object.fromEntries(Object.entries(own).map(([name, value]) => [name, value?.trim()])),
  )
}

function pick(values: GivenValues, isWanted: (name: string) => boolean): GivenValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => isWanted(name)))
}

function withoutEmpty(env: GivenValues): GivenValues {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
}
