// Checks of `scan`, `unwrap`, `identify` and `normalise` on single lines, without a database.

import assert from 'node:assert/strict'
import type { Scan } from '../../../src/core/connector.ts'
import { SyncError } from '../../../src/core/errors.ts'
import { DraftSchema } from '../../../src/core/product-schema.ts'
import type { Draft } from '../../../src/core/product.ts'
import { findLineId } from '../../../src/pipeline/apply/line-id.ts'
import { given, middleOf, type Check } from './check.ts'

const scanAgrees: Check = {
  name: 'scan finds the same record as unwrap, and leaves out only volatile members',
  async prove(rig) {
    const { connector } = rig.subject
    const lines = await rig.lines()
    let scanned = 0
    for (const line of lines) {
      const record = connector.unwrap(JSON.parse(line.toString()))
      const scan = connector.scan(line, Date.now())
      if (scan === null) continue
      scanned += 1
      assert.deepEqual(
        JSON.parse(line.subarray(scan.start, scan.end).toString()),
        record,
        'scan and unwrap disagree on the record',
      )
      const masked = maskedRecord(line, scan)
      assert.notEqual(masked, undefined, 'the volatile spans of scan are not values of the record')
      const paths = connector.volatilePaths.map((path) => path.split('.'))
      assert.deepEqual(
        without(masked, paths),
        without(record, paths),
        'scan leaves out more than volatilePaths names',
      )
    }
    assert.ok(scanned > 0, 'scan recognises no line, so every run would parse every record')
    const [line = Buffer.alloc(0)] = lines
    for (let length = 0; length < Math.min(line.length, 2_000); length++) {
      connector.scan(line.subarray(0, length), 0)
      connector.scan(line.subarray(line.length - length), 0)
    }
    for (const garbage of ['', '{', '}', '{}', '[]', '"', '\\"}}', '\0', '<html>'])
      connector.scan(Buffer.from(garbage), 0)
  },
}

const idsByBytes: Check = {
  name: 'the id of a record is found in the bytes of its line at idPaths',
  async prove(rig) {
    const { connector } = rig.subject
    for (const line of await rig.lines()) {
      const id = connector.identify(connector.unwrap(JSON.parse(line.toString())))
      assert.equal(findLineId(connector, line), id, 'idPaths lead to a different id')
      const end = line.lastIndexOf('"')
      assert.equal(
        findLineId(connector, line.subarray(0, end)),
        id,
        'a line without its end has a different id',
      )
    }
  },
}

/** Returns the record with null instead of each span, or undefined when that is not JSON. */
function maskedRecord(line: Buffer, { start, end, volatile }: Scan): unknown {
  let text = ''
  let from = start
  for (let i = 0; i < volatile.length; i += 2) {
    const [spanFrom = -1, spanTo = -1] = volatile.slice(i, i + 2)
    if (spanFrom < from || spanTo < spanFrom || spanTo > end) return undefined
    text += `${line.subarray(from, spanFrom).toString()}null`
    from = spanTo
  }
  try {
    return JSON.parse(text + line.subarray(from, end).toString())
  } catch {
    return undefined
  }
}

function without(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.length === 0 || typeof value !== 'object' || value === null) return value
  const below = (name: string): string[][] =>
    paths.filter(([head]) => head === name).map(([, ...rest]) => rest)
  if (Array.isArray(value)) return value.map((element) => without(element, below('*')))
  const kept = Object.entries(value).filter(
    ([name]) => !below(name).some((rest) => rest.length === 0),
  )
  return Object.fromEntries(kept.map(([name, member]) => [name, without(member, below(name))]))
}

