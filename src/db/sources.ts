// Sources: one row for each configured catalogue.

import { SyncError } from '../core/errors.ts'
import { Policy } from '../core/policy.ts'
import type { Json } from '../core/json.ts'
import type { RefreshSchedule, Schedule } from '../core/schedule.ts'
import { type Catalog, jsonb, toInstant } from './catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './read/page.ts'

export interface Source {
  readonly id: number
  readonly name: string
  /** Names that it had before: keys of older artifacts begin with them. */
  readonly formerNames: readonly string[]
  readonly connector: string
  /** In stored form: the connector's schema parses it. */
  readonly settings: Json
  /** In stored form: `SourceOptions` parses them. */
  readonly options: Json
  readonly schedule: Schedule
  readonly policy: Policy
  readonly state: 'active' | 'paused'
  /** Of the last full run; null before the first one, 0 after the settings changed. */
  readonly normaliserVersion: number | null
  /** All product numbers are below this. */
  readonly nextSeq: number
  readonly watermarkAt: Date | null
  readonly latestRun: number | null
  readonly lastFullAt: Date | null
  readonly copy: LatestCopy | null
}

/** `latest.ndjson` of a source. */
export interface LatestCopy {
  /** The run whose artifact it contains; null before the first copy. */
  readonly run: number | null
  /** The reason why the last attempt to write it failed, or null. */
  readonly error: string | null
}

/** Returns null for a source without a copy and without a failed attempt. */
export function toLatestCopy({
  copied_run: run,
  copy_error: error,
}: {
  readonly copied_run: number | null
  readonly copy_error: string | null
}): LatestCopy | null {
  return run === null && error === null ? null : { run, error }
}

interface SourceRow {
  id: number
  name: string
  former_names: string[]
  connector: string
  settings: Json
  options: Json
  schedule: Schedule
  policy: unknown
  state: 'active' | 'paused'
  normaliser_version: number | null
  next_seq: number
  watermark: string | null
  latest_run: number | null
  last_full_at: string | null
  copied_run: number | null
  copy_error: string | null
}

export async function findSource(db: Catalog, name: string): Promise<Source | null> {
  const [row] = await db.call<SourceRow>('find_source', { name })
  return row ? toSource(row) : null
}

/** @throws SyncError `source/unknown` */
export async function loadSource(db: Catalog, name: string): Promise<Source> {
  const source = await findSource(db, name)
  if (source) return source
  const { findSimilar } = await import('../lib/similar.ts')
  const meant = findSimilar(
    name,
    (await listSources(db)).map((one) => one.name),
  )
  const question = meant === null ? '' : `; did you mean ${meant}?`
  throw new SyncError('source/unknown', `Source ${name} does not exist${question}`)
}

/** All sources by name. */
export async function listSources(db: Catalog): Promise<Source[]> {
  return (await db.call<SourceRow>('list_sources', {})).map(toSource)
}

/** A page of the sources by name. */
export function listSourcePage(db: Catalog, page: PageRequest): Promise<ListPage<Source>> {
  return loadPage('sources', page, {
    load: (after, limit) => db.call<SourceRow>('list_sources', { after, limit }),
    toItem: toSource,
    keyOf: ({ name }) => name,
  })
}

/** @throws SyncError `source/exists`, also when another source continues the predecessor */
export async function addSource(
  db: Catalog,
  source: Pick<Source, 'name' | 'connector' | 'settings' | 'schedule'> &
    Partial<Pick<Source, 'options'>> & {
      /** Where it differs from the defaults, as its connector states. */
      readonly policy?: Partial<Policy> | undefined
      /** The id of the source that it continues, see src/db/successions.ts. */
      readonly predecessor?: number | null
    },
): Promise<Source> {
  const {
    name,
    connector,
    settings,
    schedule,
    options = {},
    policy = {},
    predecessor = null,
  } = source
  const [row] = await db.call<SourceRow>('add_source', {
    name,
    connector,
    settings: jsonb(settings),
    schedule: jsonb(schedule),
    predecessor,
    options: jsonb(options),
    policy: jsonb(policy),
  })
  if (!row) throw new SyncError('source/exists', `There is already a source named ${name}`)
  return toSource(row)
}

interface SourceChanges {
  readonly schedule?: Schedule
  readonly policy?: Partial<Policy>
  readonly state?: Source['state']
  /** All settings. The next full run then reads every record again. */
  readonly settings?: Json
  /** All options. The next full run then reads every record again. */
  readonly options?: Json
}

/**
 * Changes the given members in one transaction and leaves the others.
 *
 * @throws SyncError `source/unknown` · `run/active` for new settings or options while a run is active
 */
