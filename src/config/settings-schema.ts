// Every setting: its name, what it must be, and what it means. `.env.example` and docs/settings.md
// are written from this table, and the messages here say what is expected, because the value itself
// must never be shown.

import { z } from 'zod'
import type { AllowPrivateHosts } from '../node/address-guard.ts'
import { parseHostPattern } from '../node/host-patterns.ts'
import { findRedisFault, findUnencoded, parsePostgresUrl } from './connection-address.ts'
import { createNetworks } from '../node/networks.ts'

/** What is said about a setting besides its type. */
export interface SettingMeta {
  readonly description: string
  /** The heading it stands under. */
  readonly group: 'Database' | 'Artifacts' | 'MediPim' | 'Supabase' | 'Running'
  readonly secret: boolean
  /** What happens without it, in words or as the value; a secret never has a value. */
  readonly default: string
  readonly example: string
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const ADMIN_KEY_LENGTH_MIN = 16
export const KEEP_DEFAULT = 14
export const S3_REGION_DEFAULT = 'us-east-1'
const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{1,62}$/
export const CONCURRENCY = { fetch: 2, apply: 2 } as const
/**
 * Of a process's ten connections to Postgres two listen for the queue, and two are for all that is
 * short.
 */
const APPLY_CONCURRENCY_MAX = 6
/** Where each HTTP face listens unless a setting says otherwise. */
export const PORTS = { fetcher: 3001, maintainer: 3002, orchestrator: 3003, metrics: 9091 } as const

/** Nobody outside of this machine reads what needs no key, unless a setting says so. */
export const METRICS_HOST_DEFAULT = '127.0.0.1'

const words = z.registry<SettingMeta>()

const schema = {
  DATABASE_URL: connectionAddress(/^postgres(ql)?:\/\//, 'a postgres:// address')
    .refine((text) => parsePostgresUrl(text) !== null, {
      error: 'an address of the form postgres://user:password@host:5432/database, with one host',
      abort: true,
    })
    .register(
      words,
      secret('Database', {
        description:
          'The Postgres to write to: a direct or session-mode connection, Postgres 15 or newer. `embedded` is the same as none, also beside SUPABASE_URL. ' +
          'In its user name and password `/`, `?`, `#`, `@`, `%` and blanks are written %2F, %3F, %23, %40, %25 and %20.',
        default: 'an own Postgres inside SHELFSYNC_HOME',
        example: 'postgres://user:password@db.example:5432/postgres',
      }),
    ),
  SHELFSYNC_HOME: z
    .string()
    .refine((text) => !/^~[^/]/.test(text), {
      error: 'a folder; of `~` only the own home is known',
    })
    .register(
      words,
      plain('Database', {
        description: 'The folder of the embedded database and of the artifacts; `~/` is your home.',
        default: '.shelfsync',
        example: '/var/lib/shelfsync',
      }),
    ),

  ARTIFACTS: z
    .string()
    .superRefine(checkArtifacts)
    .register(
      words,
      plain('Artifacts', {
        description:
          'Where the bytes of the suppliers are kept: `file:` and a folder (a relative one begins at the working directory), ' +
          '`supabase:` for the storage of your project, in BUCKET or in the bucket named after the colon, or `s3://bucket/prefix`.',
        default:
          '`supabase:` with SUPABASE_URL, else `artifacts` in SHELFSYNC_HOME: `file:.shelfsync/artifacts`',
        example: 'supabase:',
      }),
    ),
  ARTIFACTS_KEEP: matching(/^(all|\d{1,6})$/, 'a number of runs, or `all`')
    .transform(parseKeep)
    .register(
      words,
      plain('Artifacts', {
        description:
          'How many good runs of each source keep their artifacts, besides those that a rebuild of the catalogue needs: the newest whole one and every one after it. `all` keeps everything.',
        default: String(KEEP_DEFAULT),
        example: '30',
      }),
    ),
  ARTIFACTS_LATEST: z
    .enum(['true', 'false'], { error: 'true or false' })
    .transform((text) => text === 'true')
    .register(
      words,
      plain('Artifacts', {
        description:
          'Whether the newest whole artifact of each source is also `SOURCE/latest.ndjson`, uncompressed and overwritten, for those who read that. ' +
          'That of MediPim has 600 MB: the file size limits of the project (50 MB at first) and of the bucket have to allow that.',
        default: 'false',
        example: 'true',
      }),
    ),
  S3_ENDPOINT: z
    .string()
    .refine(isHttpUrl, { error: 'an http or https address without credentials' })
    .register(
      words,
      plain('Artifacts', {
        description:
          'The address of a store that speaks the protocol of S3 and is not AWS; buckets are then part of the path.',
        default: 'AWS',
        example: 'https://s3.storage.example',
      }),
    ),
  S3_REGION: matching(/^[a-z0-9-]{2,32}$/, 'a region such as ap-southeast-2').register(
    words,
    plain('Artifacts', {
      description: 'The region of the bucket in ARTIFACTS.',
      default: S3_REGION_DEFAULT,
      example: 'ap-southeast-2',
    }),
  ),
  S3_ACCESS_KEY_ID: matching(/^\S+$/, 'the id of an access key').register(
    words,
    secret('Artifacts', {
      description: 'The id of an access key; it goes with S3_SECRET_ACCESS_KEY.',
      default: 'none: the role or the profile of the machine',
      example: 'your-access-key-id',
    }),
  ),
  S3_SECRET_ACCESS_KEY: matching(/^\S+$/, 'the secret of an access key').register(
    words,
    secret('Artifacts', {
      description: 'The secret of the access key.',
      default: 'none',
      example: 'your-secret-access-key',
    }),
  ),

  MEDIPIM_API_URL: z
    .string()
    .superRefine(checkApiUrl)
    .register(
      words,
      plain('MediPim', {
        description:
          'The API of your market, or its sandbox: the host, or the whole address of the product stream.',
        default: 'https://api.au.medipim.com',
        example: 'https://api.sandbox.au.medipim.com',
      }),
    ),
  MEDIPIM_API_KEY_ID: matching(/^[^\s:]+$/, 'the id of a key, without a colon').register(
    words,
    secret('MediPim', {
      description: 'The id of your API key; it goes with MEDIPIM_API_KEY_SECRET.',
      default: 'none: MediPim sources cannot be synced',
      example: 'your-key-id',
    }),
  ),
  MEDIPIM_API_KEY_SECRET: matching(/^\S+$/, 'the secret of a key').register(
    words,
    secret('MediPim', {
      description: 'The secret of your API key.',
      default: 'none',
      example: 'your-key-secret',
    }),
  ),
  MEDIPIM_API_KEY: matching(/^[^\s:]+:\S+$/, '`id:secret`').register(
    words,
    secret('MediPim', {
      description:
        'Both as `id:secret`, in place of MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET.',
      default: 'none',
      example: 'your-key-id:your-key-secret',
    }),
  ),

  MEDIPIM_HOSTS: z
    .string()
    .transform(parseHosts)
    .register(
      words,
      plain('MediPim', {
        description:
          'Hosts besides those of MediPim itself that your key may be sent to, such as a gateway of your own, each with its port unless it is the usual one.',
        default:
          'none: only medipim.com, medipim.be, medipim.fr and medipim.de, what is below them, and hosts that ALLOW_PRIVATE_HOSTS names',
        example: 'medipim-gateway.example',
      }),
    ),

  SUPABASE_URL: z
    .string()
    .refine(isHttpUrl, { error: 'an http or https address without credentials' })
    .register(
      words,
      plain('Supabase', {
        description: 'The address of your project.',
        default: 'none',
        example: 'https://your-project.supabase.co',
      }),
    ),
  SUPABASE_SECRET_KEY: matching(/^\S+$/, 'a secret key (`sb_secret_…`)').register(
    words,
    secret('Supabase', {
      description: 'A secret key of the project.',
      default: 'none',
      example: 'sb_secret_…',
    }),
  ),
  SUPABASE_SERVICE_ROLE_KEY: matching(/^\S+$/, 'a service role key').register(
    words,
    secret('Supabase', {
      description: 'The older kind of key, in place of SUPABASE_SECRET_KEY.',
      default: 'none',
      example: 'your-service-role-key',
    }),
  ),
  BUCKET: matching(
    BUCKET_NAME,
    'a bucket name of lower-case letters, digits, dots and hyphens',
  ).register(
    words,
    plain('Supabase', {
      description: 'The private storage bucket for artifacts; it is made when it is missing.',
      default: 'medipim-raw',
      example: 'medipim-raw',
    }),
  ),

  ADMIN_KEY: z
    .string()
    .min(ADMIN_KEY_LENGTH_MIN, { error: `at least ${ADMIN_KEY_LENGTH_MIN} characters` })
    .register(
      words,
      secret('Running', {
        description:
          'What callers of the HTTP servers must send as X-ADMIN-KEY. Make one with `openssl rand -hex 32`.',
        default: 'none: the servers do not start',
        example: 'at-least-16-characters',
      }),
    ),
  ADMIN_KEY_NEXT: z
    .string()
    .min(ADMIN_KEY_LENGTH_MIN, { error: `at least ${ADMIN_KEY_LENGTH_MIN} characters` })
    .register(
      words,
      secret('Running', {
        description:
          'A second ADMIN_KEY that is accepted too, while callers change from one to the other.',
        default: 'none',
        example: 'another-16-characters-or-more',
      }),
    ),
  LISTEN_HOST: matching(/^[\w.:-]{1,253}$/, 'an address or a host name, without a port').register(
    words,
    plain('Running', {
      description:
        'The address on which the HTTP servers with a key listen; `::` is every one, IPv4 included.',
      default: '::',
      example: '127.0.0.1',
    }),
  ),
  FETCHER_PORT: port(PORTS.fetcher, 'of the fetcher'),
  MAINTAINER_PORT: port(PORTS.maintainer, 'of the maintainer'),
  ORCHESTRATOR_PORT: port(PORTS.orchestrator, 'of the orchestrator'),
  METRICS_PORT: port(PORTS.metrics, 'for metrics without a key, which must be private'),
  METRICS_HOST: matching(/^[\w.:-]{1,253}$/, 'an address or a host name, without a port').register(
    words,
    plain('Running', {
      description:
        'The address on which metrics without a key listen, whatever LISTEN_HOST says: of a private network, such as `fly-local-6pn`, for a scraper elsewhere.',
      default: METRICS_HOST_DEFAULT,
      example: '10.0.0.5',
    }),
  ),
  TRUST_FLY_HEADER: z
    .enum(['true', 'false'], { error: 'true or false' })
    .transform((text) => text === 'true')
    .register(
      words,
      plain('Running', {
        description:
          'Whether callers are told apart by `Fly-Client-IP` when keys fail: only right behind the proxy of Fly.io, which sets it.',
        default: 'false',
        example: 'true',
      }),
    ),
  TRUST_PROXY: z
    .string()
    .transform(parseTrustProxy)
    .register(
      words,
      plain('Running', {
        description:
          'The addresses and networks of your own proxies, separated by commas: callers are told apart by the `X-Forwarded-For` that these send.',
        default: 'none: every caller of a proxy counts as the proxy',
        example: '127.0.0.1,10.0.0.0/8',
      }),
    ),
  QUEUE_URL: connectionAddress(
    /^rediss?(-cluster|-sentinel)?:\/\//,
    'a redis://, redis-cluster:// or redis-sentinel:// address, or one of rediss',
    findRedisFault,
  ).register(
    words,
    secret('Running', {
      description:
        'The Redis or Valkey that holds the queue: `redis://host:6379`, `redis-cluster://host:port,host:port`, ' +
        '`redis-sentinel://host:port,host:port/master`, each with an optional `user:password@`, and by TLS with `rediss` in place of `redis`.',
      default: 'the queue lives in the same Postgres',
      example: 'redis://queue.example:6379',
    }),
  ),
  FETCH_CONCURRENCY: upTo(
    'How many suppliers a process asks at once, 9 at most.',
    CONCURRENCY.fetch,
    9,
  ),
  APPLY_CONCURRENCY: upTo(
    `How many parts a process applies at once, ${APPLY_CONCURRENCY_MAX} at most: each on a database connection of its own.`,
    CONCURRENCY.apply,
    APPLY_CONCURRENCY_MAX,
  ),
  ALLOW_PRIVATE_HOSTS: z
    .string()
    .transform(parseAllowPrivateHosts)
    .register(
      words,
      plain('Running', {
        description:
          'Hosts of your own that requests may reach although they are private: a list of `host`, `*.domain`, address and CIDR range, each host ' +
          'and address with an optional `:port`. Where a cloud keeps the credentials of its machines, such as 169.254.169.254, only that very address opens.',
        default: 'none',
        example: '127.0.0.1,shop.internal:8080,10.0.0.0/8',
      }),
    ),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).register(
    words,
    plain('Running', {
      description: `From which level on lines are logged: ${LOG_LEVELS.join(', ')}.`,
      default: 'info',
      example: 'debug',
    }),
  ),
  CONTACT: matching(/^[\x21-\x7e]{1,200}$/, 'an address or e-mail, without spaces').register(
    words,
    plain('Running', {
      description: 'Where shop owners can reach you; part of the User-Agent.',
      default: 'the project page',
      example: 'https://your-site.example/bot',
    }),
  ),
  USER_AGENT: matching(/^[\x20-\x7e]{1,300}$/, 'plain ASCII text').register(
    words,
    plain('Running', {
      description: 'The whole User-Agent, in place of the one that names Shelfsync and CONTACT.',
      default: 'Shelfsync/VERSION (+CONTACT)',
      example: 'MyPriceSite/2.1 (+https://your-site.example/bot)',
    }),
  ),
}

export type SettingName = keyof typeof schema
export const SETTING_NAMES = Object.keys(schema) as readonly SettingName[]

/** All are optional here: which of them must come together is decided when they are loaded. */
export const Environment = z.object(schema).partial()
export type Environment = z.infer<typeof Environment>

export function settingMeta(name: SettingName): SettingMeta {
  const meta = words.get(schema[name])
  if (meta === undefined) throw new Error(`${name} has no words`)
  return meta
}

function plain(
  group: SettingMeta['group'],
  meta: Omit<SettingMeta, 'group' | 'secret'>,
): SettingMeta {
  return { group, secret: false, ...meta }
}

function secret(
  group: SettingMeta['group'],
  meta: Omit<SettingMeta, 'group' | 'secret'>,
): SettingMeta {
  return { group, secret: true, ...meta }
}

function upTo(description: string, usual: number, most: number): z.ZodType<number> {
  const expected = { error: `a number from 1 to ${most}` }
  const number = z
    .string()
    .regex(/^[1-9]$/, expected)
    .transform(Number)
    .refine((value) => value <= most, expected)
  return number.register(
    words,
    plain('Running', { description, default: String(usual), example: String(usual) }),
  )
}

function port(usual: number, whose: string): z.ZodType<number> {
  const number = z
    .string()
    .regex(/^\d{1,5}$/, { error: 'a port number' })
    .transform(Number)
    .refine((value) => value <= 65_535, { error: 'a port number' })
  return number.register(
    words,
    plain('Running', {
      description: `The port ${whose}; 0 takes any free one.`,
      default: String(usual),
      example: String(usual),
    }),
  )
}

function matching(pattern: RegExp, expected: string): z.ZodString {
  return z.string().regex(pattern, { error: expected })
}

/**
 * An address that may hold a password: what keeps it from being read is said, and nothing of it.
 */
function connectionAddress(
  scheme: RegExp,
  expected: string,
  findFault: (text: string) => string | null = () => null,
): z.ZodString {
  return z
    .string()
    .regex(scheme, { error: expected, abort: true })
    .superRefine((text, context) => {
      const problem =
        findUnencoded(text) ??
        (/\s/.test(text) ? `${expected} without blanks` : null) ??
        findFault(text)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem, continue: false })
    })
}

