// Imports from a simulated marketplace through the whole pipeline, in this process.

import type { TestContext } from 'node:test'
import type { AmazonOptions } from '../../simulators/amazon/server.ts'
import type { Db } from '../../src/db/pool.ts'
import { loadRunDetails, type RunDetails } from '../../src/db/read/run-summaries.ts'
import { createProgress } from '../../src/pipeline/context.ts'
import { importKeys } from '../../src/pipeline/sync.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'
import { openAmazonPipeline, type AmazonPipeline } from './amazon-pipeline.ts'

export interface Importing extends AmazonPipeline {
  /** Imports these ASINs and returns the run after its end. */
  importItems(...asins: readonly string[]): Promise<RunDetails>
}

/** Opens a marketplace and a source that reads it. */
export async function openImporting(
  t: TestContext,
  db: Db,
  options: AmazonOptions = {},
): Promise<Importing> {
  const { simulator, pipeline } = await openAmazonPipeline(t, {
    db,
    simulator: options,
    settings: { marketplace: 'www.amazon.com' },
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
