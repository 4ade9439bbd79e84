// A pipeline that reads the toy supplier: the tests of the engine use it where the supplier does
// not matter.

import { toy } from '../../conformance/toy/subject.ts'
import type { Db } from '../../../src/db/pool.ts'
import type { PipelineOptions } from '../../../src/pipeline/options.ts'
import type { Lifetime } from '../database.ts'
import { openPipeline, type PipelineSetup, type TestPipeline } from '../pipeline.ts'
import { startToy, type ToyOptions, type ToySupplier } from './supplier.ts'

export interface ToySetup extends Partial<Omit<PipelineSetup, 'connector' | 'settings'>> {
  readonly db: Db
  /** A supplier that is running already. */
  readonly supplier?: ToySupplier
  /** Default: 30 products in pages of 4. */
  readonly start?: Partial<ToyOptions>
}

export interface OpenedToy {
  readonly pipeline: TestPipeline
  readonly supplier: ToySupplier
}

/** A few pages of toy records make a part. */
export const TOY_OPTIONS: Partial<PipelineOptions> = { partBytesMax: 5 * 1024 }

/** Opens a toy supplier, and a source that reads it. Each product costs 10.00 EUR at first. */
export async function openToy(t: Lifetime, setup: ToySetup): Promise<OpenedToy> {
  const { start, ...rest } = setup
  const supplier = setup.supplier ?? (await startToy({ products: 30, pageSize: 4, ...start }))
  if (!setup.supplier) t.after(supplier.close)
  const pipeline = await openPipeline(t, {
    ...rest,
    options: { ...TOY_OPTIONS, ...setup.options },
    ...createToy(),
    settings: { url: supplier.url },
    credentials: { TOY_KEY: 'toy-key' },
  })
  return { pipeline, supplier }
}

/** The toy connector with its credentials. */
export function createToy(): Pick<PipelineSetup, 'connector' | 'credentials'> {
  const { connector, credentials = {} } = toy(null)
  return { connector, credentials }
}
