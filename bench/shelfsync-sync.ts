// Syncs one source from HTTP to settled rows in this process, as `shelfsync sync --full` does.

import { Outages } from '../src/telemetry/outages.ts'
import { openStore } from '../src/artifacts/open-store.ts'
import { medipim } from '../src/connectors/medipim/connector.ts'
import { openPool } from '../src/db/pool.ts'
import { addSource, findSource } from '../src/db/sources.ts'
import { createAddressGuard } from '../src/node/address-guard.ts'
import { createHttp } from '../src/node/http-client.ts'
import { readPeakMemoryBytes } from '../src/node/peak-memory.ts'
import { createProgress } from '../src/pipeline/context.ts'
import { bindConnector } from '../src/sources/bound-source.ts'
import { createCredentialReader } from '../src/sources/credentials.ts'
import { chooseSchedule } from '../src/sources/schedule.ts'
import { DEFAULT_OPTIONS } from '../src/pipeline/options.ts'
import { syncSource } from '../src/pipeline/sync.ts'
import type { StartTools } from '../src/pipeline/take-run.ts'
import { reportFigures, type ChildFigures } from './processes.ts'

export interface SyncFigures extends ChildFigures {
  readonly state: string
  readonly reason: string | null
  readonly rssPeakMb: number
}

const [url, databaseUrl, artifacts] = process.argv.slice(2)
if (url === undefined || databaseUrl === undefined || artifacts === undefined)
  throw new Error('usage: shelfsync-sync.ts URL DATABASE ARTIFACTS')

const startedMs = performance.now()
const connector = medipim
const db = await openPool(databaseUrl, { applicationName: 'bench' })
const guard = createAddressGuard(['127.0.0.1'])
const http = createHttp({ guard, userAgent: 'Shelfsync-bench' })
const quiet = () => undefined
const log: StartTools['log'] = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  child: () => log,
}
const settings = { apiUrl: url, market: 'au' }
const found = await findSource(db, 'bench')
const source =
  found ??
  (await addSource(db, {
    name: 'bench',
    connector: connector.name,
    settings,
    schedule: chooseSchedule(connector, 'bench'),
  }))
const tools = {
  db,
  store: openStore(artifacts, '.'),
  http,
  requestIntervals: new Map<string, number>(),
  credentials: createCredentialReader({ MEDIPIM_API_KEY: '42:secret' }, guard),
  log,
  outages: new Outages(log),
  options: DEFAULT_OPTIONS,
  redact: (text: string) => text,
  correlationId: 'bench',
}
const report = await syncSource(
  tools,
  bindConnector(connector, { ...source, settings }),
  { mode: 'full', sinceAt: null, now: new Date() },
  { progress: createProgress(), signal: new AbortController().signal },
)
if (report.error) console.error(report.error)
const seconds = (performance.now() - startedMs) / 1000
await db.end()
await http.close()
reportFigures({
  seconds,
  state: report.state,
  reason: report.reason,
  rssPeakMb: Math.round(readPeakMemoryBytes() / 1e6),
})
