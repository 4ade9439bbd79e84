// Builds what commands work with, from the settings, and takes it down again in reverse order.

import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openStore } from '../artifacts/open.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import { createConnectors } from '../connectors/registry.ts'
import type { Secrets } from '../connectors/medipim/responses.ts'
import { checkKeyHost } from '../connectors/medipim/api.ts'
import type { Connector } from '../core/connector.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import type { Catalog } from '../db/catalog.ts'
import { openEmbedded } from '../embedded-postgres/embedded.ts'
import { DataApi, type DataApiOptions } from '../db/data-api.ts'
import { listMissingMigrations, migrate } from '../db/migrate/migrate.ts'
import { openPool, type Db } from '../db/pool.ts'
import type { Http } from '../core/http.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { checkPrivacy, createHttp } from '../node/http-client.ts'
import { decodeDotEnv, findCutValues, findEarlyQuotes, findRepeated } from '../config/dot-env.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import { loadSettings, type Settings } from '../config/settings.ts'
import { errnoOf } from '../node/system-errors.ts'
import { DATA_API_OPTIONS, DEFAULT_OPTIONS, type PipelineTools } from '../pipeline/sync.ts'
import type { Output } from './output.ts'
import { formatQuantity } from './format.ts'

const ANNOUNCE_AFTER_MS = 1500

export type Env = Readonly<Record<string, string | undefined>>

/** What needs no database. */
export interface Basics extends AsyncDisposable {
  readonly settings: Settings
  readonly log: Log
  readonly redact: Redactor
  readonly store: ArtifactStore
  readonly http: Http
  readonly connectors: ReadonlyMap<string, Connector>
  /** Null: none is set. */
  readonly medipimKey: Secrets | null
  /**
   * @throws SyncError `source/address-refused` when the key of MediPim is not to be sent to `url`
   */
  checkKeyAddress(url: URL): void
  readonly correlationId: string
}

/** What a sync works with: a database with sessions, or nothing but calls. */
export interface SyncTools extends Basics, PipelineTools {
  readonly log: Log
}

export interface Tools extends SyncTools {
  readonly db: Db
}

/**
 * Reads the environment and `.env`. From here on no secret in them is printed. @throws SyncError
 * `settings/invalid`
 */
export async function readSettings(output: Output, env: Env): Promise<Settings> {
  requireWorkingDirectory()
  const dotEnvText = await readDotEnv()
  for (const name of findCutValues(dotEnvText).filter((one) => !env[one])) {
    output.note(
      `.env: the value of ${name} ends before its "#", where a comment begins; put the whole value in quotes`,
    )
  }
  for (const name of findEarlyQuotes(dotEnvText).filter((one) => !env[one])) {
    output.note(
      `.env: the value of ${name} ends at its second quotation mark, and the rest of the line is ignored; use another kind of quotation mark around it`,
    )
  }
  for (const name of findRepeated(dotEnvText).filter((one) => !env[one])) {
    output.note(`.env: ${name} is set more than once; the last line counts`)
  }
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']
    .flatMap((name) => [name, name.toLowerCase()])
    .filter((name) => env[name])
  // A proxy looks names up itself, so nobody could judge the addresses that a request then goes to.
  if (proxies.length > 0)
    output.note(
      `${proxies.join(' and ')}: ignored; Shelfsync makes its requests itself and needs a direct way out`,
    )
  const settings = loadSettings(env, dotEnvText)
  output.hide(settings.secrets)
  return settings
}

/** Everything relative begins there. @throws SyncError `settings/invalid` */
function requireWorkingDirectory(): void {
  try {
    process.cwd()
  } catch (cause) {
    throw new SyncError(
      'settings/invalid',
      'The working directory is gone: change into one that exists',
      { cause },
    )
  }
}

/**
 * The text of `.env`, empty when there is none. @throws SyncError `settings/invalid` when it cannot
 * be read
 */
