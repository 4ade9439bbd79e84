// Checks of hostile records: any value in any member, and lists of any length, result in a draft
// that fits the tables or in a SyncError.

import assert from 'node:assert/strict'
import { boundedDraft, LISTS_MAX } from '../../../src/core/bounded-draft.ts'
import { SyncError } from '../../../src/core/errors.ts'
import { DraftSchema } from '../../../src/core/product-schema.ts'
import type { Draft } from '../../../src/core/product.ts'
import { StagedJson } from '../../../src/db/write/staged-json.ts'
import { StagedRows } from '../../../src/db/write/staged-rows.ts'
import { RECORD_HASH_BYTES } from '../../../src/node/hash.ts'
import type { ReadRecord } from '../../../src/db/write/batch-writer.ts'
import { readRecord, UnreadableRecord } from '../../../src/pipeline/apply/record-reader.ts'
import {
  EXTREMES,
  holeAt,
  LARGE,
  listLike,
  pathsOf,
  replacedAt,
  valueAt,
  type Path,
} from '../hostile.ts'
import { countWork } from '../count-work.ts'
import type { Rig } from '../rig.ts'
import type { Check } from './check.ts'

const holdsAnything: Check = {
  name: 'any value in any member results in a draft that fits the tables or in a SyncError',
  async prove(rig) {
    const records = await recordsOf(rig)
    const settings = rig.settings()
    for (const [index, path] of pathsOf(records).entries()) {
      const write = holeAt(
        records.find((one) => valueAt(one, path) !== undefined),
        path,
      )
      for (const [what, value] of [...EXTREMES, ...LARGE.slice(index % LARGE.length).slice(0, 1)]) {
        const line = Buffer.from(write?.(value) ?? '{}')
        const where = `${what} in ${path.join('.')}`
        try {
          assertHeld(read(rig, settings, line))
        } catch (error) {
          if (!(error instanceof UnreadableRecord))
            throw new Error(`${where}: ${String(error)}`, { cause: error })
        }
      }
    }
  },
}

/** Reads a record as the pipeline does, but without `scan`. @throws UnreadableRecord */
function read({ subject: { connector } }: Rig, settings: unknown, line: Buffer): ReadRecord {
  const scan = { start: 0, end: line.length, volatile: [] }
  const context = { connector, settings, applyOptions: null, redact: (text: string) => text }
  return readRecord(context, {
    lineNo: 1,
    byteOffset: 0,
    line,
    scan,
    hash: Buffer.alloc(RECORD_HASH_BYTES),
  })
}

const stagedRows = new StagedRows()
const stagedJson = new StagedJson()

function assertHeld(record: ReadRecord): void {
  DraftSchema.parse(record.draft)
  stagedRows.clear()
  stagedRows.add(record)
  stagedJson.render(record)
}

const LENGTH = 100_000
/** The two list lengths whose work is compared. */
const [SHORT, LONG] = [1_000, 10_000]
/**
 * Maximum ratio of the work for the long list to that for the short one. Linear work has a ratio of
 * 10, sorting 13, comparing all pairs 100.
 */
const GROWTH_MAX = 20
/**
 * The length of each list when all are long: about what fits into the largest record. The elements
 * are numbered from this value, so that no list contains an element of another.
 */
const TOGETHER = 20_000

const listsInProportion: Check = {
  name: 'a list of 100,000 elements is truncated with a warning, and the work grows linearly with its length',
  async prove(rig) {
    const records = await recordsOf(rig)
    const settings = rig.settings()
    const lists = pathsOf(records).filter((path) =>
      records.some((record) => Array.isArray(valueAt(record, path))),
    )
    for (const path of lists) {
      const { record, element } = sampleOf(records, path)
      const where = path.join('.')
      const recordWith = (length: number): unknown =>
        replacedAt(record, path, JSON.parse(listLike(element, length)))
      assertInProportion(rig, settings, where, [recordWith(SHORT), recordWith(LONG)])
      // A list inside a list occurs in each of its elements, so a tenth of its length has the same
      // total.
      assertCut(rig, settings, where, recordWith(path.includes(0) ? LENGTH / 10 : LENGTH))
    }
    const outer = lists.filter((path) => !path.includes(0))
    const allWith = (length: number): unknown =>
      outer.reduce<unknown>((record, path) => {
        const { element } = sampleOf(records, path)
        return replacedAt(record, path, JSON.parse(listLike(element, length, TOGETHER)))
      }, records[0])
    assertInProportion(rig, settings, 'every list', [allWith(SHORT), allWith(LONG)])
    assertCut(rig, settings, 'every list', allWith(TOGETHER))
  },
}

function sampleOf(records: readonly unknown[], path: Path): { record: unknown; element: unknown } {
  const filled = records.find((one) => valueAt(one, [...path, 0]) !== undefined)
  const record = filled ?? records.find((one) => Array.isArray(valueAt(one, path)))
  return {
    record,
    element:
      filled === undefined
        ? { id: 1, name: 'x', url: 'https://x.example/' }
        : valueAt(filled, [...path, 0]),
  }
}

/** Compares the work for two records, of which the second has lists ten times as long. */
function assertInProportion(
  rig: Rig,
  settings: unknown,
  where: string,
  records: readonly [shorter: unknown, longer: unknown],
): void {
  const [less = 0, more = 0] = records.map((record) =>
    countWork(record, (counted) => void draftOf(rig, settings, counted)),
  )
  assert.ok(
    more <= less * GROWTH_MAX,
    `ten times the elements of ${where} take ${Math.round(more / less)} times the work`,
  )
}

function assertCut(rig: Rig, settings: unknown, where: string, record: unknown): void {
  const draft = draftOf(rig, settings, record)
  if (draft !== null) assertBounded(draft, where)
}

/** Returns null when the connector refuses the record. */
function draftOf(
  { subject: { connector } }: Rig,
  settings: unknown,
  record: unknown,
): Draft | null {
  try {
    return boundedDraft(connector.normalise(record, settings))
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return null
  }
}

function assertBounded(draft: Draft, where: string): void {
  for (const list of ['variants', 'prices', 'images', 'terms', 'warnings'] as const) {
    assert.ok(draft[list].length <= LISTS_MAX[list], `${draft[list].length} ${list} of ${where}`)
  }
  for (const value of [...Object.values(draft.attributes), ...Object.values(draft.identifiers)]) {
    if (Array.isArray(value))
      assert.ok(value.length <= LISTS_MAX.attributes, `a list of ${value.length} from ${where}`)
  }
}

async function recordsOf(rig: Rig): Promise<unknown[]> {
  const { connector } = rig.subject
  return (await rig.lines()).map((line) => connector.unwrap(JSON.parse(line.toString())))
}

export const hostileChecks: readonly Check[] = [holdsAnything, listsInProportion]
