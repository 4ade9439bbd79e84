// Runs the conformance suite on Amazon, with the simulator as the supplier. The connector fetches
// by keys only, so each sync names all items.

import { testConnector } from '../../../test/conformance/connector.ts'
import { statusFault, type Supplier } from '../../../test/conformance/supplier.ts'
import { startAmazon } from '../../../simulators/amazon/server.ts'
import { toAsin } from '../../../simulators/amazon/product.ts'
import { amazon } from './connector.ts'

const CREDENTIAL = { id: 'amzn1.planted-id', secret: 'planted-sécret+/=&"', version: '3.1' }
const listAsins = (size: number): string[] => Array.from({ length: size }, (_, at) => toAsin(at))
const [FIRST_BATCH, LATER_BATCH] = [0, 10].map((at) => `/getItems?first=${toAsin(at)}`)

async function start(size: number): Promise<Supplier> {
  const { url, items, faults, update, set, close } = await startAmazon({
    products: size,
    credential: CREDENTIAL,
  })
  const repairs: (() => void)[] = []
  return {
    origin: url,
    ids: () => listAsins(size),
    change: (id) => update(id, { title: `Edition ${id}` }),
    // The time of arrival is the only volatile member.
    touch: () => {},
    remove: (...ids) => set({ omitted: ids }),
    spoil(id, flaw) {
      const { asin = null, title } = items.get(id) ?? {}
      repairs.push(() => update(id, { asin, title }))
      update(id, flaw === 'shape' ? { title: ['none'] } : { asin: null })
    },
    strike(fault, lasting = false) {
      const times = lasting ? null : 1
      const inside = { afterBytes: 3_000, path: LATER_BATCH, times }
      const any = { path: '/getItems*', times }
      if (fault.kind === 'status') faults.set({ ...statusFault(fault), path: FIRST_BATCH, times })
      else if (fault.kind === 'failed-page')
        faults.set({ kind: 'status', status: 500, path: LATER_BATCH, times })
      else if (fault.kind === 'cut' || fault.kind === 'reset')
        faults.set({ kind: fault.kind, ...inside })
      else if (fault.kind === 'silence') faults.set({ kind: 'stall', ...inside })
      else if (fault.kind === 'drip')
        faults.set(
          { kind: 'drip', bytes: 3_001, everyMs: 0, ...any },
          { kind: 'split-characters', ...any },
        )
      else if (fault.kind === 'empty') faults.set({ kind: 'empty', ...any })
      else if (fault.kind === 'repeat') set({ isRepeated: true })
      else set({ isShuffled: true })
    },
    heal() {
      faults.clear()
      set({ isRepeated: false })
      for (const repair of repairs.splice(0)) repair()
    },
    close,
  }
}

testConnector({
  connector: amazon,
  settings: (origin) => ({
    apiUrl: origin,
    tokenUrl: `${origin}/auth/o2/token`,
    partnerTag: 'simulated-20',
    requestsPerSecond: 10,
    requestsPerDay: 864_000,
  }),
  credentials: {
    AMAZON_CREDENTIAL_ID: CREDENTIAL.id,
    AMAZON_CREDENTIAL_SECRET: CREDENTIAL.secret,
    AMAZON_CREDENTIAL_VERSION: CREDENTIAL.version,
  },
  start,
  size: 60,
  keys: listAsins,
  sentMember: 'item',
  isExpiring: true,
})
