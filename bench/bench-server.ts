// The Postgres servers and the databases of a benchmark.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openEmbedded } from '../src/embedded-postgres/embedded.ts'
import { listChildren } from './cpu.ts'

/** Default folder for the database and the feeds. */
export const BENCH_HOME = join(process.env['SHELFSYNC_HOME'] ?? '.shelfsync', 'bench')

export const SERVER_NAMES = ['embedded', 'debian'] as const
export type ServerName = (typeof SERVER_NAMES)[number]

/** Compression of large values that the programs of each server support. */
export const COMPRESSION: Readonly<Record<ServerName, string>> = { embedded: 'pglz', debian: 'lz4' }

const DEBIAN_BINARIES = '/usr/lib/postgresql/15/bin'
const CLIENTS_LEAVE_MS = 30_000

export interface BenchServer extends AsyncDisposable {
  readonly name: ServerName
  /** For example 18.4. */
  readonly version: string
  /** The postmaster, from which all processes of the server descend. */
  readonly pid: number
  /** Creates an empty database, in place of one of the same name, and returns its address. */
  createDatabase(name: string): Promise<string>
  /**
   * Waits until all clients of the databases have left and their processes have ended, and writes
   * all changed pages to the disk.
   */
  settle(): Promise<void>
}

export function isDebianInstalled(): boolean {
  return existsSync(join(DEBIAN_BINARIES, 'postgres'))
}

/** Autovacuum and frequent checkpoints are off, because they would slow random measurements. */
export async function openBenchServer(
  home: string,
  onProgress: (text: string) => void,
  name: ServerName = 'embedded',
): Promise<BenchServer> {
  const server = await openEmbedded({
    home: name === 'debian' ? join(home, 'debian') : home,
    settings: { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '20GB' },
    onProgress,
    ...(name === 'debian' ? { binaries: DEBIAN_BINARIES } : {}),
  })
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  const { rows } = await admin.query<{ version: string; pid: string }>(
    `select split_part(current_setting('server_version'), ' ', 1) as version,
            split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid`,
  )
  const pid = Number(rows[0]?.pid)
  return {
    name,
    version: rows[0]?.version ?? 'unknown',
    pid,
    async createDatabase(database) {
      await admin.query(`drop database if exists bench_${database} with (force)`)
      await admin.query(`create database bench_${database}`)
      const url = new URL(server.url)
      url.pathname = `/bench_${database}`
      return url.href
    },
    async settle() {
      await waitForClients(admin, pid)
      await admin.query('checkpoint')
    },
    async [Symbol.asyncDispose]() {
      await admin.end()
      await server.stop()
    },
  }
}

/** A backend is in no view of Postgres from the moment it ends, but its process exits later. */
async function waitForClients(admin: pg.Client, postmaster: number): Promise<void> {
  const giveUpAt = performance.now() + CLIENTS_LEAVE_MS
  for (; ; await sleep(20)) {
    const children = listChildren(postmaster) ?? []
    const { rows } = await admin.query<{ pid: number; isClient: boolean }>(
      `select pid, coalesce(datname like 'bench\\_%', false) as "isClient" from pg_stat_activity`,
    )
    const known = new Set(rows.map((row) => row.pid))
    if (!rows.some(({ isClient }) => isClient) && children.every((child) => known.has(child)))
      return
    if (performance.now() > giveUpAt)
      throw new Error('A client of the benchmark is still connected to Postgres after 30 s')
  }
}

export function print(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function roundTo2(value: number): number {
  return Math.round(value * 100) / 100
}
