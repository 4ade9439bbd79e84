// `/_control/…`: changes a simulator over HTTP, for tests in other processes. It needs no key, so
// it is open to this machine only.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { isLoopback, readPath, readText, sendJson } from './server.ts'

/** Action by route, such as `POST faults`. It receives the parsed body, `{}` without one. */
export type Verbs = Readonly<Record<string, (body: unknown) => unknown>>

const PREFIX = '/_control/'

export function isControl(request: IncomingMessage): boolean {
  return readPath(request).startsWith(PREFIX)
}

/**
 * Responds 200 with the result, 400 with the reason when the body is invalid, or 404. `GET
 * /_control/` lists the routes.
 */
export async function handleControl(
  request: IncomingMessage,
  response: ServerResponse,
  verbs: Verbs,
): Promise<void> {
  if (!isLoopback(request))
    return sendJson(response, 403, { error: 'Control is for this machine only.' })
  const text = await readText(request)
  const path = readPath(request)
  const route = `${request.method} ${path.slice(PREFIX.length)}`
  if (route === 'GET ')
    return sendJson(response, 200, { verbs: Object.keys(verbs).map(toFullRoute) })
  const act = Object.hasOwn(verbs, route) ? verbs[route] : undefined
  if (act === undefined) {
    const error = `${request.method} ${path} does not exist; GET ${PREFIX} lists the routes.`
    return sendJson(response, 404, { error })
  }
  try {
    sendJson(response, 200, act(text === '' ? {} : JSON.parse(text)) ?? { done: true })
  } catch (error) {
    sendJson(response, 400, {
      error: error instanceof z.ZodError ? z.prettifyError(error) : String(error),
    })
  }
}

function toFullRoute(route: string): string {
  return route.replace(' ', ` ${PREFIX}`)
}
