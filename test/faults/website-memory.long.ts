// Measures the memory of a fetch of 20,000 pages in a separate process: only the list of addresses grows
// with the site.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureApart, measureWhenAsked } from '../conformance/measure.ts'
import { startWebsite } from '../../simulators/website/server.ts'
import { website } from '../../src/connectors/website/connector.ts'

const [FEW, MANY] = [1_000, 20_000]
/** An address of 50 characters with its time. */
const BYTES_A_PAGE_MAX = 500

const subject = {
  connector: website,
  settings: (origin: string) => ({ url: origin, minIntervalMs: 0 }),
  start: () => Promise.reject(new Error('The supplier is started by the test')),
  size: FEW,
  pagesASample: 100,
}

if (!measureWhenAsked(subject))
  test('a fetch of 20,000 pages needs memory for their addresses only', async (t) => {
    const sites = await Promise.all([FEW, MANY].map((products) => startWebsite({ products })))
    t.after(() => Promise.all(sites.map(({ close }) => close())))
    const [few, many] = await measureApart(
      subject,
      sites.map(({ url }) => url),
    )
    assert.ok(few && many)
    const grown = many.peakBytes - few.peakBytes
    t.diagnostic(`${grown} bytes more for ${MANY - FEW} more pages of ${many.feedBytes} bytes`)
    assert.ok(grown < (MANY - FEW) * BYTES_A_PAGE_MAX, `${grown} bytes more`)
  })
