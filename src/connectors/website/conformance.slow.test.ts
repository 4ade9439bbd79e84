// Runs the conformance suite on a website, with the simulator as the supplier.

import { after } from 'node:test'
import { testConnector } from '../../../test/conformance/connector.ts'
import { statusFault, type Supplier } from '../../../test/conformance/supplier.ts'
import { startFirecrawl } from '../../../simulators/firecrawl/server.ts'
import { RESPONSES } from '../../../simulators/website/faults.ts'
import { startWebsite } from '../../../simulators/website/server.ts'
import { website } from './connector.ts'

const [FIRST_PAGE, LATER_PAGE] = ['/products/item-00000', '/products/item-00007']
const firecrawl = await startFirecrawl({ key: 'fc-conformance-key' })
after(() => firecrawl.close())

async function start(size: number): Promise<Supplier> {
  const { url, catalogue, faults, close, set } = await startWebsite({ products: size })
  const toId = (slug: string): string => `${url}/products/${slug}`
  const find = (id: string): number =>
    catalogue.products().find(({ slug }) => toId(slug) === id)?.id ?? 0
  let spoiled: number[] = []
  return {
    origin: url,
    ids: () => catalogue.products().map(({ slug }) => toId(slug)),
    change: (id) => catalogue.update(find(id), { name: `Edition ${id}` }),
    touch: () => catalogue.touch(),
    remove: (...ids) => catalogue.remove(...ids.map(find)),
    spoil(id) {
      spoiled.push(find(id))
      catalogue.update(find(id), { isSpoiled: true })
    },
    strike(fault, lasting = false) {
      const times = lasting ? null : 1
      // A page that has not changed is not sent again, so nothing could be cut.
      catalogue.touch()
      const inside = { afterBytes: 5_000, path: LATER_PAGE, times }
      if (fault.kind === 'status') faults.set({ ...statusFault(fault), path: FIRST_PAGE, times })
      else if (fault.kind === 'failed-page')
        faults.set({ ...RESPONSES.broken, path: LATER_PAGE, times })
      else if (fault.kind === 'cut' || fault.kind === 'reset')
        faults.set({ kind: fault.kind, ...inside })
      else if (fault.kind === 'silence') faults.set({ kind: 'stall', ...inside })
      else if (fault.kind === 'drip')
        faults.set(
          { kind: 'drip', bytes: 3_001, everyMs: 0, times },
          { kind: 'split-characters', times },
        )
      else if (fault.kind === 'empty') faults.set({ kind: 'empty', times })
      else if (fault.kind === 'repeat') set({ aliases: 'redirect' })
      // Sitemaps may have any order: pages are read in the order of their addresses.
      else set({ isReversed: true })
    },
    heal() {
      faults.clear()
      set({ aliases: 'none', isReversed: false })
      for (const id of spoiled) catalogue.update(id, { isSpoiled: false })
      spoiled = []
    },
    close,
  }
}

testConnector({
  connector: website,
  settings: (origin) => ({ url: origin, minIntervalMs: 0 }),
  start,
  size: 12,
  isAlwaysNamed: true,
  credentials: {
    FIRECRAWL_API_KEY: 'fc-conformance-key',
    FIRECRAWL_URL: firecrawl.url,
  },
})
