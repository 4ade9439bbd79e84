// A source of Amazon with everything that a worker needs, and the simulated marketplace that it
// reads.

import type { TestContext } from 'node:test'
import type { AmazonOptions, AmazonSimulator } from '../../simulators/amazon/server.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import type { AmazonSettings } from '../../src/connectors/amazon/settings.ts'
import { openAmazon, settingsOf, variablesOf } from './amazon.ts'
import { openPipeline, type PipelineSetup, type TestPipeline } from './pipeline.ts'

export interface AmazonPipeline {
  readonly simulator: AmazonSimulator
  readonly pipeline: TestPipeline
}

export interface AmazonSetup
  extends
    Pick<PipelineSetup, 'db' | 'options' | 'policy'>,
    Partial<Pick<PipelineSetup, 'connector'>> {
  readonly simulator?: AmazonOptions
  readonly settings?: Partial<AmazonSettings>
}

/** Opens a marketplace and a source that reads it, by default with ten requests a second. */
export async function openAmazonPipeline(
  t: TestContext,
  { simulator: options, settings, connector = createAmazon(), ...setup }: AmazonSetup,
): Promise<AmazonPipeline> {
  const simulator = await openAmazon(t, options)
  const credential = options?.credential ?? DEFAULTS.credential
  const pipeline = await openPipeline(t, {
    ...setup,
    connector,
    settings: { ...settingsOf(simulator, credential), requestsPerSecond: 10, ...settings },
    credentials: variablesOf(credential),
  })
  return { simulator, pipeline }
}