export async function saveSource(db: Catalog, id: number, changes: SourceChanges): Promise<Source> {
  const document = (value: unknown) => (value === undefined ? null : jsonb(value))
  const [row] = await db.call<SourceRow>('save_source', {
    source: id,
    schedule: document(changes.schedule),
    policy: document(changes.policy),
    state: changes.state ?? null,
    settings: document(changes.settings),
    options: document(changes.options),
  })
  if (!row) throw new SyncError('source/unknown', `Source ${id} does not exist`)
  return toSource(row)
}

/** A source with a schedule, on the database's clock. */
export interface ScheduledSource {
  readonly source: string
  readonly schedule: Schedule
  /** The run that was started last; 0 when there is none. */
  readonly lastRun: number
  /** The source is due at the first time of its schedule after this instant. */
  readonly sinceAt: Date
  /** The last change of the schedule's times. */
  readonly scheduleSetAt: Date
  readonly now: Date
}

/** Saves the next times of sources, so that the database lists them only when they are due. */
export async function saveDueTimes(
  db: Catalog,
  times: readonly (Pick<ScheduledSource, 'source' | 'scheduleSetAt'> & { readonly at: Date })[],
): Promise<void> {
  await db.call('save_due_times', {
    sources: times.map(({ source }) => source),
    set_at: times.map(({ scheduleSetAt }) => scheduleSetAt),
    due_at: times.map(({ at }) => at),
  })
}

/** The active sources that are due, or whose next time has not been computed yet. */
export async function listScheduledSources(db: Catalog): Promise<ScheduledSource[]> {
  return (await db.call<DueRow>('list_due_sources', {})).map(({ schedule_set_at, ...row }) => ({
    ...toScheduled(row),
    scheduleSetAt: toInstant(schedule_set_at),
  }))
}

interface ScheduledRow {
  readonly source: string
  readonly schedule: Schedule
  readonly last_run: number
  readonly since: string
  readonly at: string
}

interface DueRow extends ScheduledRow {
  readonly schedule_set_at: string
}

function toScheduled(row: ScheduledRow): Omit<ScheduledSource, 'scheduleSetAt'> {
  const { source, schedule, last_run: lastRun, since, at } = row
  return { source, schedule, lastRun, sinceAt: toInstant(since), now: toInstant(at) }
}

/** A source whose refreshes have a schedule, on the database's clock. */
export interface ScheduledRefresh extends Omit<ScheduledSource, 'scheduleSetAt'> {
  /** The product up to which the last one went; empty before the first. */
  readonly after: string
}

/** Lists the active sources with a schedule of refreshes, other than those with a running run. */
export async function listScheduledRefreshes(db: Catalog): Promise<ScheduledRefresh[]> {
  const rows = await db.call<ScheduledRow & { after: string }>('list_due_refreshes', {})
  return rows.map((row) => ({ ...toScheduled(row), after: row.after }))
}

/** Lists the products of the next refresh in their order; the one after it begins after the last. */
export function listRefreshKeys(
  db: Catalog,
  source: number,
  { products, atMost }: RefreshSchedule,
  after: string,
): Promise<string[]> {
  return db.call<string>('list_refresh_keys', { source, products, after, limit: atMost })
}

/**
 * Records the run whose artifact `latest.ndjson` of the source contains, or the error of the attempt
 * to write it, which took `ageMs`. Null: the source has no copy.
 */
export async function saveCopy(
  db: Catalog,
  id: number,
  copy: LatestCopy | null,
  ageMs: number | null = null,
): Promise<void> {
  await db.call('record_copy', {
    source: id,
    run: copy?.run ?? null,
    error: copy?.error ?? null,
    age: ageMs === null ? null : `${Math.ceil(ageMs)} ms`,
  })
}

/**
 * Renames a source. Its artifacts keep their keys.
 *
 * @throws SyncError `run/active` while a run is active · `source/exists` · `usage/invalid` for an
 * invalid name
 */
export async function renameSource(db: Catalog, id: number, name: string): Promise<Source> {
  const [row] = await db.call<SourceRow>('rename_source', { source: id, name: checkName(name) })
  if (!row) throw new SyncError('source/exists', `There is already a source named ${name}`)
  return toSource(row)
}

/** Returns `name` if a source may have it. @throws SyncError `usage/invalid` */
export function checkName(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    throw new SyncError(
      'usage/invalid',
      `"${name}" is not a valid name for a source: use lower-case letters, digits and hyphens`,
    )
  return name
}

function toSource(row: SourceRow): Source {
  return {
    id: row.id,
    name: row.name,
    formerNames: row.former_names,
    connector: row.connector,
    settings: row.settings,
    options: row.options,
    schedule: row.schedule,
    policy: Policy.parse(row.policy),
    state: row.state,
    normaliserVersion: row.normaliser_version,
    nextSeq: row.next_seq,
    watermarkAt: toInstant(row.watermark),
    latestRun: row.latest_run,
    lastFullAt: toInstant(row.last_full_at),
    copy: toLatestCopy(row),
  }
}
