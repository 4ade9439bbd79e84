import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { ROLES, type Role } from '../core/roles.ts'
import { createLog } from '../telemetry/log.ts'
import {
  CONNECTOR_SETTING_NAMES,
  findReaders,
  isSecret,
  SETTING_GROUPS,
  SETTING_NAMES,
} from './settings-schema.ts'
import { loadSettings } from './settings.ts'

/** The settings that no connector declares. */
const OWN_NAMES = SETTING_NAMES.filter((name) => !CONNECTOR_SETTING_NAMES.includes(name))

function problemsOf(env: Record<string, string>, dotEnvText?: string): string {
  try {
    loadSettings(env, dotEnvText)
  } catch (error) {
    assert.ok(error instanceof SyncError)
    assert.equal(error.code, 'settings/invalid')
    return error.message
  }
  assert.fail('the settings were accepted')
}

test('without any setting, every value except a secret has a default', () => {
  const { userAgent, ...settings } = loadSettings({})
  assert.deepEqual(settings, {
    databaseUrl: null,
    embedded: false,
    home: '.shelfsync',
    artifacts: 'file:.shelfsync/artifacts',
    artifactsKeep: 14,
    artifactsLatest: false,
    alerts: { slackUrl: null, sentryDsn: null },
    changesDays: 400,
    webhooks: {},
    allowPrivateHosts: [],
    requestIntervals: new Map(),
    logLevel: 'info',
    http: {
      keys: [],
      syncKeys: [],
      readKeys: [],
      host: '::',
      ports: { fetcher: 3001, maintainer: 3002, orchestrator: 3003, web: 3000, metrics: 9091 },
      trustFlyHeader: false,
      trustProxy: [],
      metricsHost: '127.0.0.1',
      webUrl: null,
      publicStatus: false,
    },
    queue: {
      url: null,
      concurrency: { fetch: 2, apply: 2 },
      wakeUrls: { fetch: null, apply: null },
    },
    exitWhenIdleMs: null,
    s3: { endpoint: null, region: 'us-east-1', key: null },
    credentials: {},
    model: null,
    supabase: null,
    images: { target: null, imageKit: null, graceMs: 30 * 86_400_000 },
    secrets: [],
    supplierSecrets: [],
    flyApp: null,
  })
  assert.match(userAgent, /^Shelfsync\/\d+\.\d+\.\d+ \(\+https:\/\/.+\)$/)
})

test('the environment overrides .env, an empty value counts as absent, and other variables are ignored', () => {
  const dotEnv =
    '# comment\nexport LOG_LEVEL=debug\nSHELFSYNC_HOME="/srv/shelf sync"\nARTIFACTS_KEEP=3\nPATH=x\n'
  const settings = loadSettings({ LOG_LEVEL: '', ARTIFACTS_KEEP: '0', HOME: '/root' }, dotEnv)
  assert.equal(settings.logLevel, 'debug')
  assert.equal(settings.home, '/srv/shelf sync')
  assert.equal(settings.artifacts, 'file:/srv/shelf sync/artifacts')
  assert.equal(settings.artifactsKeep, 0)
  assert.equal(settings.databaseUrl, null)
})

