// Imports from a simulated marketplace through the whole pipeline, in this process.

import type { TestContext } from 'node:test'
import type { AmazonOptions, AmazonSimulator } from '../../simulators/amazon/server.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import type { Db } from '../../src/db/pool.ts'
import { loadRunDetails, type RunDetails } from '../../src/db/read/run-summaries.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { importKeys } from '../../src/pipeline/sync.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openAmazon, settingsOf } from './amazon.ts'
import { openPipeline, type TestPipeline } from './pipeline.ts'

export interface Importing {
  readonly simulator: AmazonSimulator
  readonly pipeline: TestPipeline
  /** Imports these ASINs and returns the run after its end. */
  importItems(...asins: readonly string[]): Promise<RunDetails>
}

/** Opens a marketplace and a source that reads it. */
export async function openImporting(
  t: TestContext,
  db: Db,
  options: AmazonOptions = {},
): Promise<Importing> {
  const simulator = await openAmazon(t, options)
  const { id, secret, version } = DEFAULTS.credential
  const pipeline = await openPipeline(t, {
    db,
    connector: createAmazon(),
    settings: {
      ...settingsOf(simulator, { version }),
      marketplace: 'www.amazon.com',
      requestsPerSecond: 10,
    },
    credentials: {
      AMAZON_CREDENTIAL_ID: id,
      AMAZON_CREDENTIAL_SECRET: secret,
      AMAZON_CREDENTIAL_VERSION: version,
    },
  })
  return {
    simulator,
    pipeline,
    async importItems(...asins) {
      const bound = bindConnector(pipeline.connector, await pipeline.source())
      const controls = { progress: createProgress(), signal: new AbortController().signal }
      const { run } = await importKeys(pipeline.tools, bound, asins, controls)
      return loadRunDetails(db, run)
    },
  }
}