const normaliseIsPure: Check = {
  name: 'normalise is pure: it returns the same draft for the same record and does not change the record',
  async prove(rig) {
    const { connector } = rig.subject
    const settings = deepFreeze(rig.settings())
    for (const line of await rig.lines()) {
      const record = deepFreeze(connector.unwrap(JSON.parse(line.toString())))
      const draft = connector.normalise(record, settings)
      assert.deepEqual(
        connector.normalise(record, settings),
        draft,
        'the same record became another draft the second time',
      )
      assert.deepEqual(JSON.parse(JSON.stringify(draft)), draft, 'the draft does not survive JSON')
      assert.equal(
        connector.identify(record),
        draft.externalId,
        'identify and normalise disagree on the id',
      )
      if (connector.parseKey)
        assert.deepEqual(
          connector.parseKey(draft.externalId, settings),
          { key: draft.externalId, problem: null },
          'parseKey does not read the id of a record',
        )
      assertFitsTables(draft)
      assert.deepEqual(DraftSchema.parse(draft), draft)
    }
  },
}

/** Checks the constraints of the catalogue's keys and columns. */
function assertFitsTables({ externalId, variants, prices, images }: Draft): void {
  const isUnique = (keys: readonly unknown[]): boolean => new Set(keys).size === keys.length
  assert.ok(
    isUnique(variants.map((variant) => variant.externalId)),
    `two variants of ${externalId} have the same id`,
  )
  assert.ok(
    isUnique(prices.map(({ variantId, type }) => `${variantId} ${type}`)),
    `two prices of ${externalId} have the same variant and type`,
  )
  assert.ok(
    isUnique(images.map(({ position }) => position)),
    `two images of ${externalId} have the same position`,
  )
  for (const { variantId, amountMinor, currency } of prices) {
    assert.ok(
      variants.some((variant) => variant.externalId === variantId),
      `a price of ${externalId} is of a variant that it does not have`,
    )
    assert.ok(
      amountMinor === null || (Number.isSafeInteger(amountMinor) && amountMinor >= 0),
      `a price of ${externalId} is ${amountMinor}`,
    )
    assert.match(currency, /^[A-Z]{3}$/)
  }
}

const identifiesAnything: Check = {
  name: 'identify reads the id of a record that is otherwise invalid, and never throws',
  async prove(rig) {
    const {
      supplier,
      subject: { connector, isAlwaysNamed = false },
    } = rig
    const wrong = middleOf(supplier.ids())
    const nameless = isAlwaysNamed ? null : given(supplier.ids()[1], 'second product')
    supplier.spoil(wrong, 'shape')
    if (nameless !== null) supplier.spoil(nameless, 'id')
    const settings = rig.settings()
    const records = (await rig.lines()).map((line) => connector.unwrap(JSON.parse(line.toString())))
    const refused = records.filter(
      (record) => refusalOf(() => connector.normalise(record, settings)) !== null,
    )
    const invalid = isAlwaysNamed ? [wrong] : [wrong, null]
    assert.equal(
      refused.length,
      invalid.length,
      'normalise did not reject exactly the invalid records',
    )
    for (const record of refused) {
      assert.equal(
        refusalOf(() => connector.identify(record)),
        null,
        'identify throws for a record that is otherwise invalid',
      )
    }
    assert.deepEqual(
      new Set(refused.map((record) => connector.identify(record))),
      new Set<string | null>(invalid),
      'the ids of wrong records are not read',
    )
    for (const junk of [
      null,
      undefined,
      true,
      7,
      'text',
      [],
      [[]],
      {},
      { id: null },
      { id: {} },
      { id: [] },
      Object.create(null),
    ]) {
      assert.equal(
        connector.identify(junk),
        null,
        `identify finds an id in ${JSON.stringify(junk)}`,
      )
      const refusal = refusalOf(() => connector.normalise(junk, settings))
      const skips = refusal instanceof SyncError && refusal.action === 'quarantine'
      assert.ok(
        skips,
        `normalise(${JSON.stringify(junk)}) does not throw record/…, but ${String(refusal)}`,
      )
    }
  },
}

function refusalOf(work: () => unknown): unknown {
  try {
    work()
    return null
  } catch (error) {
    return error
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const member of Object.values(Object.freeze(value))) deepFreeze(member)
  return value
}

export const recordChecks: readonly Check[] = [
  scanAgrees,
  idsByBytes,
  normaliseIsPure,
  identifiesAnything,
]
