// Runs the conformance suite on MediPim, with the simulator as the supplier.

import { testConnector } from '../../../test/conformance/connector.ts'
import { statusFault, type Supplier } from '../../../test/conformance/supplier.ts'
import { startMedipim } from '../../../simulators/medipim/simulator.ts'
import { medipim } from './connector.ts'

const STREAM = '/v4/products/stream'
const A_DAY_MS = 86_400_000
const KEY = { id: '42', secret: 'planted-sécret+/=&"' }

async function start(size: number): Promise<Supplier> {
  const simulator = await startMedipim({
    products: size,
    rateLimit: null,
    keys: [KEY],
  })
  const { catalogue, clock, faults } = simulator
  const middle = size >> 1
  return {
    origin: simulator.url,
    ids: () =>
      catalogue
        .visible()
        .sort((a, b) => a.createdAt - b.createdAt)
        .map(catalogue.idOf),
    change(id) {
      clock.advance(A_DAY_MS)
      catalogue.update([id])
    },
    touch() {
      clock.advance(A_DAY_MS)
      catalogue.touch('all')
    },
    remove: (...ids) => void catalogue.remove(ids),
    spoil(id, flaw) {
      if (flaw === 'shape')
        faults.set({
          kind: 'patch',
          ids: [id],
          patch: { publicPrice: 'a few dollars' },
          times: null,
        })
      else faults.set({ kind: 'product', change: 'no-id', ids: [id], times: null })
    },
    strike(fault, lasting = false) {
      const when = { path: STREAM, times: lasting ? null : 1 }
      // A lasting failure occurs first in the middle, and then at the beginning of the remaining
      // products.
      const again = { path: STREAM, skip: 1, times: null }
      const error = JSON.stringify({
        error: { status: 500, code: 'internal_error', message: 'Something went wrong.' },
      })
      if (fault.kind === 'status') faults.set({ ...statusFault(fault), ...when })
      else if (fault.kind === 'failed-page') {
        faults.set({ kind: 'insert-line', at: middle, text: error, path: STREAM })
        if (lasting) faults.set({ kind: 'insert-line', at: 0, text: error, ...again })
      } else if (fault.kind === 'cut') {
        faults.set({ kind: 'cut', afterLines: middle, afterBytes: 50, path: STREAM })
        if (lasting) faults.set({ kind: 'cut', afterBytes: 50, ...again })
      } else if (fault.kind === 'reset')
        faults.set({ kind: 'reset', afterLines: middle, afterBytes: 50, ...when })
      else if (fault.kind === 'silence')
        faults.set({ kind: 'stall', afterLines: middle, afterBytes: 50, ...when })
      else if (fault.kind === 'drip')
        faults.set(
          { kind: 'drip', bytes: 8_191, everyMs: 0, ...when },
          { kind: 'split-characters', ...when },
        )
      else if (fault.kind === 'empty') faults.set({ kind: 'empty', ...when })
      else if (fault.kind === 'disorder') faults.set({ kind: 'unsorted', ...when })
      else
        faults.set(
          { kind: 'duplicate-line', at: 1, ...when },
          { kind: 'update-during-stream', at: middle, target: 'behind', path: STREAM },
        )
    },
    heal: faults.clear,
    close: simulator.close,
  }
}

testConnector({
  connector: medipim,
  credentials: { MEDIPIM_API_KEY_ID: KEY.id, MEDIPIM_API_KEY_SECRET: KEY.secret },
  settings: (origin) => ({ apiUrl: origin }),
  start,
  size: 240,
})
