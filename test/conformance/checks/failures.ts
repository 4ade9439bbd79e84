// Failures of a supplier. The connector only names them and the pipeline retries, so each failure
// costs a pause, and then every product is there.

import assert from 'node:assert/strict'
import type { Fault } from '../supplier.ts'
import type { Rig } from '../rig.ts'
import type { Check } from './check.ts'

const IDLE_TIMEOUT_MS = 300

const rateLimitIsHonoured: Check = {
  name: '429 with Retry-After is waited for that long, and then all is there',
  async prove(rig) {
    await survive(rig, { kind: 'status', status: 429, headers: { 'retry-after': '40' } })
    const [waitMs = 0] = rig.waits
    assert.ok(waitMs >= 40_000, `the supplier requested 40 s, the pause was ${waitMs} ms`)
  },
}

const rateLimitIsRetried: Check = {
  name: '429 without Retry-After is waited for, and then all is there',
  prove: (rig) => survive(rig, { kind: 'status', status: 429 }),
}

const brokenServerIsRetried: Check = {
  name: '500, 502 and 503 are waited for, and then all is there',
  async prove(rig) {
    for (const status of [500, 502, 503]) rig.supplier.strike({ kind: 'status', status })
    await survive(rig, null)
  },
}

const silenceIsRetried: Check = {
  name: 'a supplier that falls silent is left and asked again, and then all is there',
  async prove(rig) {
    rig.idleTimeoutMs = IDLE_TIMEOUT_MS
    await survive(rig, { kind: 'silence' })
  },
}

const resetIsRetried: Check = {
  name: 'a connection that ends inside a response is retried, and then every product is there',
  prove: (rig) => survive(rig, { kind: 'reset' }),
}

const dripIsRead: Check = {
  name: 'a response in small pieces, split inside characters, is read correctly',
  async prove(rig) {
    rig.supplier.strike({ kind: 'drip' }, true)
    await rig.syncGreen()
    assert.equal(rig.waits.length, 0, 'a slow response was abandoned')
    rig.supplier.heal()
    await rig.assertExact()
  },
}

/** Syncs through `fault`: green at the end, after at least one pause that the pipeline made. */
async function survive(rig: Rig, fault: Fault | null): Promise<void> {
  if (fault) rig.supplier.strike(fault)
  await rig.syncGreen()
  assert.ok(
    rig.waits.length > 0,
    'the pipeline did not receive the failure: connectors do not retry by themselves',
  )
  rig.supplier.heal()
  await rig.assertExact()
}

export const failureChecks: readonly Check[] = [
  rateLimitIsHonoured,
  rateLimitIsRetried,
  brokenServerIsRetried,
  silenceIsRetried,
  resetIsRetried,
  dripIsRead,
]
