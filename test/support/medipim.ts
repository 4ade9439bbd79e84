// A pipeline that reads a simulated MediPim over real HTTP, in pages of a few lines.

import {
  startMedipim,
  type MedipimOptions,
  type MedipimSimulator,
} from '../../simulators/medipim/simulator.ts'
import { medipim } from '../../src/connectors/medipim/connector.ts'
import type { Key } from '../../src/connectors/medipim/credentials.ts'
import { scanLine } from '../../src/connectors/medipim/scan.ts'
import { readPosition, Tally } from '../../src/connectors/medipim/stream-progress.ts'
import type { Connector, FetchRequest, Page } from '../../src/core/connector.ts'
import type { CredentialValues } from '../../src/core/credentials.ts'
import type { Db } from '../../src/db/pool.ts'
import type { Lifetime } from './database.ts'
import { openPipeline, type PipelineSetup, type TestPipeline } from './pipeline.ts'

export interface MedipimSetup extends Partial<Omit<PipelineSetup, 'connector' | 'settings'>> {
  readonly db: Db
  readonly simulator?: MedipimSimulator
  readonly supplier?: Partial<MedipimOptions>
  readonly linesPerPage?: number
  readonly key?: Key
}

/** A key that the simulated MediPim accepts. */
export const MEDIPIM_KEY: CredentialValues = { MEDIPIM_API_KEY: '42:secret' }

/**
 * Opens a simulated MediPim with 30 products unless the options differ, and a source that reads it.
 */
export async function openMedipim(
  t: Lifetime,
  setup: MedipimSetup,
): Promise<{ pipeline: TestPipeline; simulator: MedipimSimulator }> {
  const simulator =
    setup.simulator ?? (await startMedipim({ products: 30, rateLimit: null, ...setup.supplier }))
  if (!setup.simulator) t.after(simulator.close)
  return {
    simulator,
    pipeline: await openPipeline(t, {
      ...setup,
      connector: splitPages(medipim, setup.linesPerPage ?? 4),
      credentials: setup.key
        ? { MEDIPIM_API_KEY: `${setup.key.id}:${setup.key.secret}` }
        : MEDIPIM_KEY,
      settings: { apiUrl: simulator.url, market: 'au' },
    }),
  }
}

/**
 * MediPim's connector with pages of so many lines instead of a megabyte, each with the cursor of
 * that position.
 */
export function splitPages(connector: Connector, linesPerPage: number): Connector {
  async function* fetch(request: FetchRequest, signal: AbortSignal): AsyncGenerator<Page> {
    const tally = new Tally(readPosition(request.cursor))
    let known = true
    for await (const page of connector.fetch(request, signal)) {
      const isPiece = page.bytes.at(-1) !== 10
      for (let from = isPiece ? page.bytes.length : 0; from < page.bytes.length;) {
        let to = from
        let lineCount = 0
        for (; lineCount < linesPerPage && to < page.bytes.length; lineCount++) {
          const end = page.bytes.indexOf(10, to) + 1
          const facts = scanLine(page.bytes, to, end)
          if (facts) tally.add(facts)
          else known = false
          to = end
        }
        const last = to === page.bytes.length
        yield {
          ...page,
          bytes: page.bytes.subarray(from, to),
          lineCount,
          cursor: last ? page.cursor : known ? tally.position() : null,
          complete: false,
        }
        from = to
      }
      if (page.bytes.length === 0 || isPiece) yield page
    }
  }
  return { ...connector, fetch }
}

/** Sets the public price of all active products to 10.00 and returns their ids. */
export function priceActiveProducts({ catalogue }: MedipimSimulator): string[] {
  const ids = catalogue
    .visible()
    .filter(({ status }) => status === 'active')
    .map((state) => catalogue.idOf(state))
  return catalogue.setPrice(ids, { cents: 1000 })
}
