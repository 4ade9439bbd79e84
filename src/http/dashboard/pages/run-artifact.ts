// Downloads of archived lines: of one part, or of the whole artifact that a run applies. They are
// attachments that no browser shows, because a supplier has written them.

import { z } from 'zod'
import { readPart, readParts, type Part } from '../../../artifacts/parts.ts'
import { SyncError } from '../../../core/errors.ts'
import type { Db } from '../../../db/pool.ts'
import { loadArtifact } from '../../../db/read/artifacts.ts'
import { loadRunSummary } from '../../../db/read/run-summaries.ts'
import { loadSource } from '../../../db/sources.ts'
import { listParts } from '../../../db/write/artifacts.ts'
import { definePage, type DashboardServices } from '../page.ts'

const Id = z.coerce.number().int().positive()

export const runArtifactPage = definePage({
  path: '/runs/:id/artifact',
  example: '/runs/1/artifact',
  params: z.object({ id: Id }),
  async render({ services, params: { id } }) {
    const { source, run, parts } = await loadParts(services.db, id)
    await requireStored(services, parts[0], run)
    return download(readParts(services.store, parts), `${source}-run-${run}.ndjson`)
  },
})

export const runPartPage = definePage({
  path: '/runs/:id/parts/:no',
  example: '/runs/1/parts/1',
  params: z.object({ id: Id, no: Id }),
  async render({ services, params: { id, no } }) {
    const { source, run, parts } = await loadParts(services.db, id)
    const part = parts.find((one) => one.no === no)
    if (part === undefined) throw new SyncError('artifact/missing', `Run ${run} has no part ${no}`)
    await requireStored(services, part, run)
    return download(readPart(services.store, part), `${source}-run-${run}-part-${no}.ndjson`)
  },
})

interface Archived {
  readonly source: string
  /** The run that fetched it. */
  readonly run: number
  readonly parts: readonly Part[]
}

/** @throws SyncError `run/unknown` · `artifact/missing` once it has been removed, or its licence has ended */
async function loadParts(db: Db, id: number): Promise<Archived> {
  const { source, artifactRun } = await loadRunSummary(db, id)
  const artifact = await loadArtifact(db, artifactRun)
  if (artifact.state === 'purged' || artifact.parts === 0)
    throw new SyncError(
      'artifact/missing',
      artifact.parts === 0
        ? `Run ${artifactRun} has archived nothing`
        : `The artifact of run ${artifactRun} has been removed`,
    )
  const { id: sourceId } = await loadSource(db, source)
  return { source, run: artifactRun, parts: await listParts(db, sourceId, artifactRun) }
}

/**
 * Reads the first bytes before the response begins: a store on another machine gives an error, and no
 * download that breaks off.
 *
 * @throws SyncError `artifact/missing`
 */
async function requireStored(
  { store }: DashboardServices,
  part: Part | undefined,
  run: number,
): Promise<void> {
  if (part === undefined) return
  try {
    for await (const _ of readPart(store, part)) return
  } catch (cause) {
    throw new SyncError(
      'artifact/missing',
      `This process cannot read part ${part.no} of run ${run}. On the machine with the archive: ` +
        `shelfsync artifacts cat ${run} --part ${part.no}`,
      { cause },
    )
  }
}

function download(lines: AsyncIterable<Uint8Array>, name: string): Response {
  const iterator = lines[Symbol.asyncIterator]()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
  return new Response(body, {
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename="${name}"`,
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cache-Control': 'private, no-store',
    },
  })
}
