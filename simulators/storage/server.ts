// Supabase Storage on loopback, with a real tus server and a folder: after a kill, uploads resume
// when it is started with the same folder. As on the platform, errors other than those of uploads
// have HTTP status 400 and the real status in the body.

import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Server } from '@tus/server'
import { z } from 'zod'
import { sendFaultResponse } from '../support/body.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { handleControl, isControl, type Verbs } from '../support/control.ts'
import { listen, readPath, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { addBucket, loadBucket, NewBucket, Refusal, removeBucket, type Project } from './buckets.ts'
import { StorageFault, type StorageFaultInput } from './faults.ts'
import { listFolder, toObjectEntry } from './listing.ts'
import { openObjects, type Objects } from './objects.ts'
import { createResumable, RESUMABLE, UNFINISHED } from './resumable.ts'
import { upload } from './upload.ts'

export interface StorageOptions {
  /** The data of the service. */
  readonly folder: string
  /** 0: a free port. */
  readonly port?: number
  readonly secretKey?: string
  /** Size limit of files in the project. The free plan has 50 MiB. */
  readonly fileBytesMax?: number
  /** Effect of the fault `die`. */
  readonly onDeath?: () => void
}

export interface StorageSimulator {
  readonly url: string
  readonly port: number
  readonly objects: Objects
  readonly faults: FaultBook<StorageFault, StorageFaultInput>
  /** A PATCH is recorded with its offset and its length. */
  readonly stats: Stats
  close(): Promise<void>
}

export const SECRET_KEY = 'sb_secret_simulated'
const ROOT = '/storage/v1'

const ListBody = z.object({
  prefix: z.string(),
  limit: z.int().positive().default(100),
  offset: z.int().nonnegative().default(0),
})
const RemoveBody = z.object({ prefixes: z.array(z.string()).min(1).max(1000) })

/** @throws Error when the port is taken */
export async function startStorage(options: StorageOptions): Promise<StorageSimulator> {
  const {
    folder,
    port = 0,
    secretKey = SECRET_KEY,
    fileBytesMax = 50 * 1024 * 1024,
    onDeath,
  } = options
  const objects = openObjects(folder)
  const tus = createResumable({ objects, fileBytesMax })
  const faults = createFaultBook(StorageFault)
  const stats = createStats()
  const verbs = createVerbs({ faults, stats })
  const listening = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      const path = readPath(request)
      const route = `${request.method} ${path.slice(ROOT.length)}`
      const { method = '', url = '', headers } = request
      const body =
        method === 'PATCH'
          ? { offset: Number(headers['upload-offset']), bytes: Number(headers['content-length']) }
          : null
      stats.recordRequest(method === 'PATCH' ? method : route, { method, url, caller: null, body })
      const taken = faults.take(route)
      if (await sendFaultResponse(response, taken)) return
      const isOpen = method === 'OPTIONS' || route.startsWith('GET /object/public/')
      const refused = isOpen ? null : findKeyError(request, secretKey)
      if (refused !== null) sendJson(response, refused.status, refused.body)
      else if (path.startsWith(RESUMABLE))
        await handleUpload(request, response, {
          tus,
          taken,
          die: onDeath ?? (() => void listening.close()),
        })
      else await respond(request, response, route, { objects, fileBytesMax })
      stats.recordResponse(response.statusCode, 0)
    },
    { port },
  )
  return {
    url: listening.url,
    port: listening.port,
    objects,
    faults,
    stats,
    close: listening.close,
  }
}

/** The gateway checks `apikey`, the service behind it `Authorization`. OPTIONS needs no key. */
function findKeyError(
  { headers }: IncomingMessage,
  secretKey: string,
): { status: number; body: Record<string, string> } | null {
  if (headers['apikey'] === undefined)
    return { status: 401, body: { message: 'No API key found in request' } }
  if (headers['apikey'] !== secretKey) return { status: 401, body: { message: 'Invalid API key' } }
  if (headers.authorization === `Bearer ${secretKey}`) return null
  return {
    status: 400,
    body: {
      statusCode: '403',
      code: 'AccessDenied',
      error: 'Unauthorized',
      message: 'Invalid Compact JWS',
    },
  }
}

interface Uploading {
  readonly tus: Server
  readonly taken: Taken<StorageFault>
  readonly die: () => void
}

