// A home with a MediPim source for tests of the command line, and what these tests read from a
// command that ended.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type MedipimSimulator, startMedipim } from '../../simulators/medipim/simulator.ts'
import { type CommandResult, openShelfsync, type Shelfsync } from './shelfsync.ts'

export const SECRET = 'planted-key-secret'
export const STREAM = '/v4/products/stream'

/** A home with one MediPim source that is not synced yet. `env`: more variables of the commands. */
export async function withMedipim(
  t: TestContext,
  products: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Shelfsync & { simulator: MedipimSimulator }> {
  const simulator = await startMedipim({
    products,
    keys: [{ id: '42', secret: SECRET }],
    rateLimit: null,
  })
  t.after(simulator.close)
  const shelf = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY_ID: '42',
    MEDIPIM_API_KEY_SECRET: SECRET,
    ...env,
  })
  assertEnded(await shelf.run('add', 'medipim', '--name', 'pharmacy'), 0)
  return { ...shelf, simulator }
}

export function assertEnded(ended: CommandResult, code: number): void {
  assert.equal(ended.code, code, `${ended.stdout}\n${ended.stderr}`)
}

export function ledgerOf(ended: CommandResult): Record<string, number | null> {
  return ended.json()['ledger'] as Record<string, number | null>
}
