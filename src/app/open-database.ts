// Opens the database that the settings choose: DATABASE_URL, the embedded Postgres, or only the
// Data API of a Supabase project.

import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { SyncError } from '../core/errors.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import type { DataApiOptions } from '../db/data-api.ts'
import { listMissingMigrations } from '../db/migrate/migration-states.ts'
import { openPool, type Db } from '../db/pool.ts'
import { findCatalogueState } from '../db/server-facts.ts'
import { type Embedded, openEmbedded } from '../embedded-postgres/embedded.ts'
import type { Outages } from '../telemetry/outages.ts'

/** Delay in milliseconds before a start of the embedded server is announced. */
const ANNOUNCE_AFTER_MS = 1500

/** Advice to migrate a project without DATABASE_URL. */
export const MIGRATE_BY_HAND =
  'Without DATABASE_URL, use `shelfsync migrations copy` and `supabase db push --include-all`; ' +
  'or, in a project without any of the migrations, paste supabase/db/init.sql into the SQL editor'

export interface DatabaseOptions {
  /** Receives notices for the operator. */
  readonly notify: (text: string) => void
  /** Leaves the embedded server running. */
  readonly keepServer?: boolean
  /** Receives the outages of the database. With it, an embedded server that is lost is restarted. */
  readonly outages?: Outages
  /** See `openPool`. */
  readonly searchPath?: string
  /** Maximum number of connections. Default: that of `openPool`. */
  readonly connections?: number
}

/** Returns the project whose Data API is used because the settings name no database. */
export function findDataApi({
  databaseUrl,
  embedded,
  supabase,
  secrets,
}: Pick<Settings, 'databaseUrl' | 'embedded' | 'supabase' | 'secrets'>): DataApiOptions | null {
  return databaseUrl === null && !embedded && supabase !== null ? { ...supabase, secrets } : null
}

/**
 * Opens the database without migrating it. Starts the embedded server if it does not run, and stops
 * it again unless another process uses it or it was running already.
 *
 * @throws SyncError `db/unsuitable` when the settings only allow the Data API · `db/unreachable`
 */
export async function openDatabase(
  settings: Settings,
  options: DatabaseOptions,
): Promise<AsyncDisposable & { readonly db: Db }> {
  const { databaseUrl, home } = settings
  if (findDataApi(settings) !== null) {
    throw new SyncError(
      'db/unsuitable',
      'This command needs a Postgres session, which SUPABASE_URL alone does not provide: set DATABASE_URL to the direct connection ' +
        'or the session pooler of your project. The commands add, sync, replay, status, sources list, runs list and doctor work without it',
    )
  }
  await using opened = new AsyncDisposableStack()
  const { outages } = options
  const embedded = databaseUrl === null ? await startEmbedded(home, options, opened) : null
  const db = await openPool(databaseUrl ?? embedded?.url ?? '', {
    applicationName: 'shelfsync',
    onConnected: () => outages?.reached('db/unreachable'),
    ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }),
    ...(options.connections === undefined ? {} : { max: options.connections }),
  })
  opened.defer(() => db.end())
  if (embedded && outages) keepServerRunning(embedded, db, outages)
  if (databaseUrl === null) await notifyIfEmpty(db, home, options)
  const kept = opened.move()
  return { db, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** @throws SyncError `db/not-migrated`, with `advice` in its message */
export async function requireMigrated(db: PipelineDb, ...advice: readonly string[]): Promise<void> {
  const { length } = await listMissingMigrations(db)
  if (length === 0) return
  throw new SyncError(
    'db/not-migrated',
    [
      `The database lacks ${length} ${length === 1 ? 'migration' : 'migrations'} of this version of Shelfsync`,
      ...advice,
    ].join('. '),
  )
}

/**
 * Reports the location of a database that was just created or has no source, because a command in
 * another folder uses another catalogue.
 */
async function notifyIfEmpty(db: Db, home: string, { notify }: DatabaseOptions): Promise<void> {
  const state = await findCatalogueState(db)
  if (state === 'used') return
  const place = resolve(home, 'postgres')
  const notice =
    state === 'new'
      ? `a new, empty database was created in ${place}`
      : `the database in ${place} is empty: it has no source`
  notify(`${notice}. SHELFSYNC_HOME chooses another folder, DATABASE_URL chooses another database`)
}

async function startEmbedded(
  home: string,
  { notify, keepServer = false }: DatabaseOptions,
  opened: AsyncDisposableStack,
): Promise<Embedded> {
  let progress: string | null = null
  const announcement = setTimeout(() => progress !== null && notify(progress), ANNOUNCE_AFTER_MS)
  try {
    const embedded = await openEmbedded({ home, onProgress: (text) => void (progress = text) })
    const wasRunning = progress === null
    opened.defer(() => embedded.close({ keepServer: keepServer || wasRunning }))
    return embedded
  } finally {
    clearTimeout(announcement)
  }
}

/** The server may return on another port, when another program has taken its own. */
function keepServerRunning(embedded: Embedded, db: Db, outages: Outages): void {
  let isNews = true
  const fail = (reason: string, more = {}): boolean =>
    outages.failed(new SyncError('db/unreachable', reason), { work: 'server', ...more })
  embedded.keepRunning({
    onLost() {
      isNews = true
      fail('its server has ended')
    },
    onRestarted: (url) => db.moveTo(url),
    onFailed(reason) {
      fail(`The embedded database cannot be restarted: ${reason}. Trying again`, { isNews })
      isNews = false
    },
  })
}

/** Advice while the embedded server is lost; undefined for a server of the operator. */
export function adviseOnServer({
  databaseUrl,
  home,
  ...settings
}: Pick<Settings, 'databaseUrl' | 'home' | 'embedded' | 'supabase' | 'secrets'>):
  | string
  | undefined {
  if (databaseUrl !== null || findDataApi({ databaseUrl, ...settings }) !== null) return undefined
  return `Shelfsync restarts it, and work waits for it. If this lasts, read the log of the server: ${resolve(home, 'postgres', 'log')}`
}
