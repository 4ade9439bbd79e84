// A process that syncs one source once and reports its peak memory.

import { medipim } from '../../src/connectors/medipim/connector.ts'
import { openPool } from '../../src/db/pool.ts'
import { readPeakMemoryBytes } from '../../src/node/peak-memory.ts'
import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'
import { MEDIPIM_KEY } from '../support/medipim.ts'
import { openPipeline } from '../support/pipeline.ts'

export interface Measured {
  readonly state: string
  readonly reason: string | null
  readonly created: number
  readonly unchanged: number
  readonly peakBytes: number
}

const { databaseUrl, source, storeRoot } = JSON.parse(process.argv[2] ?? '') as {
  databaseUrl: string
  source: string
  storeRoot: string
}
const db = await openPool(databaseUrl, { applicationName: 'measured' })
const pipeline = await openPipeline(
  { after: () => undefined },
  {
    db,
    connector: medipim,
    credentials: MEDIPIM_KEY,
    settings: {},
    source,
    storeRoot,
    options: DEFAULT_OPTIONS,
  },
)
const {
  state,
  reason,
  ledger: { created, unchanged },
} = await pipeline.sync()
console.log(
  JSON.stringify({
    state,
    reason,
    created,
    unchanged,
    peakBytes: readPeakMemoryBytes(),
  } satisfies Measured),
)
process.exit()
