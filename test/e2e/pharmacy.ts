// The home of medipim-shelf.ts with 30 products, and steps that many tests take there.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { withMedipim } from './medipim-shelf.ts'
import type { Shelfsync } from './shelfsync.ts'

export interface Pharmacy extends Shelfsync {
  readonly simulator: MedipimSimulator
  /** The ids of the supplier's products. */
  readonly ids: readonly string[]
  /** Runs a command that must succeed, and returns its text. */
  print(...args: readonly string[]): Promise<string>
  /** A full sync one hour later; returns its run. */
  sync(): Promise<number>
}

/** `env`: more variables of the commands. */
export async function openPharmacy(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<Pharmacy> {
  const { simulator, ...shelf } = await withMedipim(t, 30, env)
  const print = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await shelf.run(...args)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    return stdout
  }
  const sync = async (): Promise<number> => {
    simulator.clock.advance(3_600_000)
    const { stdout, json } = await shelf.run('sync', 'pharmacy', '--full', '--json')
    assert.ok(stdout.includes('"run"'), stdout)
    return Number(json()['run'])
  }
  const ids = simulator.catalogue.visible().map(simulator.catalogue.idOf)
  return { ...shelf, simulator, ids, print, sync }
}

/** Runs a command of the text, such as `shelfsync artifacts cat 7`. */
export function runPrinted({ print }: Pharmacy, command: string | undefined): Promise<string> {
  const [name, ...args] = command?.split(' ') ?? []
  assert.equal(name, 'shelfsync')
  return print(...args)
}
