// A process with the services' workers, as a machine of its own would be. Given a place, it says
// when it comes there, and stands: until it is killed, or, frozen as a whole, until SIGCONT.
// SIGTERM ends it as it ends `shelfsync serve`.

import { openPool } from '../../src/db/pool.ts'
import type { Lifetime } from '../support/database.ts'
import { inSmallPages, medipimOf, openPipeline } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'
import { at, watchQueries, watchStore, type Place, type Watch } from './failpoints.ts'

export interface WorkerDoom {
  readonly databaseUrl: string
  /** Any source of the database; the workers take the tasks of all. */
  readonly source: string
  readonly storeRoot: string
  /** Null: it works until it ends. */
  readonly place: Place | null
  readonly nth: number
  readonly stand: 'still' | 'frozen'
}

const { databaseUrl, source, storeRoot, place, nth, stand } = JSON.parse(
  process.argv[2] ?? '',
) as WorkerDoom
await using opened = new AsyncDisposableStack()
const lifetime: Lifetime = { after: (end) => opened.defer(end) }
const db = await openPool(databaseUrl, { applicationName: 'doomed' })
lifetime.after(() => db.end())

const reached = (): void | Promise<void> => {
  console.log('reached')
  if (stand === 'still') return new Promise(() => undefined)
  process.kill(process.pid, 'SIGSTOP')
}
const watch: Watch = place === null ? () => undefined : at(place, nth, reached)
const connector = inSmallPages(medipimOf({ keyId: '42', keySecret: 'secret' }), 4)
const pipeline = await openPipeline(lifetime, { db, connector, settings: {}, source, storeRoot })
const tools = { ...pipeline.tools, store: watchStore(pipeline.tools.store, watch) }
const services = await openServices(
  lifetime,
  { url: databaseUrl, pool: db, drop: () => db.end() },
  { ...pipeline, tools },
)
watchQueries(services.tools.db, watch)
const stop = services.work()
console.log('working')
await new Promise<void>((resolve) => process.once('SIGTERM', resolve))
await stop()
