// Within a run the line with the highest (source time, part, line) of a product wins. The merge
// decides that, except when one line was skipped because its hash was known and another line of the
// same product was merged: this file compares those two.

import { readLines } from '../../artifacts/line-batches.ts'
import { readPart } from '../../artifacts/parts.ts'
import type { Draft } from '../../core/product.ts'
import { trustedTime } from '../../core/source-time.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import { listProductIds } from '../../db/write/product-numbers.ts'
import { hashRecord } from '../../node/hash.ts'
import type { RunContext } from '../context.ts'
import type { Lane } from './lane.ts'
import { PendingBatch, type PendingLine } from './pending-batch.ts'
import { readRecord } from './record-reader.ts'

/** Products compared in one pass over the artifact. This limits the memory. */
const PRODUCTS_MAX = 1000

/** Memory for hashing a line; a larger record is hashed in pieces. */
const SCRATCH_BYTES = 1 << 20

/** The reader of lines that are too long. They were quarantined, so they are not compared. */
const IGNORED = { push: () => undefined }

/**
 * The place of a winning line. Its bytes are read again, because a thousand lines may be too large
 * to keep.
 */
interface Winner {
  readonly partNo: number
  readonly lineNo: number
  readonly timeMs: number
}

/** A whole artifact, and the numbers of products whose lines in it have to be compared. */
export interface DisputedLines {
  readonly parts: readonly StoredPart[]
  readonly disputed: readonly number[]
}

/**
 * Compares the lines of every disputed product, and merges the winner again. Calling it twice is
 * safe.
 */
export async function compareDuplicates(
  context: RunContext,
  lane: Lane,
  { parts, disputed }: DisputedLines,
): Promise<void> {
  const { db, source } = context
  for (let from = 0; from < disputed.length; from += PRODUCTS_MAX) {
    const seqs = disputed.slice(from, from + PRODUCTS_MAX)
    const ids = new Set(await listProductIds(db, source.id, seqs))
    const winners = await findWinners(context, ids, parts)
    for (const part of parts) {
      const lineNos = new Set(
        winners.filter(({ partNo }) => partNo === part.no).map(({ lineNo }) => lineNo),
      )
      if (lineNos.size > 0) await applyWinners(context, lane, part, lineNos)
    }
  }
}

async function applyWinners(
  context: RunContext,
  lane: Lane,
  part: StoredPart,
  lineNos: ReadonlySet<number>,
): Promise<void> {
  const { batchRecordsMax, batchBytesMax } = context.options
  const batch = new PendingBatch(batchRecordsMax, batchBytesMax)
  for await (const { line, ...place } of scanLines(context, part, (no) => lineNos.has(no))) {
    if (!batch.fits(line.length)) {
      await lane.applyAgain(part.no, batch.lines)
      batch.clear()
    }
    batch.add(line, place)
  }
  if (batch.lines.length > 0) await lane.applyAgain(part.no, batch.lines)
}

async function findWinners(
  context: RunContext,
  ids: ReadonlySet<string>,
  parts: readonly StoredPart[],
): Promise<Winner[]> {
  const winners = new Map<string, Winner>()
  for (const part of parts) {
    const arrivedMs = part.createdAt.getTime()
    for await (const line of scanLines(context, part, () => true)) {
      const draft = readDraft(context, line)
      if (!draft || !ids.has(draft.externalId)) continue
      const best = winners.get(draft.externalId)
      const timeMs = trustedTime(draft.sourceUpdatedAtMs, arrivedMs) ?? -Infinity
      // Parts and lines ascend, so at an equal time the later line wins.
      if (!best || timeMs >= best.timeMs)
        winners.set(draft.externalId, { partNo: part.no, lineNo: line.lineNo, timeMs })
    }
  }
  return [...winners.values()]
}

/** Yields the wanted lines of a part. The bytes of each are valid until the next one. */
async function* scanLines(
  { connector, store, options, signal }: RunContext,
  part: StoredPart,
  isWanted: (lineNo: number) => boolean,
): AsyncGenerator<PendingLine> {
  const scratch = Buffer.alloc(SCRATCH_BYTES)
  const arrivedMs = part.createdAt.getTime()
  const batches = readLines(readPart(store, part), options.recordBytesMax, () => IGNORED)
  for await (const lines of batches) {
    signal.throwIfAborted()
    if (lines.kind === 'long') continue
    const { bytes, bounds, firstLine, offset } = lines
    for (let i = 0; i < bounds.length; i += 2) {
      const from = bounds[i] ?? 0
      const lineNo = firstLine + i / 2
      if (!isWanted(lineNo)) continue
      const line = bytes.subarray(from, bounds[i + 1])
      const scan = connector.scan(line, arrivedMs)
      const hash = scan && hashRecord(line, scan, scratch)
      yield { lineNo, byteOffset: offset + from, line, scan, hash }
    }
  }
}

function readDraft(context: RunContext, line: PendingLine): Draft | null {
  try {
    return readRecord(context, line).draft
  } catch {
    return null
  }
}
