// ImageKit on loopback: uploads of files and of addresses, search by name, deletion, and delivery
// below `/ik`. As there, a name that exists is an error with `useUniqueFileName` and `overwriteFile`
// off, and the headers of an address must arrive within eight seconds.
// https://imagekit.io/docs/api-reference/upload-file/upload-file

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendFaultResponse } from '../support/body.ts'
import { CommonFault, createFaultBook, type FaultBook } from '../support/faults.ts'
import { listen, readBytes, readPath, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'

export interface StoredFile {
  readonly fileId: string
  readonly name: string
  /** With the folder. */
  readonly filePath: string
  readonly bytes: Buffer
}

export interface ImageKitSimulator {
  readonly url: string
  /** By their paths. */
  readonly files: ReadonlyMap<string, StoredFile>
  readonly faults: FaultBook<CommonFault, unknown>
  readonly stats: Stats
  close(): Promise<void>
}

export interface ImageKitSetup {
  readonly port?: number
  /** Called when a file has been stored, before the response. */
  readonly onStored?: () => void
}

export const PRIVATE_KEY = 'private_simulated'
const FETCH_MS = 8_000
const UPLOAD = '/api/v1/files/upload'

interface Service {
  readonly files: Map<string, StoredFile>
  readonly url: () => string
  readonly onStored: () => void
}

export async function startImageKit({
  port = 0,
  onStored = () => {},
}: ImageKitSetup = {}): Promise<ImageKitSimulator> {
  const files = new Map<string, StoredFile>()
  const faults = createFaultBook<CommonFault, unknown>(CommonFault)
  const stats = createStats()
  const { url, close } = await listen(
    async (request, response) => {
      const { method = '', url: target = '' } = request
      const route = `${method} ${readPath(request)}`
      stats.recordRequest(route, { method, url: target, caller: null, body: null })
      if (await sendFaultResponse(response, faults.take(route))) return
      await respond(request, response, { files, onStored, url: () => url })
      stats.recordResponse(response.statusCode, 0)
    },
    { port },
  )
  return { url, files, faults, stats, close }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  service: Service,
): Promise<void> {
  const path = readPath(request)
  if (path.startsWith('/ik/')) return deliver(path.slice(3), response, service)
  const [, login = ''] = (request.headers.authorization ?? '').split(' ')
  if (!Buffer.from(login, 'base64').toString().startsWith(`${PRIVATE_KEY}:`))
    return sendJson(response, 401, { message: 'Your request contains an invalid private API key.' })
  if (request.method === 'POST' && path === UPLOAD) return upload(request, response, service)
  if (request.method === 'GET' && path === '/v1/files') return search(request, response, service)
  if (request.method === 'DELETE' && path.startsWith('/v1/files/'))
    return remove(path.slice('/v1/files/'.length), response, service)
  sendJson(response, 404, { message: 'The requested resource does not exist.' })
}

async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  service: Service,
): Promise<void> {
  const form = await readForm(request)
  const file = form.get('file')
  const name = readField(form, 'fileName').replaceAll(/[^a-zA-Z0-9.-]/g, '_')
  const folder = readField(form, 'folder').replace(/\/+$/, '')
  const isUnique = form.get('useUniqueFileName') !== 'false'
  const filePath = `${folder}/${isUnique ? `${randomUUID().slice(0, 8)}_` : ''}${name}`
  if (!isUnique && form.get('overwriteFile') === 'false' && service.files.has(filePath))
    return sendJson(response, 400, {
      message: `A file with the same name already exists at the exact location.`,
      help: 'For support kindly contact us at support@imagekit.io .',
    })
  const bytes = typeof file === 'string' ? await fetchAddress(file) : await readFile(file)
  if (bytes === null)
    return sendJson(response, 400, {
      message: 'The URL in the file parameter could not be fetched.',
    })
  // An overwritten file gets a new version, and keeps its id.
  const fileId = service.files.get(filePath)?.fileId ?? randomUUID()
  const stored = { fileId, name, filePath, bytes }
  service.files.set(filePath, stored)
  service.onStored()
  sendJson(response, 200, describe(stored, service))
}

function readField(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}

async function readForm(request: IncomingMessage): Promise<FormData> {
  const type = request.headers['content-type'] ?? ''
  const bytes = await readBytes(request)
  return new Response(bytes, { headers: { 'content-type': type } }).formData()
}

async function readFile(file: File | null): Promise<Buffer | null> {
  return file === null ? null : Buffer.from(await file.arrayBuffer())
}

async function fetchAddress(url: string): Promise<Buffer | null> {
  try {
    const response = await fetch(url, {
      headers: { 'user-agent': 'ImageKit.io' },
      signal: AbortSignal.timeout(FETCH_MS),
    })
    return response.ok ? Buffer.from(await response.arrayBuffer()) : null
  } catch {
    return null
  }
}

function search({ url = '' }: IncomingMessage, response: ServerResponse, service: Service): void {
  const query = new URL(url, 'http://imagekit').searchParams.get('searchQuery') ?? ''
  const name = /^name = "([^"]+)"$/.exec(query)?.[1]
  const found = [...service.files.values()].filter((file) => file.name === name)
  sendJson(
    response,
    200,
    found.map((file) => describe(file, service)),
  )
}

function remove(fileId: string, response: ServerResponse, { files }: Service): void {
  const found = [...files.values()].find((file) => file.fileId === fileId)
  if (found === undefined)
    return sendJson(response, 404, { message: 'The requested file does not exist.' })
  files.delete(found.filePath)
  response.writeHead(204).end()
}

function deliver(path: string, response: ServerResponse, { files }: Service): void {
  const found = files.get(path)
  if (found === undefined) return void response.writeHead(404).end()
  response.writeHead(200, { 'content-length': found.bytes.length }).end(found.bytes)
}

function describe({ fileId, name, filePath, bytes }: StoredFile, { url }: Service): object {
  return { type: 'file', fileId, name, filePath, url: `${url()}/ik${filePath}`, size: bytes.length }
}
