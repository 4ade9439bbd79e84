// Within a run the highest (source time, part, line) of a product wins. Normally the merge sees to that. One case escapes it: a line
// was skipped because its hash was known, and another line of the same product was merged. Then nobody has compared the two.

import { readLines } from '../artifacts/lines.ts'
import { readPart } from '../artifacts/parts.ts'
import { trustedTime } from '../core/source-time.ts'
import type { StoredPart } from '../db/artifacts.ts'
import { nameProducts } from '../db/batches.ts'
import type { Lane } from './apply.ts'
import type { PendingLine } from './batch.ts'
import type { Bitmap } from './bitmap.ts'
import type { RunContext } from './context.ts'
import { readRecord } from './read-record.ts'
import { hashRecord } from '../node/hash.ts'

/** Products that are looked for in one pass over the artifact: bounds the memory, not the work. */
const DISPUTED_MAX = 1000

/** A line that is too large was set aside: it is nobody's rival. */
const SKIPPED = { push: () => undefined }

interface Winner {
  readonly partNo: number
  readonly timeMs: number
  readonly line: PendingLine
}

/** Compares the lines of every product that was both skipped and merged, and merges the winner again. Twice is safe. */
export async function resolveDisputes(context: RunContext, lane: Lane, known: Bitmap, staged: Bitmap, parts: readonly StoredPart[]): Promise<void> {
  const disputed = [...known.common(staged)]
  for (let from = 0; from < disputed.length; from += DISPUTED_MAX) {
    const names = new Set(await nameProducts(context.db, context.source.id, disputed.slice(from, from + DISPUTED_MAX)))
    const winners = await findWinners(context, names, parts)
    for (const { no } of parts) {
      const lines = winners.filter(({ partNo }) => partNo === no).map(({ line }) => line)
      if (lines.length > 0) await lane.applyAgain(no, lines)
    }
  }
}

async function findWinners(context: RunContext, names: ReadonlySet<string>, parts: readonly StoredPart[]): Promise<Winner[]> {
  const winners = new Map<string, Winner>()
  for (const part of parts) {
    for await (const lines of readLines(readPart(context.store, part), context.options.recordBytesMax, () => SKIPPED)) {
      context.signal.throwIfAborted()
      if (lines.kind === 'long') continue
      const { bytes, bounds, firstLine, offset } = lines
      for (let i = 0; i < bounds.length; i += 2) {
        const from = bounds[i] ?? 0
        const line = bytes.subarray(from, bounds[i + 1])
        const found = readCandidate(context, line, firstLine + i / 2, offset + from)
        if (!found || !names.has(found.externalId)) continue
        const best = winners.get(found.externalId)
        const timeMs = trustedTime(found.timeMs, part.createdAt.getTime()) ?? -Infinity
        // Parts and lines ascend, so an equal time is the later line.
        if (!best || timeMs >= best.timeMs) winners.set(found.externalId, { partNo: part.no, timeMs, line: found.line })
      }
    }
  }
  return [...winners.values()]
}

function readCandidate({ connector, settings }: RunContext, bytes: Buffer, lineNo: number, byteOffset: number) {
  const scan = connector.scan(bytes)
  const line = Buffer.from(bytes)
  const pending: PendingLine = { lineNo, byteOffset, line, scan, hash: scan && hashRecord(line, scan, Buffer.alloc(line.length)) }
  try {
    const { draft } = readRecord(connector, settings, pending)
    return { externalId: draft.externalId, timeMs: draft.sourceUpdatedAtMs, line: pending }
  } catch {
    return null
  }
}