function parseKeep(text: string): number | 'all' {
  return text === 'all' ? text : Number(text)
}

function checkArtifacts(location: string, context: z.RefinementCtx): void {
  const [, scheme, rest = ''] = /^(file|supabase|s3):(.*)$/.exec(location) ?? []
  const [, bucket = ''] = /^\/\/([^/]+)(?:\/[A-Za-z0-9._/-]*)?$/.exec(rest) ?? []
  const fits = {
    file: rest !== '',
    supabase: rest === '' || BUCKET_NAME.test(rest),
    s3: BUCKET_NAME.test(bucket),
  }
  if (scheme !== undefined && fits[scheme as keyof typeof fits]) return
  context.addIssue({
    code: 'custom',
    message: '`file:` and a folder, `supabase:` and perhaps a bucket, or `s3://bucket/prefix`',
  })
}

function checkApiUrl(text: string, context: z.RefinementCtx): void {
  if (!isHttpUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)) {
    context.addIssue({
      code: 'custom',
      message: 'a host, or an http or https address without credentials',
    })
  }
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  // An "@" behind the host may be the end of a password with a "/" in it.
  return url !== null && /^https?:$/.test(url.protocol) && !text.includes('@')
}

function parseAllowPrivateHosts(text: string, context: z.RefinementCtx): AllowPrivateHosts {
  const patterns = text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
  const wrong = patterns.findIndex((pattern) => !isHostPattern(pattern))
  if (wrong === -1) return patterns
  const message = `a list of host, host:port, address and CIDR range such as 127.0.0.1,shop.internal:8080,10.0.0.0/8; entry ${wrong + 1} is none of these`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

function parseHosts(text: string, context: z.RefinementCtx): readonly string[] {
  const hosts = text.split(',').map((host) => host.trim().toLowerCase())
  const wrong = hosts.findIndex((host) => /[*/]/.test(host) || !isHostPattern(host))
  if (wrong === -1) return hosts
  context.addIssue({
    code: 'custom',
    message: `hosts separated by commas, such as medipim-gateway.example:8443; entry ${wrong + 1} is none`,
  })
  return z.NEVER
}

function parseTrustProxy(text: string, context: z.RefinementCtx): readonly string[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  const wrong = entries.findIndex((entry) => !isNetwork(entry))
  if (wrong === -1) return entries
  context.addIssue({
    code: 'custom',
    message: `addresses and CIDR ranges such as 127.0.0.1,10.0.0.0/8; entry ${wrong + 1} is neither`,
  })
  return z.NEVER
}

function isNetwork(entry: string): boolean {
  try {
    createNetworks([entry])
    return true
  } catch {
    return false
  }
}

function isHostPattern(pattern: string): boolean {
  try {
    parseHostPattern(pattern)
    return true
  } catch {
    return false
  }
}
