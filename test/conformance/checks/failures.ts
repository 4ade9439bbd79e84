// Failures of a supplier. The connector only reports them and the pipeline retries, so each failure
// causes a pause, and the catalogue is complete afterwards.

import assert from 'node:assert/strict'
import type { Fault } from '../supplier.ts'
import type { Rig } from '../rig.ts'
import type { Check } from './check.ts'

const IDLE_TIMEOUT_MS = 300

const rateLimitIsHonoured: Check = {
  name: 'a 429 response with Retry-After is retried after that time, and the catalogue is complete',
  async prove(rig) {
    await survive(rig, { kind: 'status', status: 429, headers: { 'retry-after': '40' } })
    const [waitMs = 0] = rig.waits
    assert.ok(waitMs >= 40_000, `the supplier requested 40 s, the pause was ${waitMs} ms`)
  },
}

const rateLimitIsRetried: Check = {
  name: 'a 429 response without Retry-After is retried after a pause, and the catalogue is complete',
  prove: (rig) => survive(rig, { kind: 'status', status: 429 }),
}

const brokenServerIsRetried: Check = {
  name: '500, 502 and 503 responses are retried after a pause, and the catalogue is complete',
  async prove(rig) {
    for (const status of [500, 502, 503]) rig.supplier.strike({ kind: 'status', status })
    await survive(rig, null)
  },
}

const silenceIsRetried: Check = {
  name: 'a response that stalls is abandoned and requested again, and the catalogue is complete',
  async prove(rig) {
    rig.idleTimeoutMs = IDLE_TIMEOUT_MS
    await survive(rig, { kind: 'silence' })
  },
}

const resetIsRetried: Check = {
  name: 'a connection that is reset during a response is retried, and the catalogue is complete',
  prove: (rig) => survive(rig, { kind: 'reset' }),
}

const dripIsRead: Check = {
  name: 'a response in small pieces that split characters is read correctly',
  async prove(rig) {
    rig.supplier.strike({ kind: 'drip' }, true)
    await rig.syncGreen()
    assert.equal(rig.waits.length, 0, 'a slow response was abandoned')
    rig.supplier.heal()
    await rig.assertExact()
  },
}

/** Syncs despite `fault`: the run succeeds after at least one pause of the pipeline. */
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
