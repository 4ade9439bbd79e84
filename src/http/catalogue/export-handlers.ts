// The exports over HTTP. A stream takes from the database only what its reader has taken from it. A
// few may run at once, because each keeps a connection, and Postgres keeps old rows for its
// snapshot.

import type { Context } from 'hono'
import { SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import { readInSnapshot } from '../../db/read/snapshot.ts'
import { loadSource } from '../../db/sources.ts'
import { escapeControls } from '../../lib/escape-controls.ts'
import type { Handler } from '../server/app.ts'
import { readQuery } from '../server/read-request.ts'
import type { ServerEnv } from '../server/responses.ts'
import { exportList, type ExportFormat, type ExportRequest } from './export/export.ts'
import type { CatalogueTools } from './handlers.ts'
import { chooseStatuses } from './product-statuses.ts'
import { PricesExportQuery, ProductsExportQuery } from './query-schemas.ts'
import { CATALOGUE_ROUTES, type CatalogueRouteName } from './routes.ts'

const EXPORTS_MAX = 2
/** A reader that takes nothing for so long is gone, although its connection may still be open. */
const STALL_MS = 60_000
const RETRY_AFTER_MS = 30_000

export type ExportRoute = Extract<CatalogueRouteName, `GET /api/v1/export/${string}`>

export function createExportHandlers(
  tools: CatalogueTools,
): Readonly<Record<ExportRoute, Handler>> {
  let open = 0
  const begin = (): (() => void) => {
    if (open >= EXPORTS_MAX)
      throw new SyncError('request/too-many-exports', `${EXPORTS_MAX} exports are running`, {
        retryAfterMs: RETRY_AFTER_MS,
      })
    open += 1
    let isOpen = true
    return () => {
      if (isOpen) open -= 1
      isOpen = false
    }
  }
  const create =
    (route: ExportRoute, read: (c: Context<ServerEnv>) => Promise<ExportRequest>): Handler =>
    async (c) => {
      const request = await read(c)
      const name = route.slice(route.lastIndexOf('/') + 1)
      c.header('Content-Type', CATALOGUE_ROUTES[route].result)
      c.header('Content-Disposition', `attachment; filename="${name}"`)
      c.header('Cache-Control', 'private, no-cache')
      if (c.req.raw.method === 'HEAD') return c.body(null)
      const format = name.endsWith('.csv') ? 'csv' : 'ndjson'
      return c.body(stream(c, tools, { request, format, end: begin() }))
    }
  const products = async (c: Context<ServerEnv>): Promise<ExportRequest> => {
    const { source, status } = readQuery(c, ProductsExportQuery)
    const filter = { sourceId: await findSource(tools, source), statuses: chooseStatuses(status) }
    return { list: 'products', filter }
  }
  const prices = async (c: Context<ServerEnv>): Promise<ExportRequest> => {
    const { source, type = null, history } = readQuery(c, PricesExportQuery)
    const sourceId = await findSource(tools, source)
    return { list: 'prices', filter: { sourceId, product: null, variant: null, type, history } }
  }
  return {
    'GET /api/v1/export/products.csv': create('GET /api/v1/export/products.csv', products),
    'GET /api/v1/export/products.ndjson': create('GET /api/v1/export/products.ndjson', products),
    'GET /api/v1/export/prices.csv': create('GET /api/v1/export/prices.csv', prices),
    'GET /api/v1/export/prices.ndjson': create('GET /api/v1/export/prices.ndjson', prices),
  }
}

/** @throws SyncError `source/unknown` */
async function findSource(
  { db }: CatalogueTools,
  name: string | undefined,
): Promise<number | null> {
  return name === undefined ? null : (await loadSource(db, name)).id
}

interface Export {
  readonly request: ExportRequest
  readonly format: ExportFormat
  /** Lets another export begin. */
  readonly end: () => void
}

/** An error cuts the response short, so that no reader takes half a catalogue for a whole one. */
function stream(
  c: Context<ServerEnv>,
  { db, redactKeys }: CatalogueTools,
  { request, format, end }: Export,
): ReadableStream<Uint8Array> {
  const { log } = c.var
  const chunks = readInSnapshot(db, (session) =>
    exportList(session, request, format, { exact: false }),
  )
  const encoder = new TextEncoder()
  let stall: NodeJS.Timeout | undefined
  const finish = async (): Promise<void> => {
    clearTimeout(stall)
    await chunks.return(undefined).catch(() => undefined)
    end()
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stall)
        try {
          const { done, value } = await chunks.next()
          if (done === true) {
            await finish()
            return controller.close()
          }
          controller.enqueue(encoder.encode(escapeText(redactKeys(value.text), format)))
          stall = setTimeout(() => {
            log.warn({ list: request.list }, 'an export was not read for a minute and ends')
            controller.error(new Error('the reader takes nothing'))
            void finish()
          }, STALL_MS)
        } catch (error) {
          log.error({ err: toSyncError(error), list: request.list }, 'an export was cut short')
          await finish()
          controller.error(error)
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  )
}

/**
 * A line of JSON must not show control characters to a terminal; a file of CSV has line ends in
 * texts.
 */
function escapeText(text: string, format: ExportFormat): string {
  return format === 'csv' ? text : text.split('\n').map(escapeControls).join('\n')
}
