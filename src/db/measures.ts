// What the database knows for the metrics: how the sources stand, how their runs ended, what was written. Read by whoever owns the tables.
// Ended runs never change and are only gone with their source, so each is read once: sums over them never fall, and cost nothing later.

import { OUTCOMES, type Ledger, type Outcome } from '../core/ledger.ts'
import type { Distribution, Reading } from '../node/metrics.ts'
import { METRICS, type RunEnd } from '../node/metrics-table.ts'
import { ask } from './failures.ts'
import { transaction, type Db, type DbClient } from './pool.ts'

interface SourceRow {
  readonly id: number
  readonly source: string
  readonly ageSeconds: number | null
  readonly difference: number | null
  readonly reviews: number
  readonly quarantine: number
  /** Of the run that is under way; null without one. */
  readonly claimed: number | null
  readonly fetched: number | null
  readonly applied: number | null
  readonly bytes: number | null
}

interface RunRow {
  readonly sourceId: number
  readonly id: number
  readonly state: RunEnd
  readonly seconds: number
  readonly bytes: number
  readonly ledger: Ledger | null
}

/** What the ended runs of one source add up to. */
interface Totals {
  /** The newest one that is in here: those of one source end in the order in which they began. */
  run: number
  bytes: number
  readonly outcomes: Record<Outcome, number>
  readonly ends: Map<RunEnd, { runs: number; sum: number; readonly counts: number[] }>
}

const RUNS_PER_QUERY = 5000
const { buckets, labels } = METRICS.shelfsync_run_duration_seconds

/**
 * Makes a collector's `read`. The first reading adds up all runs there ever were (25 s a million), the later ones those that ended
 * since (20 ms with 300 sources). Call it again only when it has answered.
 *
 * @throws SyncError `db/not-migrated`, from the reading
 */
export function createMeasures(db: Db): () => Promise<Reading[]> {
  const totals = new Map<number, Totals>()
  return () => ask(transaction(db, async (client) => {
    // One moment for all of it, or a run that ends meanwhile would count twice, then once: a counter that falls.
    await client.query('set transaction isolation level repeatable read, read only')
    const sources = await listSources(client)
    for (const { id } of sources) if (!totals.has(id)) totals.set(id, emptyTotals())
    await addEndedRuns(client, totals)
    return [...sources.flatMap((row) => sourceReadings(row, totals.get(row.id) ?? emptyTotals())), ...(await readServer(client))]
  }))
}

function emptyTotals(): Totals {
  const ends = labels.state.map((end) => [end, { runs: 0, sum: 0, counts: Array.from({ length: buckets.length + 1 }, () => 0) }] as const)
  return {
    run: 0,
    bytes: 0,
    outcomes: { created: 0, updated: 0, unchanged: 0, older: 0, duplicate: 0, skipped: 0, quarantined: 0, held: 0 },
    ends: new Map(ends),
  }
}

async function listSources(client: DbClient): Promise<SourceRow[]> {
  const { rows } = await client.query<SourceRow>(`
    select s.id, s.name as source,
      case s.state when 'active' then extract(epoch from clock_timestamp() - coalesce(
        (select started_at from catalog.runs where source_id = s.id and state = 'succeeded' and kind <> 'replay' order by id desc limit 1),
        s.created_at))::float8 end as "ageSeconds",
      (select ${OUTCOMES.reduce((rest, outcome) => `${rest} - (ledger ->> '${outcome}')::bigint`, "(ledger ->> 'fetched')::bigint")}
       from catalog.runs where source_id = s.id and ledger is not null order by id desc limit 1) as difference,
      (select count(*) from catalog.reviews where source_id = s.id and state = 'open') as reviews,
      (select count(*) from catalog.quarantine where source_id = s.id and state = 'open') as quarantine,
      active.*
    from catalog.sources s
    left join lateral (
      select a.claimed, p.fetched, p.bytes,
        (select coalesce(sum(lines_done), 0)::bigint from catalog.checkpoints c where c.source_id = s.id and c.run_id = r.id) as applied
      from catalog.runs r
      left join catalog.artifacts a on a.source_id = s.id and a.run_id = r.artifact_run
      cross join lateral (
        select coalesce(sum(line_count), 0)::bigint as fetched, coalesce(sum(raw_bytes) filter (where p.run_id = r.id), 0)::bigint as bytes
        from catalog.parts p where p.source_id = s.id and p.run_id = r.artifact_run
      ) p
      where r.source_id = s.id and r.state in ('running', 'interrupted')
    ) active on true
    order by s.name`)
  return rows
}

