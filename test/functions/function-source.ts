// A source of Amazon that edge functions refresh: the simulator, the pipeline of Node for
// comparison, and products that are due.

import type { TestContext } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import type { AmazonOptions } from '../../simulators/amazon/server.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../support/amazon-pipeline.ts'
import type { TestDatabase } from '../support/database.ts'

export interface FunctionSource extends AmazonPipeline {
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
  await db.query(`update catalog.sources set state = 'paused'`)
  const { simulator, pipeline } = await openAmazonPipeline(t, { db, simulator: options })
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
