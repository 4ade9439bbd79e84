// Complete feeds in a file, rendered once, so that a benchmark does not measure the rendering of
// JSON.

import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { createClock } from '../support/clock.ts'
import { createCatalogue } from './catalogue.ts'
import { startMedipim, type MedipimOptions, type MedipimSimulator } from './simulator.ts'
import { sortItems } from './sorting.ts'
import type { ProductState } from './state.ts'
import { createSigner, streamLines } from './stream.ts'

export interface FeedOptions {
  readonly products: number
  readonly seed?: number
  /**
   * `first`: the initial catalogue. `moved`: the next day, after every product was touched and one
   * was removed: `embedUrl`, `updatedAt` and `total` differ on every line, `index` on nearly all,
   * and the content on none. `changed`: the next day, with new `embedUrl`s, and another name, price
   * and text of a share of the products.
   */
  readonly variant?: 'first' | 'moved' | 'changed'
  /** Share of the active products in `changed`: 0.01 is one in a hundred. */
  readonly changedShare?: number
}

export interface Feed {
  readonly file: string
  readonly bytes: number
  readonly lines: number
  /** Ids of the products whose content differs from the `first` variant's. */
  readonly changed: readonly string[]
}

const START_AT_MS = Date.UTC(2026, 0, 15, 16)
const A_DAY_MS = 86_400_000

/**
 * Writes the stream of the whole catalogue, every status, by `touchedAt`, into `file`. The same
 * options give the same bytes.
 */
export async function prerenderFeed(options: FeedOptions, file: string): Promise<Feed> {
  const { products, seed = 1, variant = 'first', changedShare = 0.01 } = options
  const clock = createClock(START_AT_MS)
  const catalogue = createCatalogue(seed, products, clock)
  const sort = (): ProductState[] =>
    sortItems(catalogue.visible(), ({ updatedAt }) => updatedAt, { seed, salt: 0 })
  const changed: string[] = []
  if (variant !== 'first') clock.advance(A_DAY_MS)
  if (variant === 'changed') changed.push(...catalogue.update({ share: changedShare }))
  if (variant === 'moved') {
    const [first, ...others] = sort().map(catalogue.idOf)
    if (first !== undefined && others.length > 0) catalogue.remove([first])
    // The supplier's bulk job touches about thirty products a second.
    for (let start = 0; start < others.length; start += 30) {
      catalogue.touch(others.slice(start, start + 30))
      clock.advance(1_000)
    }
  }
  const sign = createSigner('42', seed, clock.nowSeconds())
  const items = sort()
  const output = createWriteStream(file)
  let bytes = 0
  for (const chunk of streamLines({
    items,
    render: (state) => catalogue.build(state, sign(catalogue.idOf(state))),
    faults: [],
  })) {
    bytes += chunk.byteLength
    if (!output.write(chunk)) await once(output, 'drain')
  }
  output.end()
  await finished(output)
  return { file, bytes, lines: items.length, changed }
}

/** Starts a simulator that sends `file` for every product stream. */
export async function serveFeed(
  file: string,
  options: Partial<MedipimOptions> = {},
): Promise<MedipimSimulator> {
  const simulator = await startMedipim({ products: 1, ...options })
  simulator.setFeed(file)
  return simulator
}
