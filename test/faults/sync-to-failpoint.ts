// A process that syncs one source until it reaches the place of its argument, reports it, and waits
// there to be killed.

import { openPool } from '../../src/db/pool.ts'
import { openPipeline } from '../support/pipeline.ts'
import { createToy, TOY_OPTIONS } from '../support/toy/open.ts'
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
const pipeline = await openPipeline(
  { after: () => undefined },
  { db, ...createToy(), options: TOY_OPTIONS, settings: {}, source, storeRoot },
)
const { state, reason } = await pipeline.sync({
  tools: { store: watchStore(pipeline.tools.store, reached) },
})
console.log(`passed: ${state} ${reason}`)
process.exit()
