// Supabase Storage on loopback, on top of a real tus server and a folder: kill it, start it on the
// same folder, and uploads go on. As on the platform, refusals outside of uploads come with HTTP
// 400 and their real status in the body.

import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Server } from '@tus/server'
import { z } from 'zod'
import { errorResponse } from '../support/body.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { isLoopback, listen, pathOf, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { StorageFault, type StorageFaultInput } from './faults.ts'
import { listFolder, objectEntry } from './listing.ts'
import { isBucketName, isMediaType, parseSize } from './names.ts'
import { type BucketRow, openObjects, type Objects } from './objects.ts'
import { createResumable, RESUMABLE, UNFINISHED } from './resumable.ts'

export interface StorageOptions {
  /** Everything that the service keeps. */
  readonly folder: string
  /** 0 takes a free one. */
  readonly port?: number
  readonly secretKey?: string
  /** What no file of the project may pass. The free plan has 50 MiB. */
  readonly fileBytesMax?: number
  /** What the fault `die` does. */
  readonly onDeath?: () => void
}

export interface StorageSimulator {
  readonly url: string
  readonly port: number
  readonly objects: Objects
  readonly faults: FaultBook<StorageFault, StorageFaultInput>
  /** A PATCH is noted with its offset and its length. */
  readonly stats: Stats
  close(): Promise<void>
}

export const SECRET_KEY = 'sb_secret_simulated'
const ROOT = '/storage/v1'

const NewBucket = z.object({
  id: z.string().optional(),
  name: z.string(),
  public: z.boolean().default(false),
  file_size_limit: z.union([z.int(), z.string()]).nullable().default(null),
  allowed_mime_types: z.array(z.string()).nullable().default(null),
})
const ListWish = z.object({
  prefix: z.string(),
  limit: z.int().positive().default(100),
  offset: z.int().nonnegative().default(0),
})
const RemoveWish = z.object({ prefixes: z.array(z.string()).min(1).max(1000) })

