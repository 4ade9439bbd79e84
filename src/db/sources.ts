// The sources: one row a configured catalogue.

import { SyncError } from '../core/errors.ts'
import { Policy } from '../core/policy.ts'
import type { Json } from '../core/json.ts'
import type { Db } from './pool.ts'

/** When a source is synced by itself: cron in an IANA zone; on weekday `fullOn` (0 Sunday) the run is full. */
export interface Schedule {
  readonly cron: string
  readonly zone: string
  readonly fullOn: number | null
}

export interface Source {
  readonly id: number
  readonly name: string
  readonly connector: string
  /** As stored: the connector's schema reads it. */
  readonly settings: Json
  readonly schedule: Schedule
  readonly policy: Policy
  readonly state: 'active' | 'paused'
  /** What the last full run normalised with; null before the first. */
  readonly normaliserVersion: number | null
  /** Products are numbered below this. */
  readonly nextSeq: number
  readonly watermarkAt: Date | null
  readonly latestRun: number | null
  readonly lastFullAt: Date | null
}

interface SourceRow {
  id: number
  name: string
  connector: string
  settings: Json
  schedule: Schedule
  policy: unknown
  state: 'active' | 'paused'
  normaliser_version: number | null
  next_seq: number
  watermark: Date | null
  latest_run: number | null
  last_full_at: Date | null
}

export async function findSource(db: Db, name: string): Promise<Source | null> {
  const { rows } = await db.query<SourceRow>('select * from catalog.find_source($1)', [name])
  return rows[0] ? toSource(rows[0]) : null
}

/** @throws SyncError `source/unknown` */
export async function loadSource(db: Db, name: string): Promise<Source> {
  const source = await findSource(db, name)
  if (!source) throw new SyncError('source/unknown', `There is no source called ${name}`)
  return source
}

export async function listSources(db: Db): Promise<Source[]> {
  const { rows } = await db.query<SourceRow>('select * from catalog.sources order by name')
  return rows.map(toSource)
}

/** @throws SyncError `source/exists` */
export async function addSource(db: Db, source: { name: string; connector: string; settings: Json; schedule: Schedule }): Promise<Source> {
  const { rows } = await db.query<SourceRow>(
    `insert into catalog.sources (name, connector, settings, schedule) values ($1, $2, $3, $4) on conflict (name) do nothing returning *`,
    [source.name, source.connector, JSON.stringify(source.settings), JSON.stringify(source.schedule)],
  )
  if (!rows[0]) throw new SyncError('source/exists', `There is a source called ${source.name} already`)
  return toSource(rows[0])
}

/** Changes what is given and leaves the rest. */
export async function saveSource(
  db: Db,
  id: number,
  changes: { settings?: Json; schedule?: Schedule; policy?: Partial<Policy>; state?: Source['state'] },
): Promise<Source> {
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
  const { rows } = await db.query<SourceRow>(
    `update catalog.sources
     set settings = coalesce($2, settings), schedule = coalesce($3, schedule), policy = policy || coalesce($4::jsonb, '{}'), state = coalesce($5, state)
     where id = $1 returning *`,
    [id, json(changes.settings), json(changes.schedule), json(changes.policy), changes.state ?? null],
  )
  if (!rows[0]) throw new SyncError('source/unknown', `There is no source with the number ${id}`)
  return toSource(rows[0])
}

function toSource(row: SourceRow): Source {
  return {
    id: row.id,
    name: row.name,
    connector: row.connector,
    settings: row.settings,
    schedule: row.schedule,
    policy: Policy.parse(row.policy),
    state: row.state,
    normaliserVersion: row.normaliser_version,
    nextSeq: row.next_seq,
    watermarkAt: row.watermark,
    latestRun: row.latest_run,
    lastFullAt: row.last_full_at,
  }
}
