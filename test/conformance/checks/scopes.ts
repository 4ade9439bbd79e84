// Checks of scopes: the products of a fetch of everything, since an instant and by keys, and the
// completeness of each.

import assert from 'node:assert/strict'
import type { Page, Scope } from '../../../src/core/connector.ts'
import { linesOf, type Rig } from '../rig.ts'
import { given, type Check } from './check.ts'

const UNKNOWN_KEY = 'shelfsync-conformance-no-such-product'

const scopesAreDeclared: Check = {
  name: 'the connector declares every scope that it accepts, and at least one',
  async prove({ subject: { connector } }) {
    const { scopes } = connector
    assert.ok(scopes.length > 0, 'the connector accepts no scope')
    assert.equal(new Set(scopes).size, scopes.length, 'a scope is declared twice')
  },
}

const sinceIsAPart: Check = {
  name: 'a fetch since an instant returns every product that changed at or after it, and omits others',
  async prove(rig) {
    if (!supports(rig, 'since')) return
    const { supplier } = rig
    const all = await Array.fromAsync(rig.fetch())
    const watermarkMs = given(all.at(-1)?.watermarkMs, 'watermark of a connector with since')
    const changed = given(supplier.ids()[0], 'oldest product')
    supplier.change(changed)
    const scope = { kind: 'since', sinceMs: watermarkMs } as const
    const pages = await Array.fromAsync(rig.fetch({ scope }))
    const ids = idsOf(rig, pages)
    assert.ok(ids.includes(changed), 'a product that changed after the instant is missing')
    assert.ok(
      ids.length < idsOf(rig, all).length,
      `a fetch since the watermark returns all ${ids.length} products`,
    )
    assert.equal(pages.at(-1)?.complete, true, 'a fetch since an instant is not complete')
  },
}

const keysAreExact: Check = {
  name: 'a fetch by keys returns the named products and no others',
  async prove(rig) {
    if (!supports(rig, 'keys')) return
    const keys = wantedKeys(rig)
    const scope = { kind: 'keys', keys: [...keys, UNKNOWN_KEY] } as const
    const found = idsOf(rig, await Array.fromAsync(rig.fetch({ scope })))
    assert.deepEqual(
      found.toSorted(),
      keys.toSorted(),
      `for ${keys.length} keys ${found.length} products came`,
    )
  },
}

const keysProveNothing: Check = {
  name: 'a fetch by keys is never complete',
  async prove(rig) {
    if (!supports(rig, 'keys')) return
    const scope = { kind: 'keys', keys: wantedKeys(rig) } as const
    for (const { complete } of await Array.fromAsync(rig.fetch({ scope })))
      assert.equal(complete, false, 'a fetch by keys counts as complete')
  },
}

/** Returns the first and the last product, which are on different pages of a whole fetch. */
function wantedKeys({ supplier }: Rig): string[] {
  const ids = supplier.ids()
  return [given(ids[0], 'first product'), given(ids.at(-1), 'last product')]
}

export function supports(rig: Rig, kind: Scope['kind']): boolean {
  const { connector } = rig.subject
  return (connector.scopesOf?.(rig.settings()) ?? connector.scopes).includes(kind)
}

function idsOf({ subject: { connector } }: Rig, pages: readonly Page[]): string[] {
  const ids = pages
    .flatMap(linesOf)
    .map((line) => connector.identify(connector.unwrap(JSON.parse(line.toString()))))
  return ids.filter((id) => id !== null)
}

export const scopeChecks: readonly Check[] = [
  scopesAreDeclared,
  sinceIsAPart,
  keysAreExact,
  keysProveNothing,
]
