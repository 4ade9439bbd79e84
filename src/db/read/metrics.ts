// What the database knows for the metrics: how the sources stand, how their runs ended, what was
// written. No table is read by name. An end of a run never changes and is only gone with its
// source, so each is read once: sums over them never fall, and cost nothing later.

import { countLines, OUTCOMES, type Ledger, type Outcome } from '../../core/ledger.ts'
import type { Distribution, Reading } from '../../telemetry/metrics.ts'
import { METRICS, type OpenState, type RunEnd } from '../../telemetry/metrics-table.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'
import type { DbClient } from '../transaction.ts'

interface SourceRow {
  readonly id: number
  readonly source: string
  readonly age_seconds: number | null
  /** Of the last run that settled. */
  readonly ledger: Ledger | null
  readonly reviews: number
  readonly quarantine: number
  /** How often `latest.ndjson` could not be written. */
  readonly copy_failures: number
  readonly removals_off: (typeof REASONS)[number] | null
  readonly open_state: OpenState | null
  /** Of the run that is under way; null without one. */
  readonly expected: number | null
  readonly fetched: number | null
  readonly applied: number | null
  readonly bytes: number | null
}

interface EndRow {
  readonly no: number
  readonly source_id: number
  readonly state: RunEnd
  readonly seconds: number
  readonly bytes: number
  readonly ledger: Ledger | null
}

/** What the ends of one source's runs add up to. */
interface Totals {
  bytes: number
  readonly outcomes: Record<Outcome, number>
  readonly ends: Map<RunEnd, { runs: number; sum: number; readonly counts: number[] }>
}

const { buckets, labels } = METRICS.shelfsync_run_duration_seconds
const REASONS = METRICS.shelfsync_removals_off.labels.reason
const OPEN_STATES = METRICS.shelfsync_open_runs.labels.state

/**
 * Makes a collector's `read`. The first reading adds up all ends there ever were, 5,000 at a time,
 * the later ones those that came since. Call it again only when it has answered.
 *
 * @throws SyncError `db/not-migrated`, from the reading
 */
export function createMetricsReader(db: Db): () => Promise<Reading[]> {
  const totals = new Map<number, Totals>()
  let counted = 0
  return () =>
    translateErrors(
      db.transaction(async (client) => {
        // One moment for all of it, or a run that ends meanwhile would count twice, then once: a
        // counter that falls.
        await client.query('set transaction isolation level repeatable read, read only')
        const { rows: sources } = await client.query<SourceRow>(
          'select * from catalog.measure_sources()',
        )
        for (
          let ends = await listEnds(client, counted);
          ends.length > 0;
          ends = await listEnds(client, counted)
        ) {
          for (const end of ends) addEnd(totals, end)
          counted = ends.at(-1)?.no ?? counted
        }
        return [
          ...sources.flatMap((row) => sourceReadings(row, totals.get(row.id) ?? emptyTotals())),
          ...(await readServer(client)),
        ]
      }),
    )
}

function emptyTotals(): Totals {
  const ends = labels.state.map(
    (end) =>
      [
        end,
        { runs: 0, sum: 0, counts: Array.from({ length: buckets.length + 1 }, () => 0) },
      ] as const,
  )
  return {
    bytes: 0,
    outcomes: {
      created: 0,
      updated: 0,
      unchanged: 0,
      older: 0,
      duplicate: 0,
      blank: 0,
      quarantined: 0,
      held: 0,
    },
    ends: new Map(ends),
  }
}

async function listEnds(client: DbClient, after: number): Promise<EndRow[]> {
  // As columns: as JSON, a million would take half as long again.
  return (await client.query<EndRow>('select * from catalog.list_run_ends($1)', [after])).rows
}

function addEnd(
  all: Map<number, Totals>,
  { source_id: source, state, seconds, bytes, ledger }: EndRow,
): void {
  const totals = all.get(source) ?? emptyTotals()
  all.set(source, totals)
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
  const { source, age_seconds: ageSeconds, ledger, expected, fetched, applied } = row
  const stages = [
    ['expected', expected],
    ['fetched', fetched],
    ['applied', applied],
  ] as const
  return [
    ...OUTCOMES.map((outcome): Reading => ({
      name: 'shelfsync_records_total',
      labels: { source, outcome },
      value: outcomes[outcome],
    })),
    { name: 'shelfsync_fetched_bytes_total', labels: { source }, value: bytes + (row.bytes ?? 0) },
    { name: 'shelfsync_open_reviews', labels: { source }, value: row.reviews },
    { name: 'shelfsync_open_quarantine', labels: { source }, value: row.quarantine },
    { name: 'shelfsync_latest_copy_failures_total', labels: { source }, value: row.copy_failures },
    ...REASONS.map((reason): Reading => ({
      name: 'shelfsync_removals_off',
      labels: { source, reason },
      value: reason === row.removals_off ? 1 : 0,
    })),
    ...(ageSeconds === null
      ? []
      : [{ name: 'shelfsync_run_age_seconds', labels: { source }, value: ageSeconds } as const]),
    ...(ledger === null
      ? []
      : [
          {
            name: 'shelfsync_ledger_difference_records',
            labels: { source },
            value: ledger.fetched - countLines(ledger),
          } as const,
        ]),
    ...OPEN_STATES.map((state): Reading => ({
      name: 'shelfsync_open_runs',
      labels: { source, state },
      value: row.open_state === state ? 1 : 0,
    })),
    ...stages.flatMap(([stage, value]): Reading[] =>
      value === null
        ? []
        : [{ name: 'shelfsync_active_run_records', labels: { source, stage }, value }],
    ),
    ...[...ends].flatMap(([state, { runs, ...durations }]) =>
      endReadings(source, state, runs, durations),
    ),
  ]
}

/**
 * A run that never was is a zero, so that the first one is a rise; its durations are not, being
 * twelve series more.
 */
function endReadings(
  source: string,
  state: RunEnd,
  runs: number,
  { counts, sum }: Distribution,
): Reading[] {
  const ended: Reading = { name: 'shelfsync_runs_total', labels: { source, state }, value: runs }
  // A copy: the totals go on, and who was given this may read it later.
  return runs === 0
    ? [ended]
    : [
        ended,
        {
          name: 'shelfsync_run_duration_seconds',
          labels: { source, state },
          value: { counts: [...counts], sum },
        },
      ]
}

/** What every role may read. */
async function readServer(client: DbClient): Promise<Reading[]> {
  const {
    rows: [wal],
  } = await client.query<{ bytes: number }>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`,
  )
  const { rows: tables } = await client.query<{ table: string; rows: number }>(
    `select relname as table, n_tup_ins + n_tup_upd + n_tup_del as rows from pg_stat_user_tables where schemaname = 'catalog' order by relname`,
  )
  return [
    ...(wal
      ? [{ name: 'shelfsync_database_wal_bytes_total', labels: {}, value: wal.bytes } as const]
      : []),
    ...tables.map(({ table, rows }): Reading => ({
      name: 'shelfsync_database_rows_written_total',
      labels: { table },
      value: rows,
    })),
  ]
}
