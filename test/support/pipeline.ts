// The whole pipeline with small sizes: pages of a few lines, parts of a few pages, batches of a few
// records, so that a catalogue of 30 products has several of each. A database serves one test file,
// a source one test.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskStore } from '../../src/artifacts/stores/disk.ts'
import { readParts } from '../../src/artifacts/parts.ts'
import type { ArtifactStore } from '../../src/artifacts/store.ts'
import type { Connector } from '../../src/core/connector.ts'
import type { CredentialValues } from '../../src/core/credentials.ts'
import type { Json } from '../../src/core/json.ts'
import { OUTCOMES } from '../../src/core/ledger.ts'
import type { Policy } from '../../src/core/policy.ts'
import { listParts } from '../../src/db/write/artifacts.ts'
import type { Db } from '../../src/db/pool.ts'
import { addSource, loadSource, saveSource, type Source } from '../../src/db/sources.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { createLog, type Log } from '../../src/telemetry/log.ts'
import { Outages } from '../../src/telemetry/outages.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import type { PipelineOptions } from '../../src/pipeline/options.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import { replayRun } from '../../src/pipeline/replay.ts'
import { syncKeys, syncSource } from '../../src/pipeline/sync.ts'
import type { StartTools } from '../../src/pipeline/take-run.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import type { SyncRequest } from '../../src/pipeline/choose-run.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { createCredentialReader } from '../../src/sources/credentials.ts'
import { chooseSchedule } from '../../src/sources/schedule.ts'
import type { Lifetime } from './database.ts'

export interface PipelineSetup {
  readonly db: Db
  readonly connector: Connector
  readonly settings: Json
  readonly policy?: Partial<Policy>
  readonly options?: Partial<PipelineOptions>
  readonly secrets?: readonly string[]
  /** The environment variables that the connector reads, with their values. */
  readonly credentials?: CredentialValues
  /** The name of the new source. Default: one that no other test uses. */
  readonly name?: string
  /** A source that already exists, to work on it as another process would. */
  readonly source?: string
  readonly storeRoot?: string
}

export interface SyncOverrides extends Partial<SyncRequest> {
  readonly tools?: Partial<StartTools>
  readonly connector?: Connector
  readonly signal?: AbortSignal
}

/** One source with everything that a worker needs. */
export interface TestPipeline {
  readonly name: string
  readonly tools: StartTools & { readonly db: Db; readonly log: Log }
  readonly connector: Connector
  readonly storeRoot: string
  /** The log, one line of JSON each. */
  readonly logged: readonly string[]
  /** The duration of each wait in milliseconds. No wait really happens. */
  readonly waits: readonly number[]
  source(): Promise<Source>
  /**
   * Runs a full sync unless the options differ. Throws when a settled run has a ledger that does
   * not balance.
   */
  sync(overrides?: SyncOverrides): Promise<RunReport>
  /** A refresh or an import of these products. */
  syncKeys(keys: readonly string[], overrides?: SyncOverrides): Promise<RunReport>
  replay(run: number, overrides?: SyncOverrides): Promise<RunReport>
  /** The content of a run's artifact. */
  archived(run: number): Promise<string>
  /** Ends the lease, as if its worker had been silent for too long. */
  expireLease(): Promise<void>
  query<Row>(sql: string, ...parameters: readonly unknown[]): Promise<Row[]>
}

export const SMALL_OPTIONS: PipelineOptions = {
  ...DEFAULT_OPTIONS,
  partBytesMax: 24 * 1024,
  partAgeMs: Infinity,
  batchRecordsMax: 3,
  batchBytesMax: 32 * 1024,
  attemptsMax: 3,
  backOff: { baseMs: 1000, maxMs: 60_000 },
}

let sources = 0

