// One measurement: wall time, CPU time of Node and of Postgres, rows and WAL written, and the load of
// the machine meanwhile.

import { loadavg } from 'node:os'
import pg from 'pg'
import type { BenchServer } from './bench-server.ts'
import { LARGE_TABLES } from './catalogue-rows.ts'
import { readMachineTicks, readTreeSeconds, TICKS_PER_SECOND } from './cpu.ts'
import type { ChildFigures } from './processes.ts'

/** Above this share of the machine's CPU time, other work falsifies a measurement. */
export const OTHERS_PERCENT_MAX = 10

export interface Load {
  /** Load average of the last minute, at the beginning. */
  readonly average: number
  /** Share of the machine's CPU time that processes outside of the benchmark used. */
  readonly othersPercent: number | null
  /** Share of the machine's CPU time that the host gave to other virtual machines. */
  readonly stolenPercent: number | null
}

export interface Measurement {
  readonly seconds: number
  /** CPU time of the program, its start and end included. */
  readonly nodeCpuSeconds: number
  /**
   * CPU time of all processes of the server, the ended ones included, until the changed pages are
   * on the disk.
   */
  readonly postgresCpuSeconds: number | null
  readonly rowsWritten: number
  readonly walBytes: number
  readonly load: Load
}

interface Counters {
  readonly postgresSeconds: number | null
  readonly oursSeconds: number | null
  readonly machine: ReturnType<typeof readMachineTicks>
}

/** Measures `run`, which starts one program on `database` and returns when it has ended. */
export async function measure<Figures extends ChildFigures>(
  server: BenchServer,
  database: string,
  run: () => Promise<Figures>,
): Promise<Measurement & { readonly figures: Figures }> {
  const writtenBefore = await readWritten(database)
  await server.settle()
  const [average = 0] = loadavg()
  const before = readCounters(server)
  const figures = await run()
  await server.settle()
  const after = readCounters(server)
  const written = await readWritten(database)
  return {
    figures,
    seconds: figures.seconds,
    nodeCpuSeconds: figures.cpuSeconds,
    postgresCpuSeconds: subtract(after.postgresSeconds, before.postgresSeconds),
    rowsWritten: written.rows - writtenBefore.rows,
    walBytes: written.wal - writtenBefore.wal,
    load: { average, ...compareLoad(before, after) },
  }
}

/** True when other work used so much of the machine that the figures are unreliable. */
export function isDisturbed({ othersPercent, stolenPercent }: Load): boolean {
  return (othersPercent ?? 0) + (stolenPercent ?? 0) > OTHERS_PERCENT_MAX
}

function readCounters(server: BenchServer): Counters {
  return {
    postgresSeconds: readTreeSeconds([server.pid]),
    oursSeconds: readTreeSeconds([process.pid, server.pid]),
    machine: readMachineTicks(),
  }
}

function compareLoad(before: Counters, after: Counters): Omit<Load, 'average'> {
  const ours = subtract(after.oursSeconds, before.oursSeconds)
  if (ours === null || before.machine === null || after.machine === null)
    return { othersPercent: null, stolenPercent: null }
  const total = after.machine.total - before.machine.total
  const others = after.machine.busy - before.machine.busy - ours * TICKS_PER_SECOND
  return {
    // The kernel counts the machine's time less exactly than that of processes.
    othersPercent: Math.max(0, (100 * others) / total),
    stolenPercent: (100 * (after.machine.stolen - before.machine.stolen)) / total,
  }
}

function subtract(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before
}

/**
 * Reads the number of rows inserted, updated or deleted in the large tables, which include the
 * table of supabase-js, and the WAL position.
 * Postgres updates the statistics when a connection ends.
 */
async function readWritten(database: string): Promise<{ rows: number; wal: number }> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<{ rows: string; wal: string }>(
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) as rows,
            pg_current_wal_lsn() - '0/0' as wal
     from pg_stat_user_tables where relname = any ($1)`,
    [LARGE_TABLES],
  )
  await client.end()
  return { rows: Number(rows[0]?.rows), wal: Number(rows[0]?.wal) }
}
