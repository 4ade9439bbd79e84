// Reads the lines of the newest complete fetch of a source, for a connector that makes conditional
// requests.

import { readLines, type LineReader } from '../artifacts/line-batches.ts'
import { readPart } from '../artifacts/parts.ts'
import { SyncError } from '../core/errors.ts'
import { findNewestWholeArtifact, listParts } from '../db/write/artifacts.ts'
import type { RunContext } from './context.ts'

const NO_READER: LineReader = { push: () => undefined }

/** Yields lines without their line feeds; longer ones than a record may have are left out. */
export async function* readEarlierLines({
  db,
  store,
  source,
  options,
  log,
}: Pick<RunContext, 'db' | 'store' | 'source' | 'options' | 'log'>): AsyncGenerator<Uint8Array> {
  const run = await findNewestWholeArtifact(db, source.id)
  if (run === null) return
  try {
    for (const part of await listParts(db, source.id, run)) {
      const chunks = readPart(store, part)
      for await (const batch of readLines(chunks, options.recordBytesMax, () => NO_READER)) {
        if (batch.kind !== 'lines') continue
        for (let at = 0; at < batch.bounds.length; at += 2)
          yield batch.bytes.subarray(batch.bounds[at], batch.bounds[at + 1])
      }
    }
  } catch (error) {
    if (!(error instanceof SyncError) || !error.code.startsWith('artifact/')) throw error
    log.warn({ run, cause: error.message }, 'the earlier fetch could not be read to its end')
  }
}
