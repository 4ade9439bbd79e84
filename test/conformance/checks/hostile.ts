// Whatever a supplier puts into a member of a record: a draft that the tables hold, or a refusal.
// And lists of any length.

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
import { EXTREMES, LARGE, listLike, pathsOf, valueAt, withValue, type Path } from '../hostile.ts'
import type { Rig } from '../rig.ts'
import type { Check } from './check.ts'

const holdsAnything: Check = {
  name: 'any value in any member comes to a draft that the tables hold, or to a refusal',
  async prove(rig) {
    const records = await recordsOf(rig)
    const settings = rig.settings()
    for (const [index, path] of pathsOf(records).entries()) {
      const record = records.find((one) => valueAt(one, path) !== undefined)
      for (const [what, value] of [...EXTREMES, ...LARGE.slice(index % LARGE.length).slice(0, 1)]) {
        const line = Buffer.from(withValue(record, path, value) ?? '{}')
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

/**
 * As the pipeline reads it, without what it knows from the bytes alone. @throws UnreadableRecord
 */
function read({ subject: { connector } }: Rig, settings: unknown, line: Buffer): ReadRecord {
  const scan = { start: 0, end: line.length, volatile: [] }
  const context = { connector, settings, redact: (text: string) => text }
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

const SIZES = [10_000, 100_000]
/**
 * Of every list at once: as many as a record within the limits can have. Numbered from there on, so
 * that none is what another one looks for.
 */
const TOGETHER = 20_000
/**
 * How often the time of reading its JSON a record may take to normalise. Linear work takes 1 to 5
 * times, each with each 150 times and more.
 */
const COST_MAX = 30
const ATTEMPTS = 3

const listsInProportion: Check = {
  name: 'a list of 100,000 elements is cut with a warning, and costs in proportion to its length',
  async prove(rig) {
    const records = await recordsOf(rig)
    const settings = rig.settings()
    const lists = pathsOf(records).filter((path) =>
      records.some((record) => Array.isArray(valueAt(record, path))),
    )
    for (const path of lists) {
      const { record, element } = sampleOf(records, path)
      // A list inside a list stands for as many lists: a tenth of it is as much.
      for (const size of path.includes(0) ? SIZES.slice(0, 1) : SIZES)
        proveOne(
          rig,
          settings,
          withValue(record, path, listLike(element, size)) ?? '',
          path.join('.'),
          size,
        )
    }
    const outer = lists.filter((path) => !path.includes(0))
    const all = outer.reduce((text, path) => {
      const { element } = sampleOf(records, path)
      return withValue(JSON.parse(text), path, listLike(element, TOGETHER, TOGETHER)) ?? text
    }, JSON.stringify(records[0]))
    proveOne(rig, settings, all, 'every list', TOGETHER)
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

function proveOne(
  { subject: { connector } }: Rig,
  settings: unknown,
  text: string,
  where: string,
  size: number,
): void {
  let [readMs, workMs] = [Infinity, Infinity]
  for (
    let attempt = 0;
    attempt < ATTEMPTS && (attempt === 0 || workMs > readMs * COST_MAX);
    attempt++
  ) {
    const startedMs = performance.now()
    const record: unknown = JSON.parse(text)
    const parsedMs = performance.now()
    try {
      assertBounded(boundedDraft(connector.normalise(record, settings)), where)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
    }
    readMs = Math.min(readMs, parsedMs - startedMs)
    workMs = Math.min(workMs, performance.now() - parsedMs)
  }
  assert.ok(
    workMs <= readMs * COST_MAX,
    `${size} elements of ${where} take ${Math.round(workMs / readMs)} times as long to normalise as to read`,
  )
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
