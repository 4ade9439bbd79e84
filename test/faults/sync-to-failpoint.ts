// A process that syncs one source until it comes to the place that its argument names, says so, and
// waits there to be killed.

import { medipim } from '../../src/connectors/medipim/connector.ts'
import { openPool } from '../../src/db/pool.ts'
import { splitPages, MEDIPIM_KEY, openPipeline } from '../support/pipeline.ts'
import { onNthPass, watchQueries, watchStore, type Failpoint } from './failpoints.ts'

export interface FailpointSync {
  readonly databaseUrl: string
  readonly source: string
  readonly storeRoot: string
  readonly place: Failpoint
  readonly nth: number
}

const { databaseUrl, source, storeRoot, place, nth } = JSON.parse(
  process.argv[2] ?? '',
) as FailpointSync
const db = await openPool(databaseUrl, { applicationName: 'failpoint' })
const reached = onNthPass(place, nth, () => {
  console.log('reached')
  return new Promise<void>(() => setInterval(() => undefined, 60_000))
})
watchQueries(db, reached)
const connector = splitPages(medipim, 4)
const credentials = MEDIPIM_KEY
const pipeline = await openPipeline(
  { after: () => undefined },
  { db, connector, credentials, settings: {}, source, storeRoot },
)
const { state, reason } = await pipeline.sync({
  tools: { store: watchStore(pipeline.tools.store, reached) },
})
console.log(`passed: ${state} ${reason}`)
process.exit()
