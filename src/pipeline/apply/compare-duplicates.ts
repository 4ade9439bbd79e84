// Within a run the highest (source time, part, line) of a product wins. Normally the merge sees to
// that. One case escapes it: a line was skipped because its hash was known, and another line of the
// same product was merged. Then nobody has compared the two.

import { readLines } from '../../artifacts/lines.ts'
import { readPart } from '../../artifacts/parts.ts'
import type { Draft } from '../../core/product.ts'
import { trustedTime } from '../../core/source-time.ts'
import type { StoredPart } from '../../db/write/artifacts.ts'
import { nameProducts } from '../../db/write/batches.ts'
import type { Lane } from './lane.ts'
import type { PendingLine } from './batch.ts'
import type { Bitmap } from './bitmap.ts'
import type { RunContext } from '../context.ts'
import { readRecord } from './read-record.ts'
import { hashRecord } from '../../node/hash.ts'

/** Products that are looked for in one pass over the artifact: bounds the memory, not the work. */
const DISPUTED_MAX = 1000

/** What hashing a line may use; a larger record is hashed in pieces. */
const SCRATCH_BYTES = 1 << 20

/** A line that is too large was set aside: it is nobody's rival. */
const SKIPPED = { push: () => undefined }

/**
 * Where the line is that wins; its bytes are read again, since a thousand of them may be too many
 * to hold.
 */
interface Winner {
  readonly partNo: number
  readonly lineNo: number
  readonly timeMs: number
}

/**
 * Compares the lines of every product that was both skipped and merged, and merges the winner
 * again. Twice is safe.
 */
export async function compareDuplicates(
  context: RunContext,
  lane: Lane,
  known: Bitmap,
  staged: Bitmap,
  parts: readonly StoredPart[],
): Promise<void> {
  const disputed = [...known.common(staged)]
  for (let from = 0; from < disputed.length; from += DISPUTED_MAX) {
    const names = new Set(
      await nameProducts(context.db, context.source.id, disputed.slice(from, from + DISPUTED_MAX)),
    )
    const winners = await findWinners(context, names, parts)
    for (const part of parts) {
      const wanted = new Set(
        winners.filter(({ partNo }) => partNo === part.no).map(({ lineNo }) => lineNo),
      )
      if (wanted.size > 0) await applyWinners(context, lane, part, wanted)
    }
  }
}

async function applyWinners(
  context: RunContext,
  lane: Lane,
  part: StoredPart,
  wanted: ReadonlySet<number>,
): Promise<void> {
  let lines: PendingLine[] = []
  let bytes = 0
  for await (const pending of candidates(context, part, (lineNo) => wanted.has(lineNo))) {
    lines.push(pending)
    bytes += pending.line.length
    if (bytes < context.options.batchBytesMax) continue
    await lane.applyAgain(part.no, lines)
    lines = []
    bytes = 0
  }
  if (lines.length > 0) await lane.applyAgain(part.no, lines)
}

async function findWinners(
  context: RunContext,
  names: ReadonlySet<string>,
  parts: readonly StoredPart[],
): Promise<Winner[]> {
  const winners = new Map<string, Winner>()
  for (const part of parts) {
    for await (const pending of candidates(context, part, () => true)) {
      const draft = draftOf(context, pending)
      if (!draft || !names.has(draft.externalId)) continue
      const best = winners.get(draft.externalId)
      const timeMs = trustedTime(draft.sourceUpdatedAtMs, part.createdAt.getTime()) ?? -Infinity
      // Parts and lines ascend, so an equal time is the later line.
      if (!best || timeMs >= best.timeMs)
        winners.set(draft.externalId, { partNo: part.no, lineNo: pending.lineNo, timeMs })
    }
  }
  return [...winners.values()]
}

/** The lines of a part that are wanted, each in bytes of its own. */
async function* candidates(
  { connector, store, options, signal }: RunContext,
  part: StoredPart,
  wants: (lineNo: number) => boolean,
): AsyncGenerator<PendingLine> {
  const scratch = Buffer.alloc(SCRATCH_BYTES)
  for await (const lines of readLines(
    readPart(store, part),
    options.recordBytesMax,
    () => SKIPPED,
  )) {
    signal.throwIfAborted()
    if (lines.kind === 'long') continue
    const { bytes, bounds, firstLine, offset } = lines
    for (let i = 0; i < bounds.length; i += 2) {
      const from = bounds[i] ?? 0
      const lineNo = firstLine + i / 2
      if (!wants(lineNo)) continue
      const line = Buffer.from(bytes.subarray(from, bounds[i + 1]))
      const scan = connector.scan(line, part.createdAt.getTime())
      yield {
        lineNo,
        byteOffset: offset + from,
        line,
        scan,
        hash: scan && hashRecord(line, scan, scratch),
      }
    }
  }
}

function draftOf({ connector, settings }: RunContext, pending: PendingLine): Draft | null {
  try {
    return readRecord(connector, settings, pending).draft
  } catch {
    return null
  }
}
