// Reads the metrics of the whole system from the database, by SQL functions only. The end of a run
// never changes and disappears only with its source, so each is read once: the sums never fall, and
// later reads cost little.

import { emptyOutcomes, OUTCOMES, type Ledger, type Outcome } from '../../core/ledger.ts'
import type { Distribution, Reading } from '../../telemetry/metrics.ts'
import { METRICS } from '../../telemetry/metrics-table.ts'
import type { RunEnd } from '../../telemetry/source-metrics.ts'
import { translateErrors } from '../errors.ts'
import type { Db } from '../pool.ts'
import type { DbClient } from '../transaction.ts'
import { readImageMetrics } from './images.ts'
import { toSourceReadings, type LateCheck, type SourceRow } from './source-metrics.ts'
import { readWorkMetrics } from './work-metrics.ts'

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

/**
 * Creates the `read` of a collector. The first call sums all ends of runs, 5,000 at a time; later
 * calls add new ones. Calls must not overlap. Without `isLate`, which decides by
 * the schedule of a source, `shelfsync_source_late` is absent. A call throws `db/not-migrated` without the tables.
 */
export function createMetricsReader(
  db: Db,
  isLate: LateCheck | null = null,
): () => Promise<Reading[]> {
  const totals = new Map<number, Totals>()
  let counted = 0
  return () =>
    translateErrors(
      db.transaction(async (client) => {
        // One snapshot for all queries. Otherwise a run that ends meanwhile would count twice and
        // later once, and a counter would fall.
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
          ...sources.flatMap((row) => [
            ...toSourceReadings(row, isLate),
            ...toTotalReadings(row, totals.get(row.id) ?? createTotals()),
          ]),
          ...(await readWorkMetrics(client)),
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

function toTotalReadings({ source, bytes: active }: SourceRow, totals: Totals): Reading[] {
  return [
    ...OUTCOMES.map((outcome): Reading => ({
      name: 'shelfsync_records_total',
      labels: { source, outcome },
      value: totals.outcomes[outcome],
    })),
    {
      name: 'shelfsync_fetched_bytes_total',
      labels: { source },
      value: totals.bytes + (active ?? 0),
    },
    ...[...totals.ends].flatMap(([state, { runs, ...durations }]) =>
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