test('an empty or misspelt DATABASE_URL is an error, an absent one is not, and the value embedded is accepted', () => {
  const full = 'postgres://db.example/x'
  for (const empty of ['', '  '])
    assert.match(
      problemsOf({ DATABASE_URL: empty }),
      /DATABASE_URL: empty in the environment; for the database in SHELFSYNC_HOME remove it/,
    )
  assert.match(problemsOf({}, 'DATABASE_URL=\n'), /DATABASE_URL: empty in \.env/)
  for (const name of [
    'DATABSE_URL',
    'DATABASE_URI',
    'DATABASEURL',
    'database_url',
    'DATABASE_URLS',
    'DATABASE_ULR',
  ]) {
    assert.match(
      problemsOf({ [name]: full }),
      new RegExp(`${name}: in the environment this looks like DATABASE_URL misspelt`),
    )
    assert.match(
      problemsOf(
        { SUPABASE_URL: 'https://x.supabase.co', SUPABASE_SECRET_KEY: 'sb_secret_x' },
        `${name}=${full}\n`,
      ),
      new RegExp(`${name}: in \\.env`),
    )
    assert.equal(loadSettings({ [name]: full, DATABASE_URL: full }).databaseUrl, full)
  }
  assert.equal(loadSettings({ DATABASE_URL: '' }, `DATABASE_URL=${full}\n`).databaseUrl, full)
  const { databaseUrl, embedded } = loadSettings(
    { DATABASE_URL: 'embedded', DATABSE_URL: full },
    `DATABASE_URL=${full}\n`,
  )
  assert.deepEqual([databaseUrl, embedded, loadSettings({}).embedded], [null, true, false])
})

test('a line of .env without a setting is reported by its number, not by its text', () => {
  const sound =
    '\uFEFF# comment = with "\r\n\r\n  export LOG_LEVEL=debug\nA="one\n\ntwo" # three\nB = \'\n=\n\'\nC=`\nx\n`\nD="\nE=\n  # "\n'
  assert.equal(loadSettings({}, sound).logLevel, 'debug')
  const message = problemsOf({}, `${sound}planted\nF=1\n=planted\nG="a\nb"\nplanted: 1\n`)
  assert.deepEqual(
    [...message.matchAll(/\.env, line (\d+): expected NAME=value/g)].map(([, line]) =>
      Number(line),
    ),
    [16, 18, 21],
  )
  assert.doesNotMatch(message, /planted/)
})

test('the address of a queue is a secret only if it contains credentials', () => {
  assert.deepEqual(loadSettings({ QUEUE_URL: 'redis://queue.example:6379' }).secrets, [])
  const { secrets } = loadSettings({ QUEUE_URL: 'redis://:p%40ss@queue.example:6379' })
  assert.deepEqual(
    new Set(secrets),
    new Set(['redis://:p%40ss@queue.example:6379', 'p%40ss', 'p@ss']),
  )
})

test('"~" means the home of the user in every setting with a folder', () => {
  const { home, artifacts } = loadSettings({ SHELFSYNC_HOME: '~/shelf', ARTIFACTS: 'file:~/raw' })
  assert.deepEqual([home, artifacts], [`${homedir()}/shelf`, `file:${homedir()}/raw`])
  assert.equal(loadSettings({ SHELFSYNC_HOME: '~' }).artifacts, `file:${homedir()}/artifacts`)
  assert.match(problemsOf({ SHELFSYNC_HOME: '~somebody/x' }), /SHELFSYNC_HOME: expected a folder/)
})

test('a SYNC_KEY is separate from the admin keys, secret, and needs an ADMIN_KEY', () => {
  const [ADMIN_KEY, SYNC_KEY, SYNC_KEY_NEXT] = [
    'the-admin-key-now',
    'a-sync-key-now',
    'a-next-one',
  ].map((key) => key.padEnd(20, '-')) as [string, string, string]
  const { http, secrets } = loadSettings({ ADMIN_KEY, SYNC_KEY, SYNC_KEY_NEXT })
  assert.deepEqual(
    [http.keys, http.syncKeys, secrets],
    [[ADMIN_KEY], [SYNC_KEY, SYNC_KEY_NEXT], [ADMIN_KEY, SYNC_KEY, SYNC_KEY_NEXT]],
  )
  assert.match(problemsOf({ SYNC_KEY }), /ADMIN_KEY: missing; SYNC_KEY needs it/)
  assert.match(
    problemsOf({ ADMIN_KEY, SYNC_KEY_NEXT }),
    /SYNC_KEY: missing; SYNC_KEY_NEXT needs it/,
  )
  for (const admin of [{ ADMIN_KEY: SYNC_KEY }, { ADMIN_KEY, ADMIN_KEY_NEXT: SYNC_KEY }]) {
    const refusal = /: expected a key other than ADMIN_KEY and ADMIN_KEY_NEXT/
    assert.match(problemsOf({ ...admin, SYNC_KEY }), refusal)
    const other = 'another-sync-key-now'
    assert.match(problemsOf({ ...admin, SYNC_KEY: other, SYNC_KEY_NEXT: SYNC_KEY }), refusal)
  }
})