async function handleUpload(
  request: IncomingMessage,
  response: ServerResponse,
  { tus, taken: { faults }, die }: Uploading,
): Promise<void> {
  const headers = new Headers(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  if (faults.some(({ kind }) => kind === 'unfinished')) headers.set(UNFINISHED, '1')
  const hasBody = request.method === 'PATCH' || Number(headers.get('content-length') ?? 0) > 0
  const init: RequestInit & { duplex: 'half' } = {
    method: request.method ?? 'GET',
    headers,
    body: null,
    duplex: 'half',
  }
  if (hasBody)
    init.body = Readable.toWeb(Readable.from(receiveBody(request, faults, die))) as ReadableStream
  const result = await tus.handleWeb(
    new Request(`http://${headers.get('host')}${request.url}`, init),
  )
  const bytes = Buffer.from(await result.arrayBuffer())
  if (faults.some(({ kind }) => kind === 'lose-response' || kind === 'unfinished'))
    request.socket.destroy()
  else response.writeHead(result.status, Object.fromEntries(result.headers)).end(bytes)
}

/** Yields the body until a fault ends it. */
async function* receiveBody(
  request: IncomingMessage,
  faults: readonly StorageFault[],
  die: () => void,
): AsyncGenerator<Buffer> {
  const fault = faults.find(({ kind }) => kind === 'break' || kind === 'die')
  let left = fault !== undefined && 'afterBytes' in fault ? fault.afterBytes : Infinity
  for await (const chunk of request as AsyncIterable<Buffer>) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left > 0) continue
    if (fault?.kind === 'die') die()
    request.socket.destroy()
    return
  }
}

// GET, POST, DELETE /bucket · POST /object/list/:bucket · POST, DELETE /object/:bucket · GET
// /object/authenticated/:bucket/*, /object/public/:bucket/*, /object/:bucket/*
async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  route: string,
  project: Project,
): Promise<void> {
  const { objects } = project
  const [method, path = ''] = route.split(' ')
  const [, kind, second = '', bucket = '', ...rest] = path.split('/').map(decodeURIComponent)
  try {
    const readJson = async (): Promise<unknown> => JSON.parse(await readText(request))
    if (kind === 'bucket' && method === 'POST')
      return sendJson(response, 200, addBucket(project, NewBucket.parse(await readJson())))
    if (kind === 'bucket' && method === 'GET')
      return sendJson(response, 200, loadBucket(objects, second))
    if (kind === 'bucket' && method === 'DELETE')
      return sendJson(response, 200, removeBucket(objects, second))
    if (route.startsWith('POST /object/list/'))
      return sendJson(
        response,
        200,
        listFolder(objects.list(bucket), ListBody.parse(await readJson())),
      )
    if (kind === 'object' && method === 'DELETE' && bucket === '') {
      const { prefixes } = RemoveBody.parse(await readJson())
      return sendJson(
        response,
        200,
        objects.remove(second, prefixes).map((row) => toObjectEntry(row.name, row)),
      )
    }
    if (kind === 'object' && method === 'POST')
      return sendJson(
        response,
        200,
        await upload(request, project, { bucket: second, name: [bucket, ...rest].join('/') }),
      )
    if (kind === 'object' && second === 'public' && method === 'GET') {
      if (!loadBucket(objects, bucket).public)
        throw new Refusal(404, 'NoSuchBucket', 'Bucket not found', 'Bucket not found')
      return await download(response, objects, bucket, rest.join('/'))
    }
    if (route.startsWith('GET /object/')) {
      const [from, ...name] =
        second === 'authenticated' ? [bucket, ...rest] : [second, bucket, ...rest]
      return await download(response, objects, loadBucket(objects, from).id, name.join('/'))
    }
    sendJson(response, 404, {
      message: `Route ${method}:${path} not found`,
      error: 'Not Found',
      statusCode: 404,
    })
  } catch (error) {
    const refusal =
      error instanceof Refusal ? error : new Refusal(400, 'InvalidRequest', String(error), 'Error')
    const { status, code, error: name, message } = refusal
    sendJson(response, 400, { statusCode: String(status), code, error: name, message })
  }
}

async function download(
  response: ServerResponse,
  objects: Objects,
  bucket: string,
  name: string,
): Promise<void> {
  const row = objects.find(bucket, name)
  if (row === null) throw new Refusal(404, 'NoSuchKey', 'Object not found', 'not_found')
  const { file, size } = objects.open(row)
  response.writeHead(200, {
    'content-type': row.contentType,
    'content-length': size,
    'cache-control': row.cacheControl,
  })
  // A client that disconnects early is not an error.
  await pipeline(createReadStream('', { fd: file }), response).catch(() => response.destroy())
}

function createVerbs({ faults, stats }: Pick<StorageSimulator, 'faults' | 'stats'>): Verbs {
  return {
    'GET stats': () => stats.snapshot(),
    'POST faults': (body) => {
      faults.set(...([body].flat() as StorageFaultInput[]))
      return faults.list()
    },
    'DELETE faults': () => {
      faults.clear()
      return faults.list()
    },
  }
}
