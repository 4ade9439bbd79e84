// A process with the services' workers, like a separate machine. Given a place, it reports reaching
// it and stops there: until it is killed, or, frozen as a whole, until SIGCONT. SIGTERM ends it as
// it ends `shelfsync serve`.

import { openPool } from '../../src/db/pool.ts'
import type { Lifetime } from '../support/database.ts'
import { openPipeline } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'
import { createToy, TOY_OPTIONS } from '../support/toy/open.ts'
import {
  onNthPass,
  watchQueries,
  watchStore,
  type Failpoint,
  type FailpointWatcher,
} from './failpoints.ts'

export interface FailpointWorker {
  readonly databaseUrl: string
  /** Any source of the database. The workers take the tasks of all sources. */
  readonly source: string
  readonly storeRoot: string
  /** Null: the process works until it ends. */
  readonly place: Failpoint | null
  readonly nth: number
  readonly onReached: 'wait' | 'freeze'
}

const { databaseUrl, source, storeRoot, place, nth, onReached } = JSON.parse(
  process.argv[2] ?? '',
) as FailpointWorker
await using opened = new AsyncDisposableStack()
const lifetime: Lifetime = { after: (end) => opened.defer(end) }
const db = await openPool(databaseUrl, { applicationName: 'failpoint' })
lifetime.after(() => db.end())

const reached = (): void | Promise<void> => {
  console.log('reached')
  if (onReached === 'wait') return new Promise(() => undefined)
  process.kill(process.pid, 'SIGSTOP')
}
const watch: FailpointWatcher = place === null ? () => undefined : onNthPass(place, nth, reached)
const pipeline = await openPipeline(lifetime, {
  db,
  ...createToy(),
  options: TOY_OPTIONS,
  settings: {},
  source,
  storeRoot,
})
const tools = { ...pipeline.tools, store: watchStore(pipeline.tools.store, watch) }
const services = await openServices(
  lifetime,
  { url: databaseUrl, pool: db, drop: () => db.end() },
  { ...pipeline, tools },
)
watchQueries(services.tools.db, watch)
const stop = services.startWorkers()
console.log('working')
await new Promise<void>((resolve) => process.once('SIGTERM', resolve))
await stop()