export async function readDotEnv(): Promise<string> {
  try {
    return decodeDotEnv(await readFile('.env'))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw new SyncError(
      'settings/invalid',
      `.env in the working directory cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

export function openBasics(output: Output, settings: Settings): Basics {
  const correlationId = randomUUID()
  // What a run says at level info, its command prints itself.
  const level = output.verbose ? 'debug' : settings.logLevel === 'info' ? 'warn' : settings.logLevel
  const log = createLog({
    level,
    destination: output.logDestination(),
    secrets: settings.secrets,
  }).child({ cid: correlationId })
  const guard = createAddressGuard(settings.allowPrivateHosts)
  const http = createHttp({
    guard,
    userAgent: settings.userAgent,
    onRequest: (report) => log.debug(report, 'request'),
  })
  const redact = createRedactor(settings.supplierSecrets, settings.secrets)
  const { key, keyHosts } = settings.medipim
  const mayGoTo = (url: URL): boolean => keyHosts.includes(url.host) || guard.isOwn(url)
  const medipimKey = key && { keyId: key.id, keySecret: key.secret, mayGoTo }
  return {
    settings,
    log,
    http,
    correlationId,
    redact,
    medipimKey,
    store: openStore(settings.artifacts, process.cwd(), settings),
    connectors: createConnectors({ medipim: medipimKey }),
    checkKeyAddress(url) {
      checkKeyHost(url, mayGoTo)
      checkPrivacy(url, guard)
    },
    [Symbol.asyncDispose]: () => http.close(),
  }
}

/**
 * Everything, with a database that has all of our tables: the embedded one is brought up to date,
 * another one must be already.
 *
 * @throws SyncError `settings/invalid` · `db/unreachable` · `db/unsuitable` · `db/not-migrated`
 */
export async function openTools(
  output: Output,
  settings: Settings,
  options: DatabaseOptions = {},
): Promise<Tools> {
  await using opened = new AsyncDisposableStack()
  const basics = opened.use(openBasics(output, settings))
  const { db } = opened.use(await openDatabase(output, settings, options))
  if (settings.databaseUrl === null) await migrate(db)
  else await requireMigrated(db)
  const kept = opened.move()
  return {
    ...basics,
    db,
    options: DEFAULT_OPTIONS,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/**
 * The same without sessions, when the settings name a Supabase project and no database: everything
 * goes through its Data API.
 *
 * @throws SyncError as `openTools`
 */
export async function openSyncTools(output: Output, settings: Settings): Promise<SyncTools> {
  const project = dataApiOf(settings)
  if (project === null) return openTools(output, settings)
  await using opened = new AsyncDisposableStack()
  const basics = opened.use(openBasics(output, settings))
  const db = new DataApi(project)
  await requireMigrated(db, MIGRATE_BY_HAND)
  const kept = opened.move()
  return {
    ...basics,
    db,
    options: DATA_API_OPTIONS,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** How a project is migrated that can only be called. */
export const MIGRATE_BY_HAND =
  'Without DATABASE_URL use `shelfsync migrations copy` and `supabase db push --include-all`, or paste supabase/db/init.sql into the SQL ' +
  'editor of a project that has none of them yet'

/** The project that is called, when there is no other database. */
export function dataApiOf({
  databaseUrl,
  embedded,
  supabase,
  secrets,
}: Pick<Settings, 'databaseUrl' | 'embedded' | 'supabase' | 'secrets'>): DataApiOptions | null {
  return databaseUrl === null && !embedded && supabase !== null ? { ...supabase, secrets } : null
}

export interface DatabaseOptions {
  /** Leaves the embedded server running for whoever comes next. */
  readonly keepServer?: boolean
  /**
   * For a process that stays: an embedded server that is gone is started again, which this hears
   * of.
   */
  readonly tend?: (warning: string) => void
  /** See `openPool`. */
  readonly searchPath?: string
}

/**
 * Opens the database as it is. The embedded one is started when it does not run, and stopped again
 * when nobody else uses it; one that was found running is left running.
 *
 * @throws SyncError `db/unsuitable` when there is only the Data API · `db/unreachable`
 */
export async function openDatabase(
  output: Output,
  settings: Settings,
  options: DatabaseOptions = {},
): Promise<AsyncDisposable & { readonly db: Db }> {
  const { databaseUrl, home } = settings
  if (dataApiOf(settings) !== null) {
    throw new SyncError(
      'db/unsuitable',
      'This needs sessions of Postgres, which SUPABASE_URL alone does not give: set DATABASE_URL to the direct connection ' +
        'or the session pooler of your project. Without it there are add, sync, replay, status, sources list, runs list and doctor',
    )
  }
  await using opened = new AsyncDisposableStack()
  const url = databaseUrl ?? (await startEmbedded(output, home, options, opened))
  const db = await openPool(url, {
    applicationName: 'shelfsync',
    ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }),
  })
  opened.defer(() => db.end())
  if (databaseUrl === null) await sayIfEmpty(output, db, home)
  const kept = opened.move()
  return { db, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * Run in another folder, a command has another catalogue: one that was just made, or has no source,
 * says where it is.
 */
async function sayIfEmpty(output: Output, db: Db, home: string): Promise<void> {
  const {
    rows: [found],
  } = await db.query<{ made: boolean }>(`select to_regclass('catalog.sources') is null as made`)
  if (
    found?.made === false &&
    (await db.query('select from catalog.sources limit 1')).rowCount !== 0
  )
    return
  const place = resolve(home, 'postgres')
  const what =
    found?.made === true
      ? `a new, empty database was made in ${place}`
      : `the database in ${place} is empty: it has no source`
  output.note(`${what}. SHELFSYNC_HOME chooses another folder, DATABASE_URL another database`)
}

async function startEmbedded(
  output: Output,
  home: string,
  { keepServer = false, tend }: DatabaseOptions,
  opened: AsyncDisposableStack,
): Promise<string> {
  // What is done in a moment need not be announced.
  let words: string | null = null
  const announcement = setTimeout(() => words !== null && output.note(words), ANNOUNCE_AFTER_MS)
  try {
    const embedded = await openEmbedded({ home, onProgress: (text) => void (words = text) })
    const found = words === null
    opened.defer(() => embedded.close({ keepServer: keepServer || found }))
    if (tend) embedded.tend(tend)
    return embedded.url
  } finally {
    clearTimeout(announcement)
  }
}

async function requireMigrated(db: Catalog, ...advice: readonly string[]): Promise<void> {
  const { length } = await listMissingMigrations(db)
  if (length === 0) return
  throw new SyncError(
    'db/not-migrated',
    [
      `The database lacks ${formatQuantity(length, 'migration')} of this version of Shelfsync`,
      ...advice,
    ].join('. '),
  )
}