test('ports, host and both keys of the HTTP servers are read, and a next key needs a current one', () => {
  const [ADMIN_KEY, ADMIN_KEY_NEXT] = ['the-key-of-today', 'the-key-of-tomorrow']
  const { http, secrets } = loadSettings({
    ADMIN_KEY,
    ADMIN_KEY_NEXT,
    LISTEN_HOST: '127.0.0.1',
    FETCHER_PORT: '0',
    TRUST_FLY_HEADER: 'true',
  })
  assert.deepEqual(http.keys, [ADMIN_KEY, ADMIN_KEY_NEXT])
  assert.deepEqual(
    [http.host, http.ports.fetcher, http.ports.maintainer, http.trustFlyHeader],
    ['127.0.0.1', 0, 3002, true],
  )
  assert.deepEqual(secrets, http.keys)
  assert.match(problemsOf({ ADMIN_KEY_NEXT }), /ADMIN_KEY: missing/)
  assert.match(
    problemsOf({ METRICS_PORT: '65536', FETCHER_PORT: 'x' }),
    /FETCHER_PORT: expected a port number\n.*METRICS_PORT: expected a port number/,
  )
})

test('the settings cannot be changed', () => {
  const settings = loadSettings({ MEDIPIM_API_KEY: 'id:secret' })
  assert.throws(() => Object.assign(settings, { home: 'x' }), TypeError)
  assert.throws(() => Object.assign(settings.credentials, { MEDIPIM_API_KEY: 'x' }), TypeError)
})

test('variables that belong to a connector reach its credentials, and their conflicts are problems', () => {
  const { credentials } = loadSettings({ MEDIPIM_API_KEY: 'an-id:a:secret', PATH: '/bin' })
  assert.deepEqual(credentials, { MEDIPIM_API_KEY: 'an-id:a:secret' })
  assert.match(
    problemsOf({ MEDIPIM_API_KEY: 'a:b', MEDIPIM_API_KEY_ID: 'c' }),
    /MEDIPIM_API_KEY: set either/,
  )
  assert.match(problemsOf({ MEDIPIM_API_KEY_ID: 'c' }), /MEDIPIM_API_KEY_SECRET: missing/)
  assert.match(problemsOf({ MEDIPIM_API_KEY_SECRET: 'c' }), /MEDIPIM_API_KEY_ID: missing/)
})

test('the secret of one source is read from the environment and .env, and listed for the redactor in every form', () => {
  const { credentials, secrets, supplierSecrets } = loadSettings(
    { SECRET_MY_SHOP_API_KEY_ID: 'planted-id' },
    'SECRET_MY_SHOP_API_KEY_SECRET=planted-secret\nSECRET_OTHER_TOKEN=planted-token\n',
  )
  assert.deepEqual(credentials, {
    SECRET_MY_SHOP_API_KEY_ID: 'planted-id',
    SECRET_MY_SHOP_API_KEY_SECRET: 'planted-secret',
    SECRET_OTHER_TOKEN: 'planted-token',
  })
  const forms = ['planted-id', 'planted-secret', 'planted-token', 'planted-id:planted-secret']
  assert.deepEqual(new Set(secrets), new Set(forms))
  assert.deepEqual(new Set(supplierSecrets), new Set(forms))
})

