// A receiver of webhooks on loopback. It verifies signatures as https://www.standardwebhooks.com
// describes, without any code of src/, and remembers every request.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { sendFaultResponse } from '../support/body.ts'
import { handleControl, isControl, type Verbs } from '../support/control.ts'
import { CommonFault, createFaultBook, type FaultBook } from '../support/faults.ts'
import { listen, readPath, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'

export type ReceiverFaultInput = z.input<typeof CommonFault>

export interface ReceiverOptions {
  /** 0: a free port. */
  readonly port?: number
  /** `whsec_` and base64. Null: signatures are not verified. */
  readonly secret?: string | null
}

export interface ReceivedMessage {
  readonly id: string | null
  readonly path: string
  readonly body: unknown
  /** Status of the response; null if the connection was cut. */
  readonly status: number | null
}

export interface Receiver {
  readonly url: string
  readonly received: readonly ReceivedMessage[]
  readonly faults: FaultBook<CommonFault, ReceiverFaultInput>
  readonly stats: Stats
  close(): Promise<void>
}

/** A message that is older or newer is refused, because it may be a recorded one. */
const TOLERANCE_SECONDS = 300

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { port = 0, secret = null } = options
  const faults = createFaultBook(CommonFault)
  const stats = createStats()
  const received: ReceivedMessage[] = []
  const verbs: Verbs = {
    'GET faults': () => ({ faults: faults.list() }),
    'POST faults': (body) => faults.set(body as ReceiverFaultInput),
    'DELETE faults': () => faults.clear(),
    'GET stats': () => stats.snapshot(),
    'GET received': () => ({ received }),
  }
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      const path = readPath(request)
      const text = await readText(request)
      const body = parse(text)
      stats.recordRequest(path, { method: request.method ?? '', url: path, caller: null, body })
      const note = (status: number | null): void =>
        void received.push({ id: readHeader(request, 'webhook-id'), path, body, status })
      const taken = faults.take(path)
      if (taken.faults.some(({ kind }) => kind === 'reset')) {
        note(null)
        response.destroy()
        return
      }
      try {
        if (!(await sendFaultResponse(response, taken))) {
          const isTrusted = secret === null || verifySignature(request, text, secret)
          sendJson(response, isTrusted ? 200 : 401, { ok: isTrusted })
        }
      } finally {
        note(response.writableEnded ? response.statusCode : null)
      }
      stats.recordResponse(response.statusCode, 0)
    },
    { port },
  )
  return { url, received, faults, stats, close }
}

/** Returns true if one of the signatures is that of `text` by `secret`, and the time is near. */
export function verifySignature(
  request: Pick<IncomingMessage, 'headers'>,
  text: string,
  secret: string,
): boolean {
  const id = readHeader(request, 'webhook-id') ?? ''
  const timestamp = readHeader(request, 'webhook-timestamp') ?? ''
  const signatures = (readHeader(request, 'webhook-signature') ?? '').split(' ')
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest()
  return signatures.some((signature) => {
    const [version, base64 = ''] = signature.split(',', 2)
    const given = Buffer.from(base64, 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

function readHeader(request: Pick<IncomingMessage, 'headers'>, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
