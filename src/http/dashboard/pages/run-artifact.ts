// Downloads of archived lines: of one part, or of the whole artifact that a run applies. They are
// attachments that no browser shows, because a supplier has written them.

import { z } from 'zod'
import { readPart, readParts, type Part } from '../../../artifacts/parts.ts'
import type { ArtifactStore } from '../../../artifacts/store.ts'
import { SyncError } from '../../../core/errors.ts'
import type { Db } from '../../../db/pool.ts'
import { loadArtifact } from '../../../db/read/artifacts.ts'
import { loadRunSummary } from '../../../db/read/run-summaries.ts'
import { loadSource } from '../../../db/sources.ts'
import { listParts } from '../../../db/write/artifacts.ts'
import { html } from '../html.ts'
import { definePage, type RenderedPage } from '../page.ts'
import { code, notice, pageHeading } from '../parts/blocks.ts'

const Id = z.coerce.number().int().positive()

export const runArtifactPage = definePage({
  path: '/runs/:id/artifact',
  example: '/runs/1/artifact',
  params: z.object({ id: Id }),
  async render({ services: { db, store }, params: { id } }) {
    const archived = await loadParts(db, id)
    const { source, run, parts } = archived
    const problem = await findProblem(store, archived)
    if (problem !== null) return missingPage(id, problem)
    return download(readParts(store, parts), `${source}-run-${run}.ndjson`)
  },
})

export const runPartPage = definePage({
  path: '/runs/:id/parts/:no',
  example: '/runs/1/parts/1',
  params: z.object({ id: Id, no: Id }),
  async render({ services: { db, store }, params: { id, no } }) {
    const { source, run, parts } = await loadParts(db, id)
    const part = parts.find((one) => one.no === no)
    const problem = await findProblem(store, { source, run, parts: part ? [part] : [] }, no)
    if (part === undefined || problem !== null)
      return missingPage(id, problem ?? describeRemoved(source, run, no))
    return download(readPart(store, part), `${source}-run-${run}-part-${no}.ndjson`)
  },
})

interface Archived {
  readonly source: string
  /** The run that fetched it. */
  readonly run: number
  /** None once they have been removed. */
  readonly parts: readonly Part[]
}

/** @throws SyncError `run/unknown` */
async function loadParts(db: Db, id: number): Promise<Archived> {
  const { source, artifactRun: run } = await loadRunSummary(db, id)
  const { state } = await loadArtifact(db, run)
  const { id: sourceId } = await loadSource(db, source)
  return { source, run, parts: state === 'purged' ? [] : await listParts(db, sourceId, run) }
}

/** Why the lines cannot be downloaded here, and what to do. */
interface Problem {
  readonly what: string
  readonly advice: string
  readonly command: string
}

/**
 * Reads the first bytes before the response begins, so that the person sees a page instead of a
 * download that breaks off. Returns null if they can be read.
 *
 * @throws SyncError `artifact/…` for stored bytes that are damaged, or a store that does not respond
 */
async function findProblem(
  store: ArtifactStore,
  { source, run, parts: [first] }: Archived,
  no?: number,
): Promise<Problem | null> {
  if (first === undefined) return describeRemoved(source, run, no)
  try {
    for await (const _ of readPart(store, first)) return null
    return null
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'artifact/missing') throw error
    return describeElsewhere(run, no)
  }
}

function describeRemoved(source: string, run: number, no: number | undefined): Problem {
  const part = no === undefined ? 'any line' : `part ${no}`
  return {
    what: `Run ${run} does not have ${part} in its archive.`,
    advice:
      'It has archived nothing, or the retention or the end of the licence has removed it. A full run archives everything again:',
    command: `shelfsync sync ${source} --full`,
  }
}

function describeElsewhere(run: number, no: number | undefined): Problem {
  return {
    what: `The archive of run ${run} is not in the store of this process.`,
    advice:
      'The server of the dashboard reads the store that its ARTIFACTS names, and another machine may have written to a separate folder. Give both the same store, or read the lines on that machine:',
    command: `shelfsync artifacts cat ${run}${no === undefined ? '' : ` --part ${no}`}`,
  }
}

function missingPage(id: number, { what, advice, command }: Problem): RenderedPage {
  const title = 'These lines cannot be downloaded here'
  return {
    title,
    status: 404,
    main: html`${pageHeading({
        title,
        trail: [
          { href: '/runs', label: 'Runs' },
          { href: `/runs/${id}`, label: `Run ${id}` },
        ],
      })}
      ${notice(
        'warn',
        html`<p><strong>${what}</strong></p>
          <p>${advice}</p>`,
      )}
      ${code(command, 'The command')}
      <p><a href="/runs/${id}">Back to run ${id}</a></p>`,
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