/** A refusal as the service says it: always with status 400, or 500. */
class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly error: string

  constructor(status: number, code: string, message: string, error = code) {
    super(message)
    this.status = status
    this.code = code
    this.error = error
  }
}

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
  const listening = await listen(
    async (request, response) => {
      const path = pathOf(request)
      if (path.startsWith('/_control/')) return control(request, response, { faults, stats })
      const route = `${request.method} ${path.slice(ROOT.length)}`
      const { method = '', url = '', headers } = request
      const body =
        method === 'PATCH'
          ? { offset: Number(headers['upload-offset']), bytes: Number(headers['content-length']) }
          : null
      stats.asked(method === 'PATCH' ? method : route, { method, url, caller: null, body })
      const taken = faults.take(route)
      if (await errorResponse(response, taken)) return
      const refused = method === 'OPTIONS' ? null : refusedKey(request, secretKey)
      if (refused !== null) sendJson(response, refused.status, refused.body)
      else if (path.startsWith(RESUMABLE))
        await upload(request, response, {
          tus,
          taken,
          die: onDeath ?? (() => void listening.close()),
        })
      else await answer(request, response, route, { objects, fileBytesMax })
      stats.answered(response.statusCode, 0)
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

/**
 * The gateway looks at `apikey`, the service behind it at `Authorization`. Neither asks who sends
 * OPTIONS.
 */
function refusedKey(
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

async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  { tus, taken: { faults }, die }: Uploading,
): Promise<void> {
  const headers = new Headers(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  if (faults.some(({ kind }) => kind === 'unfinished')) headers.set(UNFINISHED, '1')
  const hasBody = request.method === 'PATCH' || Number(headers.get('content-length') ?? 0) > 0
  const asked: RequestInit & { duplex: 'half' } = {
    method: request.method ?? 'GET',
    headers,
    body: null,
    duplex: 'half',
  }
  if (hasBody)
    asked.body = Readable.toWeb(Readable.from(received(request, faults, die))) as ReadableStream
  const answered = await tus.handleWeb(
    new Request(`http://${headers.get('host')}${request.url}`, asked),
  )
  const bytes = Buffer.from(await answered.arrayBuffer())
  if (faults.some(({ kind }) => kind === 'lose-answer' || kind === 'unfinished'))
    request.socket.destroy()
  else response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(bytes)
}

/** The body, as far as the faults let it through. */
async function* received(
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

interface Project {
  readonly objects: Objects
  readonly fileBytesMax: number
}

// GET, POST, DELETE /bucket · POST /object/list/:bucket · DELETE /object/:bucket · GET
// /object/authenticated/:bucket/*, /object/:bucket/*
async function answer(
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
      return sendJson(response, 200, bucketIn(objects, second))
    if (kind === 'bucket' && method === 'DELETE')
      return sendJson(response, 200, removeBucket(objects, second))
    if (route.startsWith('POST /object/list/'))
      return sendJson(
        response,
        200,
        listFolder(objects.list(bucket), ListWish.parse(await readJson())),
      )
    if (kind === 'object' && method === 'DELETE' && bucket === '') {
      const { prefixes } = RemoveWish.parse(await readJson())
      return sendJson(
        response,
        200,
        objects.remove(second, prefixes).map((row) => objectEntry(row.name, row)),
      )
    }
    if (route.startsWith('GET /object/')) {
      const [from, ...name] =
        second === 'authenticated' ? [bucket, ...rest] : [second, bucket, ...rest]
      return await download(response, objects, bucketIn(objects, from).id, name.join('/'))
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

function addBucket(
  { objects, fileBytesMax }: Project,
  { id, name, ...wish }: z.infer<typeof NewBucket>,
): { name: string } {
  if (!isBucketName(name))
    throw new Refusal(400, 'InvalidBucketName', 'Bucket name invalid', 'Invalid Input')
  const bytesMax = wish.file_size_limit === null ? null : parseSize(wish.file_size_limit)
  if (bytesMax === null && wish.file_size_limit !== null) {
    throw new Refusal(
      400,
      'InvalidRequest',
      'Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B',
    )
  }
  if (bytesMax !== null && bytesMax > fileBytesMax) {
    throw new Refusal(
      413,
      'EntityTooLarge',
      'The object exceeded the maximum allowed size',
      'Payload too large',
    )
  }
  const strange = wish.allowed_mime_types?.find((type) => !isMediaType(type))
  if (strange !== undefined)
    throw new Refusal(
      415,
      'InvalidMimeType',
      `mime type ${strange} is not supported`,
      'invalid_mime_type',
    )
  if (objects.findBucket(id ?? name) !== null)
    throw new Refusal(409, 'BucketAlreadyExists', 'The resource already exists', 'Duplicate')
  const now = new Date().toISOString()
  objects.saveBucket({
    id: id ?? name,
    name,
    ...wish,
    file_size_limit: bytesMax,
    created_at: now,
    updated_at: now,
  })
  return { name }
}

function removeBucket(objects: Objects, id: string): { message: string } {
  bucketIn(objects, id)
  if (objects.list(id).length > 0)
    throw new Refusal(409, 'ResourceNotEmpty', 'The bucket you tried to delete is not empty')
  objects.removeBucket(id)
  return { message: 'Successfully deleted' }
}

function bucketIn(objects: Objects, id: string): BucketRow {
  const bucket = objects.findBucket(id)
  if (bucket === null)
    throw new Refusal(404, 'NoSuchBucket', 'Bucket not found', 'Bucket not found')
  return bucket
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
  // A client that leaves in the middle is no fault of ours.
  await pipeline(createReadStream('', { fd: file }), response).catch(() => response.destroy())
}

type Controlled = Pick<StorageSimulator, 'faults' | 'stats'>

// POST, DELETE /_control/faults · GET /_control/stats
async function control(
  request: IncomingMessage,
  response: ServerResponse,
  { faults, stats }: Controlled,
): Promise<void> {
  if (!isLoopback(request)) return sendJson(response, 403, { error: 'Only from this machine' })
  const verb = `${request.method} ${pathOf(request).slice('/_control/'.length)}`
  try {
    if (verb === 'GET stats') return sendJson(response, 200, stats.snapshot())
    if (verb === 'POST faults') faults.set(...[JSON.parse(await readText(request))].flat())
    else if (verb === 'DELETE faults') faults.clear()
    else return sendJson(response, 404, { error: `There is no ${verb}` })
    return sendJson(response, 200, faults.list())
  } catch (error) {
    return sendJson(response, 400, {
      error: error instanceof z.ZodError ? z.prettifyError(error) : String(error),
    })
  }
}