test('Supabase accepts either key, and an address needs a key and a key an address', () => {
  const url = 'https://x.supabase.co'
  const expected = { url, secretKey: 'sb_secret_x', bucket: 'medipim-raw' }
  assert.deepEqual(
    loadSettings({ SUPABASE_URL: url, SUPABASE_SECRET_KEY: 'sb_secret_x' }).supabase,
    expected,
  )
  assert.deepEqual(
    loadSettings({ SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_x' }).supabase,
    expected,
  )
  assert.match(problemsOf({ SUPABASE_URL: url }), /SUPABASE_SECRET_KEY: missing/)
  for (const name of ['SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY']) {
    const problems = problemsOf({ SUPABASE_URL: url, [name]: 'sb_publishable_x' })
    assert.match(problems, new RegExp(`${name}: .*expected a (secret|service role) key`))
  }
  const open = { SUPABASE_URL: 'http://supabase.example:8000', SUPABASE_SECRET_KEY: 'sb_secret_x' }
  assert.match(
    problemsOf(open),
    /SUPABASE_URL: expected https, because http sends the key unencrypted/,
  )
  assert.ok(loadSettings({ ...open, ALLOW_PRIVATE_HOSTS: 'supabase.example' }).supabase)
  assert.ok(loadSettings({ ...open, SUPABASE_URL: 'http://127.0.0.1:54321' }).supabase)
  assert.match(
    problemsOf({ SUPABASE_SERVICE_ROLE_KEY: 'x' }),
    /SUPABASE_URL: missing; SUPABASE_SERVICE_ROLE_KEY needs it/,
  )
  assert.match(
    problemsOf({ SUPABASE_URL: url, SUPABASE_SECRET_KEY: 'x', SUPABASE_SERVICE_ROLE_KEY: 'y' }),
    /SUPABASE_SECRET_KEY: set either/,
  )
})

test('private hosts are allowed as ranges or one by one', () => {
  assert.deepEqual(
    loadSettings({ ALLOW_PRIVATE_HOSTS: '127.0.0.1, shop.internal:8080,fd00::/8' })
      .allowPrivateHosts,
    ['127.0.0.1', 'shop.internal:8080', 'fd00::/8'],
  )
  assert.match(problemsOf({ ALLOW_PRIVATE_HOSTS: 'a,b c' }), /entry 2 is not one of these/)
  for (const meant of [
    '1',
    '0',
    'true',
    'TRUE',
    'false',
    'yes',
    'no',
    'on',
    'off',
    'all',
    '*',
    '10',
    '127.0.0.1,1',
  ]) {
    assert.match(
      problemsOf({ ALLOW_PRIVATE_HOSTS: meant }),
      /ALLOW_PRIVATE_HOSTS: expected a list of .* such as 127\.0\.0\.1,shop\.internal:8080,10\.0\.0\.0\/8; entry/,
      meant,
    )
  }
})

test('MEDIPIM_HOSTS accepts hosts only, and no switch or range', () => {
  for (const meant of [
    '1',
    'true',
    '*.example',
    '10.0.0.0/8',
    'a.example,',
    'https://a.example',
    'a.example:99999',
  ]) {
    assert.match(
      problemsOf({ MEDIPIM_HOSTS: meant }),
      /MEDIPIM_HOSTS: expected hosts separated by commas, such as .*; entry/,
      meant,
    )
  }
})

test('artifacts are stored in a folder, in Supabase Storage or in S3, and each needs its own settings', () => {
  const supabase = { SUPABASE_URL: 'https://x.supabase.co', SUPABASE_SECRET_KEY: 'sb_secret_x' }
  for (const ARTIFACTS of [
    'file:/srv/a',
    'supabase:',
    'supabase:my-bucket',
    's3://bucket',
    's3://bucket/a/b',
  ]) {
    assert.equal(loadSettings({ ...supabase, ARTIFACTS }).artifacts, ARTIFACTS)
  }
  for (const ARTIFACTS of [
    'file:',
    'supabase:My Bucket',
    's3:bucket',
    's3://',
    's3://key:secret@bucket',
    's3://bucket/a?b',
    'https://x',
  ]) {
    assert.match(problemsOf({ ...supabase, ARTIFACTS }), /ARTIFACTS: expected `file:`/, ARTIFACTS)
  }
  assert.match(problemsOf({ ARTIFACTS: 'supabase:' }), /SUPABASE_URL: missing; ARTIFACTS needs it/)
  assert.equal(loadSettings(supabase).artifacts, 'supabase:')
  assert.equal(loadSettings({ SHELFSYNC_HOME: '/srv/s' }).artifacts, 'file:/srv/s/artifacts')
})

test('S3 has an endpoint, a region, and either both parts of a key or neither', () => {
  const given = {
    S3_ENDPOINT: 'http://127.0.0.1:9000',
    S3_REGION: 'auto',
    S3_ACCESS_KEY_ID: 'an-id',
    S3_SECRET_ACCESS_KEY: 'a-secret',
  }
  const { s3, secrets } = loadSettings(given)
  assert.deepEqual(s3, {
    endpoint: 'http://127.0.0.1:9000',
    region: 'auto',
    key: { id: 'an-id', secret: 'a-secret' },
  })
  for (const secret of ['an-id', 'a-secret']) assert.ok(secrets.includes(secret))
  assert.match(problemsOf({ S3_ACCESS_KEY_ID: 'x' }), /S3_SECRET_ACCESS_KEY: missing/)
  assert.match(problemsOf({ S3_SECRET_ACCESS_KEY: 'x' }), /S3_ACCESS_KEY_ID: missing/)
})

test('a language model needs its address and its name', () => {
  const LLM_URL = 'http://127.0.0.1:11434/v1'
  assert.deepEqual(loadSettings({ LLM_URL, LLM_MODEL: 'small', LLM_KEY: 'a-key' }).model, {
    url: LLM_URL,
    key: 'a-key',
    model: 'small',
    requestsPerDay: 500,
  })
  assert.match(problemsOf({ LLM_URL }), /LLM_MODEL: missing; LLM_URL needs it/)
  assert.match(problemsOf({ LLM_MODEL: 'small' }), /LLM_URL: missing; LLM_MODEL needs it/)
})

// One invalid value for each setting. All contain a mark that must never be shown.
const WRONG: Record<string, string> = {
  CHANGES_DAYS: '0',
  DATABASE_URL: 'mysql://planted',
  MIGRATE_DATABASE_URL: 'planted',
  ARTIFACTS: 'planted',
  ARTIFACTS_KEEP: 'planted',
  MEDIPIM_API_URL: 'ftp://planted',
  MEDIPIM_API_KEY_ID: 'planted planted',
  MEDIPIM_API_KEY_SECRET: 'planted planted',
  MEDIPIM_API_KEY: 'planted',
  SUPABASE_URL: 'planted',
  SUPABASE_SECRET_KEY: 'planted 1',
  SUPABASE_SERVICE_ROLE_KEY: 'planted 2',
  BUCKET: 'Planted',
  ADMIN_KEY: 'planted',
  ALLOW_PRIVATE_HOSTS: 'planted/planted',
  LOG_LEVEL: 'planted',
  REQUEST_RATES: 'host=planted',
  CONTACT: 'planted planted',
  USER_AGENT: 'planted\u0007',
  ARTIFACTS_LATEST: 'planted',
  S3_ENDPOINT: 'planted',
  S3_REGION: 'Planted',
  S3_ACCESS_KEY_ID: 'planted planted',
  S3_SECRET_ACCESS_KEY: 'planted planted',
  ADMIN_KEY_NEXT: 'planted',
  SYNC_KEY: 'planted',
  SYNC_KEY_NEXT: 'planted',
  READ_KEY: 'planted',
  READ_KEY_NEXT: 'planted',
  LISTEN_HOST: 'planted host',
  METRICS_HOST: 'planted host',
  MEDIPIM_HOSTS: 'planted host',
  IMAGES: 'supabase:Planted',
  IMAGEKIT_PRIVATE_KEY: 'planted planted',
  IMAGEKIT_ENDPOINT: 'planted',
  IMAGES_KEEP_DAYS: 'planted',
  FETCHER_PORT: 'planted',
  MAINTAINER_PORT: '-1',
  ORCHESTRATOR_PORT: '65536',
  WEB_PORT: 'planted',
  WEB_URL: 'planted',
  PUBLIC_STATUS: 'planted',
  METRICS_PORT: '1.5',
  TRUST_FLY_HEADER: 'planted',
  TRUST_PROXY: 'planted',
  QUEUE_URL: 'amqp://planted',
  SLACK_WEBHOOK_URL: 'planted',
  SENTRY_DSN: 'https://planted.example/1',
  FETCH_CONCURRENCY: '0',
  APPLY_CONCURRENCY: 'planted',
  FETCHER_WAKE_URL: 'planted',
  MAINTAINER_WAKE_URL: 'ftp://planted',
  EXIT_WHEN_IDLE_SECONDS: '0',
  LLM_URL: 'planted',
  LLM_KEY: 'planted planted',
  LLM_MODEL: 'planted planted',
  LLM_REQUESTS_PER_DAY: '0',
}

test('all problems are listed at once, by name and expectation, never by value', () => {
  const message = problemsOf(WRONG)
  for (const name of Object.keys(WRONG))
    assert.match(message, new RegExp(`^  ${name}: expected \\S`, 'm'))
  assert.doesNotMatch(message, /planted/i)
  assert.deepEqual(
    OWN_NAMES.filter((name) => !(name in WRONG)),
    ['SHELFSYNC_HOME'],
  )
})

/**
 * Returns a planted value for a secret; no value is part of another. Connection addresses contain
 * it as an encoded password.
 */
const SECRETS = Object.fromEntries(
  SETTING_NAMES.filter((name) => isSecret(name)).map((name) => [name, plantedAs(name)]),
)

function plantedAs(name: string): string {
  const planted = `planted-${name.toLowerCase().replaceAll('_', '-')}-its-value`
  if (name.endsWith('DATABASE_URL')) return `postgres://worker:${planted}%2F1@db.example/x`
  if (name === 'SLACK_WEBHOOK_URL') return `https://hooks.slack.example/${planted}`
  if (name === 'SENTRY_DSN') return `https://${planted}@sentry.example/1`
  if (name === 'QUEUE_URL') return `redis-cluster://:${planted}%2F1@one:1,two:2`
  // The form of a private Ed25519 key.
  if (name === 'WEB_BOT_AUTH_KEY') return planted.padEnd(43, 'A')
  return name === 'MEDIPIM_API_KEY' ? `${planted}-id:${planted}-secret` : planted
}

// Settings that exclude each other: first these are left out, then those.
const WAYS = [
  ['MEDIPIM_API_KEY', 'SUPABASE_SERVICE_ROLE_KEY'],
  ['MEDIPIM_API_KEY_ID', 'MEDIPIM_API_KEY_SECRET', 'SUPABASE_SECRET_KEY'],
]

test('each secret setting is listed for the redactor in every form in which it is sent', () => {
  for (const left of WAYS) {
    const given = Object.fromEntries(
      Object.entries(SECRETS).filter(([name]) => !left.includes(name)),
    )
    const { secrets } = loadSettings({
      ...given,
      WEB_BOT_AUTH_AGENT: 'https://bot.example',
      SUPABASE_URL: 'https://x.supabase.co',
    })
    const sent = Object.entries(given).flatMap(([name, value]) =>
      name.endsWith('_URL') ? [value, ...passwordsIn(value)] : [value],
    )
    const key =
      given.MEDIPIM_API_KEY ?? `${given.MEDIPIM_API_KEY_ID}:${given.MEDIPIM_API_KEY_SECRET}`
    const basic = Buffer.from(key).toString('base64')
    sent.push(...key.split(':'), basic)
    sent.push(Buffer.from(`${given.IMAGEKIT_PRIVATE_KEY}:do_not_set`).toString('base64'))
    const written: string[] = []
    const log = createLog({
      level: 'info',
      destination: { write: (line: string) => written.push(line) },
      secrets,
    })
    log.info({ given, list: sent }, `sent ${sent.join(' and ')}`)
    assert.doesNotMatch(written.join(''), /planted|-value/)
    // With its colon the id's length does not divide by three, so knowing both parts alone would
    // not hide the pair in base64.
    assert.equal(written.join('').includes(basic.slice(-12)), false)
  }
})

/** Returns the password of an address, as written there and as sent. */
function passwordsIn(address: string): string[] {
  const [, password = ''] = /:([^:/@]+)@/.exec(address) ?? []
  return [password, decodeURIComponent(password)]
}

test('a password that is also the name of the user does not hide that word', () => {
  assert.deepEqual(
    loadSettings({ DATABASE_URL: 'postgres://postgres:postgres@127.0.0.1/postgres' }).secrets,
    ['postgres://postgres:postgres@127.0.0.1/postgres'],
  )
})

test('for an address with an unencoded password, the error names the character and not the address', () => {
  const cases = [
    ['DATABASE_URL', 'postgres://postgres:2024/Summer!x@127.0.0.1:5432/postgres', '"/" as %2F'],
    ['DATABASE_URL', 'postgres://postgres:Sum%mer!x@127.0.0.1:5432/postgres', '"%" as %25'],
    [
      'DATABASE_URL',
      'postgres://postgres:Sum mer#x@127.0.0.1:5432/postgres',
      '" " as %20 and "#" as %23',
    ],
    ['QUEUE_URL', 'redis://u:Summer!x@queue.example:99999', 'with an optional port up to 65535'],
    ['QUEUE_URL', 'redis://u:Summer!x@/var/run/redis.sock', 'a host before the path'],
    ['QUEUE_URL', 'redis-cluster://u:Summer!x@[::1', 'hosts separated by commas'],
    ['QUEUE_URL', 'redis-sentinel://u:Summer!x@a.example,', 'hosts separated by commas'],
    ['QUEUE_URL', 'redis://u:Summer!x@queue.example/x', 'the number of a database'],
    ['DATABASE_URL', 'postgres://u:Summer!x@db.example/x?port=99999', 'of the form'],
    ['QUEUE_URL', 'redis://:2024/Summer!x@queue.example', '"/" as %2F'],
    ['QUEUE_URL', 'rediss-cluster://u:Sum?mer!x@a.example,b.example', '"?" as %3F'],
    ['DATABASE_URL', 'postgres://u:Summer!x@one.example,two.example:5432/x', 'with one host'],
    ['S3_ENDPOINT', 'https://id:20/Summer!x@s3.example', 'without credentials'],
    ['SUPABASE_URL', 'https://id:20/Summer!x@p.example', 'without credentials'],
    ['MEDIPIM_API_URL', 'https://id:20/Summer!x@api.example', 'without credentials'],
    ['ARTIFACTS', 's3://id:20/Summer!x@bucket/prefix', 's3://bucket/prefix'],
  ] as const
  for (const [name, address, words] of cases) {
    const message = problemsOf({ [name]: address })
    assert.ok(message.includes(`${name}: expected`) && message.includes(words), message)
    assert.doesNotMatch(message, /Sum|mer!x|2024/)
  }
})

test('every setting with a key, a secret or a connection address is marked as secret and has no default value', () => {
  const secret = OWN_NAMES.filter((name) => isSecret(name))
  assert.deepEqual(
    secret,
    OWN_NAMES.filter((name) => /KEY|SECRET|DATABASE|QUEUE|SLACK|SENTRY/.test(name)),
  )
  for (const group of SETTING_GROUPS.values()) {
    for (const [name, setting] of group)
      if (isSecret(name)) assert.match(setting.default, /^(none|an embedded|the queue)/)
  }
})

test('each role uses only its own secrets, and the login of the owner belongs to no role', () => {
  const keys = [
    'ADMIN_KEY',
    'ADMIN_KEY_NEXT',
    'SYNC_KEY',
    'SYNC_KEY_NEXT',
    'READ_KEY',
    'READ_KEY_NEXT',
  ]
  const s3 = ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']
  const storage = [...s3, 'SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY']
  const supplier = ['MEDIPIM_API_KEY_ID', 'MEDIPIM_API_KEY_SECRET', 'MEDIPIM_API_KEY']
  const website = ['FIRECRAWL_API_KEY', 'WEB_BOT_AUTH_KEY']
  const amazon = ['AMAZON_CREDENTIAL_ID', 'AMAZON_CREDENTIAL_SECRET']
  const retired = ['PAAPI_ACCESS_KEY', 'PAAPI_SECRET_KEY']
  const alerts = ['SLACK_WEBHOOK_URL', 'SENTRY_DSN']
  const everyRole = ['DATABASE_URL', 'QUEUE_URL', ...alerts]
  const expected: Readonly<Record<Role, readonly string[]>> = {
    fetcher: [...everyRole, ...keys, ...storage, ...supplier, ...website, ...amazon, ...retired],
    maintainer: [...everyRole, ...keys, ...storage, 'LLM_KEY'],
    orchestrator: [...everyRole, ...keys],
    web: [...everyRole, ...keys],
    scheduler: everyRole,
    deliver: ['DATABASE_URL', ...alerts],
    images: [
      'DATABASE_URL',
      ...alerts,
      'IMAGEKIT_PRIVATE_KEY',
      'SUPABASE_SECRET_KEY',
      'SUPABASE_SERVICE_ROLE_KEY',
    ],
  }
  for (const role of ROLES) {
    const names = SETTING_NAMES.filter((name) => isSecret(name) && findReaders(name).includes(role))
    assert.deepEqual(names.toSorted(), [...expected[role]].toSorted(), role)
  }
  assert.deepEqual(findReaders('MIGRATE_DATABASE_URL'), [])
  assert.deepEqual(findReaders('SECRET_MY_SHOP_API_KEY'), ['fetcher'])
  assert.deepEqual(findReaders('WEBHOOK_SECRET_ORDERS'), ['deliver'])
})

test('IMAGES names a bucket or a folder, and what it needs', () => {
  const key = { IMAGEKIT_PRIVATE_KEY: 'private_key' }
  const { images } = loadSettings({ IMAGES: 'imagekit:shop/coffee', ...key, IMAGES_KEEP_DAYS: '7' })
  assert.deepEqual(images, {
    target: { kind: 'imagekit', folder: 'shop/coffee' },
    imageKit: { privateKey: 'private_key', endpoint: null },
    graceMs: 7 * 86_400_000,
  })
  assert.equal(loadSettings({ IMAGES: 'none' }).images.target, null)
  assert.match(
    problemsOf({ IMAGES: 'supabase:images' }),
    /^ {2}SUPABASE_URL: missing; IMAGES needs it$/m,
  )
  assert.match(
    problemsOf({ IMAGES: 'imagekit:coffee' }),
    /^ {2}IMAGEKIT_PRIVATE_KEY: missing; IMAGES needs it$/m,
  )
  for (const IMAGES of [
    'supabase:',
    'imagekit:/coffee',
    'imagekit:',
    's3://bucket',
    'supabase:a b',
  ])
    assert.match(
      problemsOf({ IMAGES, ...key }),
      /^ {2}IMAGES: expected `none`, `supabase:` and a bucket, or `imagekit:` and a folder$/m,
    )
})