async function addEndedRuns(client: DbClient, totals: ReadonlyMap<number, Totals>): Promise<void> {
  let found: number
  do {
    // A settled run has a ledger, and a reason only if it was held, whatever became of it since.
    // Source by source: the inner limit keeps the planner from reading all runs to find the few that are new.
    const { rows } = await client.query<RunRow>(`
      select known.source_id as "sourceId", r.id, case when r.ledger is not null and r.reason is not null then 'held' else r.state end as state,
        extract(epoch from r.finished_at - r.started_at)::float8 as seconds, r.ledger,
        (select coalesce(sum(raw_bytes), 0)::bigint from catalog.parts p where p.source_id = known.source_id and p.run_id = r.id) as bytes
      from unnest($1::integer[], $2::bigint[]) with ordinality as known (source_id, run_id, place)
      cross join lateral (
        select * from catalog.runs r
        where r.source_id = known.source_id and r.id > known.run_id and r.finished_at is not null and r.state not in ('running', 'interrupted')
        order by r.id limit ${RUNS_PER_QUERY}
      ) r
      order by known.place, r.id limit ${RUNS_PER_QUERY}`, [[...totals.keys()], Array.from(totals.values(), ({ run }) => run)])
    for (const row of rows) addRun(totals.get(row.sourceId), row)
    found = rows.length
  } while (found === RUNS_PER_QUERY)
}

function addRun(totals: Totals | undefined, { id, state, seconds, bytes, ledger }: RunRow): void {
  if (!totals) return
  totals.run = id
  totals.bytes += bytes
  const end = totals.ends.get(state)
  if (end) {
    const bucket = buckets.findIndex((bound) => seconds <= bound)
    const index = bucket === -1 ? buckets.length : bucket
    end.counts[index] = (end.counts[index] ?? 0) + 1
    end.runs++
    end.sum += seconds
  }
  if (ledger) for (const outcome of OUTCOMES) totals.outcomes[outcome] += ledger[outcome]
}

function sourceReadings(row: SourceRow, { bytes, outcomes, ends }: Totals): Reading[] {
  const { source, ageSeconds, difference, claimed, fetched, applied } = row
  const stages = [['claimed', claimed], ['fetched', fetched], ['applied', applied]] as const
  return [
    ...OUTCOMES.map((outcome): Reading => ({ name: 'shelfsync_records_total', labels: { source, outcome }, value: outcomes[outcome] })),
    { name: 'shelfsync_fetched_bytes_total', labels: { source }, value: bytes + (row.bytes ?? 0) },
    { name: 'shelfsync_open_reviews', labels: { source }, value: row.reviews },
    { name: 'shelfsync_open_quarantine', labels: { source }, value: row.quarantine },
    ...(ageSeconds === null ? [] : [{ name: 'shelfsync_run_age_seconds', labels: { source }, value: ageSeconds } as const]),
    ...(difference === null ? [] : [{ name: 'shelfsync_ledger_difference_records', labels: { source }, value: difference } as const]),
    ...stages.flatMap(([stage, value]): Reading[] => (value === null ? [] : [{ name: 'shelfsync_active_run_records', labels: { source, stage }, value }])),
    ...[...ends].flatMap(([state, { runs, ...durations }]) => endReadings(source, state, runs, durations)),
  ]
}

/** A run that never was is a zero, so that the first one is a rise; its durations are not, being twelve series more. */
function endReadings(source: string, state: RunEnd, runs: number, { counts, sum }: Distribution): Reading[] {
  const ended: Reading = { name: 'shelfsync_runs_total', labels: { source, state }, value: runs }
  // A copy: the totals go on, and who was given this may read it later.
  return runs === 0 ? [ended] : [ended, { name: 'shelfsync_run_duration_seconds', labels: { source, state }, value: { counts: [...counts], sum } }]
}

async function readServer(client: DbClient): Promise<Reading[]> {
  const { rows: [wal] } = await client.query<{ bytes: number }>(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`)
  const { rows: tables } = await client.query<{ table: string; rows: number }>(
    `select relname as table, n_tup_ins + n_tup_upd + n_tup_del as rows from pg_stat_user_tables where schemaname = 'catalog' order by relname`)
  return [
    ...(wal ? [{ name: 'shelfsync_database_wal_bytes_total', labels: {}, value: wal.bytes } as const] : []),
    ...tables.map(({ table, rows }): Reading => ({ name: 'shelfsync_database_rows_written_total', labels: { table }, value: rows })),
  ]
}