/** Opens a source with its own store, and everything that a worker needs for it. */
export async function openPipeline(t: Lifetime, setup: PipelineSetup): Promise<TestPipeline> {
  const { db, connector } = setup
  const storeRoot = setup.storeRoot ?? (await mkdtemp(join(tmpdir(), 'shelfsync-pipeline-')))
  if (setup.storeRoot === undefined) t.after(() => rm(storeRoot, { recursive: true, force: true }))
  const { tools, logged, waits } = createTools(t, setup, storeRoot)
  const name = setup.source ?? (await addTestSource(setup))
  const source = (): Promise<Source> => loadSource(db, name)
  const bind = async (other: Connector = connector) => bindConnector(other, await source())
  return {
    name,
    tools,
    connector,
    storeRoot,
    logged,
    waits,
    source,
    async sync({ tools: other, connector: another, signal, ...overrides } = {}) {
      const request: SyncRequest = { mode: 'full', sinceAt: null, now: new Date(), ...overrides }
      const bound = await bind(another)
      return balanced(await syncSource({ ...tools, ...other }, bound, request, controls(signal)))
    },
    async syncKeys(keys, { tools: other, connector: another, signal } = {}) {
      const bound = await bind(another)
      return balanced(await syncKeys({ ...tools, ...other }, bound, keys, controls(signal)))
    },
    async replay(run, { tools: other, connector: another, signal } = {}) {
      const bound = await bind(another)
      return balanced(await replayRun({ ...tools, ...other }, bound, run, controls(signal)))
    },
    async archived(run) {
      const chunks: Buffer[] = []
      const parts = await listParts(db, (await source()).id, run)
      for await (const chunk of readParts(tools.store, parts)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
    async expireLease() {
      await db.query(
        'update catalog.leases set expires_at = clock_timestamp() where source_id = $1',
        [(await source()).id],
      )
    },
    query: async <Row>(sql: string, ...parameters: readonly unknown[]) =>
      (await db.query(sql, [...parameters])).rows as Row[],
  }
}

/** A worker's tools, with a log and waits that are only recorded. */
function createTools(t: Lifetime, setup: PipelineSetup, storeRoot: string) {
  const { db, connector, options, secrets = [], credentials = {} } = setup
  const guard = createAddressGuard(['127.0.0.1'])
  const http = createHttp({ guard, userAgent: 'shelfsync-test' })
  t.after(() => http.close())
  const logged: string[] = []
  const waits: number[] = []
  const wait = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms))
  const store: ArtifactStore = new DiskStore(storeRoot)
  const log = createLog({
    level: 'debug',
    destination: { write: (line) => logged.push(line) },
    secrets,
  })
  const tools = {
    db,
    store,
    http,
    // No pauses between requests: the waits are those of retries.
    requestIntervals: new Map([
      ['host', 0],
      [connector.name, 0],
    ]),
    credentials: createCredentialReader(credentials, guard),
    log,
    outages: new Outages(log),
    redact: createRedactor(secrets),
    options: { ...SMALL_OPTIONS, wait, ...options },
    correlationId: 'test',
  }
  return { tools, logged, waits }
}

/** Adds a source with a new name, and returns the name. */
async function addTestSource(setup: PipelineSetup): Promise<string> {
  const { db, connector, settings, policy } = setup
  const name = setup.name ?? `source-${process.pid}-${++sources}`
  const { id } = await addSource(db, {
    name,
    connector: connector.name,
    settings,
    schedule: chooseSchedule(connector, name),
    policy: connector.policy,
  })
  if (policy) await saveSource(db, id, { policy })
  return name
}

function controls(signal = new AbortController().signal) {
  return { progress: createProgress(), signal }
}

/** Every archived line of a settled run has one outcome. */
function balanced(report: RunReport): RunReport {
  if (report.state === 'failed') return report
  const { ledger } = report
  assert.equal(
    OUTCOMES.reduce((sum, outcome) => sum + ledger[outcome], 0),
    ledger.fetched,
    'the ledger does not balance',
  )
  return report
}

/** The outcomes of a run that are not zero, with `removed` and `missing`. */
export function countOutcomes({ ledger }: Pick<RunReport, 'ledger'>): Record<string, number> {
  const { expected: _, fetched: __, ...rest } = ledger
  return Object.fromEntries(Object.entries(rest).filter(([, count]) => count !== 0))
}
