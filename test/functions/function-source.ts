// A source of Amazon that edge functions refresh: the simulator, the pipeline of Node for
// comparison, and products that are due.

import type { TestContext } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import type { AmazonOptions, AmazonSimulator } from '../../simulators/amazon/server.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import { openAmazon, settingsOf } from '../support/amazon.ts'
import type { TestDatabase } from '../support/database.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'

export interface FunctionSource {
  readonly simulator: AmazonSimulator
  readonly pipeline: TestPipeline
  readonly keys: readonly string[]
  /** Makes these products due for a refresh. */
  makeDue(keys: readonly string[]): Promise<void>
}

/** Adds the source, and pauses all others: functions handle every active one. */
export async function openFunctionSource(
  t: TestContext,
  { pool: db }: TestDatabase,
  options: AmazonOptions = {},
): Promise<FunctionSource> {
  const simulator = await openAmazon(t, options)
  const { id, secret, version } = DEFAULTS.credential
  await db.query(`update catalog.sources set state = 'paused'`)
  const pipeline = await openPipeline(t, {
    db,
    connector: createAmazon(),
    settings: { ...settingsOf(simulator, { version }), requestsPerSecond: 10 },
    credentials: {
      AMAZON_CREDENTIAL_ID: id,
      AMAZON_CREDENTIAL_SECRET: secret,
      AMAZON_CREDENTIAL_VERSION: version,
    },
  })
  const source = await pipeline.source()
  const refresh = { products: 'due', every: '7 * * * *', atMost: 1_000 }
  await db.query(
    `update catalog.sources set schedule = schedule || jsonb_build_object('refresh', $2::jsonb) where id = $1`,
    [source.id, JSON.stringify(refresh)],
  )
  return {
    simulator,
    pipeline,
    keys: [...simulator.items.keys()].slice(0, options.products ?? 12),
    async makeDue(keys) {
      await db.query(
        `update catalog.product_reads set due_at = now() - interval '1 hour'
         where source_id = $1 and external_id = any ($2)`,
        [source.id, keys],
      )
    },
  }
}

export const ESP32 = toAsin(0)
