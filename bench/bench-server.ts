// The Postgres server and the databases of a benchmark.

import { join } from 'node:path'
import pg from 'pg'
import { openEmbedded } from '../src/embedded-postgres/embedded.ts'

/** Default folder for the database and the feeds. */
export const BENCH_HOME = join(process.env['SHELFSYNC_HOME'] ?? '.shelfsync', 'bench')

export interface BenchServer extends AsyncDisposable {
  /** Creates an empty database, in place of one of the same name, and returns its address. */
  createDatabase(name: string): Promise<string>
}

/** Autovacuum and frequent checkpoints are off, because they would slow random measurements. */
export async function openBenchServer(
  home: string,
  onProgress: (text: string) => void,
): Promise<BenchServer> {
  const server = await openEmbedded({
    home,
    settings: { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '20GB' },
    onProgress,
  })
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  return {
    async createDatabase(name) {
      await admin.query(`drop database if exists bench_${name} with (force)`)
      await admin.query(`create database bench_${name}`)
      const url = new URL(server.url)
      url.pathname = `/bench_${name}`
      return url.href
    },
    async [Symbol.asyncDispose]() {
      await admin.end()
      await server.stop()
    },
  }
}

export function print(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function roundTo2(value: number): number {
  return Math.round(value * 100) / 100
}
