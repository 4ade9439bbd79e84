// Reads the metrics of the whole system from the database, by SQL functions only. The end of a run
// never changes and disappears only with its source, so each is read once: the sums never fall, and
// later reads cost little.

import {
  countLines,
  emptyOutcomes,
  OUTCOMES,
  type Ledger,
  type Outcome,
} from '../../core/ledger.ts'
import type { FailureClass } from '../../core/failure-class.ts'
import type { Distribution, Reading } from '../../telemetry/metrics.ts'
import { METRICS, type OpenState, type RunEnd } from '../../telemetry/metrics-table.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'
import type { DbClient } from '../transaction.ts'
import { readImageMetrics } from './images.ts'

interface SourceRow {
  readonly id: number
  readonly source: string
  readonly age_seconds: number | null
  /** The ledger of the newest settled run. */
  readonly ledger: Ledger | null
  readonly reviews: number
  readonly quarantine: number
  /** Failed attempts to write `latest.ndjson`. */
  readonly copy_failures: number
  readonly removals_off: (typeof REASONS)[number] | null
  readonly open_state: OpenState | null
  readonly failures: number
  readonly failure_class: FailureClass | null
  /** These four describe the active run; null without one. */
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

/** Sums over the ends of one source's runs. */
interface Totals {
  bytes: number
  readonly outcomes: Record<Outcome, number>
  readonly ends: Map<RunEnd, { runs: number; sum: number; readonly counts: number[] }>
}

const { buckets, labels } = METRICS.shelfsync_run_duration_seconds
const REASONS = METRICS.shelfsync_removals_off.labels.reason
const BREAKER_STATES = METRICS.shelfsync_open_circuit_breakers.labels.state
type BreakerState = (typeof BREAKER_STATES)[number]
const OPEN_STATES = METRICS.shelfsync_open_runs.labels.state

/**
 * Creates the `read` of a collector. The first call sums all ends of runs, 5,000 at a time; later
 * calls add new ones. Calls must not overlap. A call throws `db/not-migrated` without the tables.
 */
export function createMetricsReader(db: Db): () => Promise<Reading[]> {
  const totals = new Map<number, Totals>()
  let counted = 0
  return () =>
    translateErrors(
      db.transaction(async (client) => {
        // One snapshot for all queries. Otherwise a run that ends meanwhile would count twice and later
        // once, and a counter would fall.
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
          ...sources.flatMap((row) => toReadings(row, totals.get(row.id) ?? createTotals())),
          ...(await readBreakers(client)),
          ...(await readImageMetrics(client)),
          ...(await readServerStatistics(client)),
        ]
      }),
    )
}

function createTotals(): Totals {
  const ends = labels.state.map(
    (end) =>
      [
        end,
        { runs: 0, sum: 0, counts: Array.from({ length: buckets.length + 1 }, () => 0) },
      ] as const,
  )
  return {
    bytes: 0,
    outcomes: emptyOutcomes(),
    ends: new Map(ends),
  }
}

async function listEnds(client: DbClient, after: number): Promise<EndRow[]> {
  // Reading columns instead of JSON saves a third of the time for a million rows.
  return (await client.query<EndRow>('select * from catalog.list_run_ends($1)', [after])).rows
}

function addEnd(
  all: Map<number, Totals>,
  { source_id: source, state, seconds, bytes, ledger }: EndRow,
): void {
  const totals = all.get(source) ?? createTotals()
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

function toReadings(row: SourceRow, { bytes, outcomes, ends }: Totals): Reading[] {
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
    ...(row.failure_class === null
      ? []
      : [
          {
            name: 'shelfsync_failing_runs',
            labels: { source, class: row.failure_class },
            value: row.failures,
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
      toEndReadings(source, state, runs, durations),
    ),
  ]
}

/**
 * The count of runs starts at 0, so that the first run is an increase. The durations, twelve more
 * series, appear with the first run.
 */
function toEndReadings(
  source: string,
  state: RunEnd,
  runs: number,
  { counts, sum }: Distribution,
): Reading[] {
  const ended: Reading = { name: 'shelfsync_runs_total', labels: { source, state }, value: runs }
  // A copy, because the totals change while a caller may still read the result.
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

/** Counts the open circuit breakers by scope. Those of hosts are counted from 0. */
async function readBreakers(client: DbClient): Promise<Reading[]> {
  const { rows } = await client.query<{ scope: string; state: BreakerState; count: number }>(
    'select scope, state, count(*)::integer from catalog.list_breakers() group by scope, state',
  )
  const scopes = new Set(['host', ...rows.map(({ scope }) => scope)])
  return [...scopes].flatMap((scope) =>
    BREAKER_STATES.map((state): Reading => ({
      name: 'shelfsync_open_circuit_breakers',
      labels: { scope, state },
      value: rows.find((row) => row.scope === scope && row.state === state)?.count ?? 0,
    })),
  )
}

/** Reads the statistics of the server, which every role may read. */
async function readServerStatistics(client: DbClient): Promise<Reading[]> {
  const {
    rows: [wal],
  } = await client.query<{ bytes: number }>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`,
  )
  const { rows: tables } = await client.query<{ table: string; rows: number }>(
    `select relname as table, n_tup_ins + n_tup_upd + n_tup_del as rows
     from pg_stat_user_tables where schemaname = 'catalog' order by relname`,
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
