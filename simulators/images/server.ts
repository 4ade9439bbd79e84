// A host of pictures on loopback, with the faults of real ones. Every path is a picture of the
// type that its ending names. `?picture=WORD` selects the content: two addresses with the same word
// and ending have the same bytes.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { sendFaultResponse } from '../support/body.ts'
import { CommonFault, createFaultBook, When, type FaultBook } from '../support/faults.ts'
import { listen } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { makePicture } from './pictures.ts'

const ImageFault = z.union([
  CommonFault,
  /** Declares this type for any picture. */
  z.strictObject({ kind: z.literal('declare'), type: z.string(), ...When }),
  /** Sends this text in place of a picture. */
  z.strictObject({ kind: z.literal('text'), text: z.string(), ...When }),
  /** Adds zeros after a picture, up to so many bytes in all. */
  z.strictObject({ kind: z.literal('pad'), bytes: z.number().positive(), ...When }),
  /** Begins with a picture and never ends. */
  z.strictObject({ kind: z.literal('endless'), ...When }),
  /** A small compressed body of so many bytes. */
  z.strictObject({ kind: z.literal('bomb'), bytes: z.int().positive(), ...When }),
  z.strictObject({ kind: z.literal('redirect'), to: z.string(), ...When }),
  /** Refuses clients whose User-Agent does not contain this word. */
  z.strictObject({ kind: z.literal('refuse-others'), than: z.string(), ...When }),
])
type ImageFault = z.infer<typeof ImageFault>

export interface ImageHost {
  readonly url: string
  readonly faults: FaultBook<ImageFault, z.input<typeof ImageFault>>
  /** Requests by path with query; the status 304 has no bytes. */
  readonly stats: Stats
  /** The most requests that were in progress at a time. */
  readonly busiest: number
  close(): Promise<void>
}

const ENDLESS_CHUNK = Buffer.alloc(64 * 1024)

export async function startImages({ port = 0 } = {}): Promise<ImageHost> {
  const faults = createFaultBook(ImageFault)
  const stats = createStats()
  let [open, busiest] = [0, 0]
  const { url, close } = await listen(
    async (request, response) => {
      const { method = '', url: target = '/' } = request
      stats.recordRequest(target, { method, url: target, caller: null, body: null })
      open += 1
      busiest = Math.max(busiest, open)
      response.once('close', () => (open -= 1))
      const taken = faults.take(target)
      const bytes = (await sendFaultResponse(response, taken))
        ? 0
        : await respond(request, response, taken.faults)
      stats.recordResponse(response.statusCode, bytes)
    },
    { port },
  )
  return {
    url,
    faults,
    stats,
    get busiest() {
      return busiest
    },
    close,
  }
}

/** Returns the number of bytes in the body. */
async function respond(
  { url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  faults: readonly ImageFault[],
): Promise<number> {
  for (const fault of faults) {
    if (fault.kind === 'redirect') response.writeHead(302, { location: fault.to }).end()
    if (fault.kind === 'text')
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(fault.text)
    if (fault.kind === 'refuse-others' && headers['user-agent']?.includes(fault.than) !== true)
      response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>403 Forbidden</h1>')
    if (fault.kind === 'bomb')
      response
        .writeHead(200, { 'content-type': 'image/png', 'content-encoding': 'gzip' })
        .end(gzipSync(Buffer.concat([makePicture('png', 'bomb').bytes, Buffer.alloc(fault.bytes)])))
    if (fault.kind === 'reset') response.destroy()
    if (fault.kind === 'endless') return sendEndless(response)
    if (response.writableEnded || response.destroyed) return 0
  }
  const { pathname, searchParams } = new URL(url, 'http://images')
  const ending = /\.(\w+)$/.exec(pathname)?.[1] ?? 'jpg'
  const { bytes: picture, type } = makePicture(ending, searchParams.get('picture') ?? pathname)
  const pad = faults.find(({ kind }) => kind === 'pad')
  const bytes = pad && 'bytes' in pad ? padTo(picture, pad.bytes) : picture
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  if (headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end()
    return 0
  }
  const declared = faults.find(({ kind }) => kind === 'declare')
  response
    .writeHead(200, {
      'content-type': declared && 'type' in declared ? declared.type : type,
      'content-length': bytes.length,
      etag,
    })
    .end(bytes)
  return bytes.length
}

function padTo(bytes: Buffer, size: number): Buffer {
  const padded = Buffer.alloc(Math.round(size))
  padded.set(bytes)
  return padded
}

/** Waits until more can be written, or the client has left. */
async function waitForRoom(response: ServerResponse): Promise<void> {
  const done = new AbortController()
  const waits = ['drain', 'close'].map((event) => once(response, event, { signal: done.signal }))
  await Promise.race(waits)
  done.abort()
  await Promise.allSettled(waits)
}

async function sendEndless(response: ServerResponse): Promise<number> {
  const { bytes, type } = makePicture('jpg', 'endless')
  response.writeHead(200, { 'content-type': type }).write(bytes)
  let sent = bytes.length
  while (!response.destroyed) {
    sent += ENDLESS_CHUNK.length
    if (!response.write(ENDLESS_CHUNK)) await waitForRoom(response)
  }
  return sent
}
