// Builds the objects that commands and services share from the settings, and closes them in reverse
// order.

import { openStore } from '../artifacts/open-store.ts'
import type { ArtifactStore } from '../artifacts/store.ts'
import { CONNECTORS } from '../connectors/registry.ts'
import type { Settings } from '../config/settings.ts'
import type { Connector } from '../core/connector.ts'
import type { Http } from '../core/http.ts'
import { DataApi } from '../db/data-api.ts'
import { migrate } from '../db/migrate/migrate.ts'
import type { Db } from '../db/pool.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { DATA_API_OPTIONS, DEFAULT_OPTIONS } from '../pipeline/options.ts'
import type { StartTools } from '../pipeline/take-run.ts'
import { createCredentialReader, type CredentialReader } from '../sources/credentials.ts'
import type { RequestIntervals } from '../sources/request-turns.ts'
import type { Log } from '../telemetry/log.ts'
import { Outages } from '../telemetry/outages.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import {
  adviseOnServer,
  type DatabaseOptions,
  findDataApi,
  MIGRATE_BY_HAND,
  openDatabase,
  requireMigrated,
} from './open-database.ts'

/** The process that the objects are built for. */
export interface Host {
  readonly log: Log
  /** Stored in every run that the process starts. */
  readonly correlationId: string
  /** Receives notices for the operator. */
  readonly notify: (text: string) => void
}

/** Objects that work without a database. */
export interface Basics extends AsyncDisposable {
  readonly settings: Settings
  readonly log: Log
  readonly outages: Outages
  readonly redact: Redactor
  readonly store: ArtifactStore
  readonly http: Http
  readonly requestIntervals: RequestIntervals
  readonly connectors: ReadonlyMap<string, Connector>
  readonly credentials: CredentialReader
  readonly correlationId: string
}

/** Tools of a sync. The database has sessions, or is reached over the Data API. */
export interface SyncTools extends Basics, StartTools {
  readonly log: Log
}

export interface Tools extends SyncTools {
  readonly db: Db
}

export function openBasics(settings: Settings, { log, correlationId }: Host): Basics {
  const guard = createAddressGuard(settings.allowPrivateHosts)
  const http = createHttp({
    guard,
    userAgent: settings.userAgent,
  })
  const redact = createRedactor(settings.supplierSecrets, settings.secrets)
  return {
    settings,
    log,
    outages: new Outages(log, { databaseAdvice: adviseOnServer(settings) }),
    http,
    requestIntervals: settings.requestIntervals,
    correlationId,
    redact,
    store: openStore(settings.artifacts, process.cwd(), settings),
    connectors: CONNECTORS,
    credentials: createCredentialReader(settings.credentials, guard),
    [Symbol.asyncDispose]: () => http.close(),
  }
}

/**
 * Opens everything, with a migrated database: migrates the embedded one, and requires any other to
 * be up to date.
 *
 * @throws SyncError `settings/invalid` · `db/unreachable` · `db/unsuitable` · `db/not-migrated`
 */
export async function openTools(
  settings: Settings,
  host: Host,
  options: Omit<DatabaseOptions, 'notify' | 'outages'> = {},
): Promise<Tools> {
  await using opened = new AsyncDisposableStack()
  const basics = opened.use(openBasics(settings, host))
  const { outages } = basics
  const { db } = opened.use(
    await openDatabase(settings, { notify: host.notify, outages, ...options }),
  )
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
 * Opens everything for a sync. Uses the Data API when the settings name a Supabase project and no
 * database.
 *
 * @throws SyncError as `openTools`
 */
export async function openSyncTools(
  settings: Settings,
  host: Host,
  options: Pick<DatabaseOptions, 'connections'> = {},
): Promise<SyncTools> {
  const project = findDataApi(settings)
  if (project === null) return openTools(settings, host, options)
  await using opened = new AsyncDisposableStack()
  const basics = opened.use(openBasics(settings, host))
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
