// An HTTP proxy between a connector and its supplier that changes responses: records by their id,
// the documents around them, and headers. It knows the supplier only through the connector.

import type { IncomingMessage } from 'node:http'
import { listen } from '../../simulators/support/server.ts'
import type { Connector } from '../../src/core/connector.ts'
import { withValue, type Path } from './hostile.ts'

/** One value as JSON text, in one place of a record. */
export interface Change {
  readonly path: Path
  readonly json: string
}

export interface Answer {
  /** Path and query of the request. */
  readonly asked: string
  readonly text: string
}

export interface FuzzProxy {
  readonly origin: string
  /** The change of each record, by its id. */
  records: ReadonlyMap<string, Change>
  /** Changes a whole response with its records; null leaves it unchanged. */
  document: (answer: Answer) => string | null
  headers: Readonly<Record<string, string>>
  status: number | null
  /** The bytes of the longest line or document that was sent. */
  longest: number
  close(): Promise<void>
}

/** `sentMember` is that of the subject: changes of other members do not reach the connector. */
export async function openFuzzProxy(
  connector: Connector,
  origin: string,
  sentMember: string | null = null,
): Promise<FuzzProxy> {
  const { url, close } = await listen(async (request, response) => {
    const answer = await forward(request, origin)
    // Addresses in a response lead through the proxy too.
    const own = answer.text.replaceAll(origin, proxy.origin)
    const text =
      proxy.document({ asked: request.url ?? '/', text: own }) ??
      changeRecords(connector, own, toSentChanges(proxy.records, sentMember))
    for (const line of text.split('\n')) proxy.longest = Math.max(proxy.longest, line.length)
    response
      .writeHead(proxy.status ?? answer.status, { 'content-type': answer.type, ...proxy.headers })
      .end(text)
  })
  const proxy: FuzzProxy = {
    origin: url,
    records: new Map(),
    document: () => null,
    headers: {},
    status: null,
    longest: 0,
    close,
  }
  return proxy
}

function toSentChanges(
  changes: ReadonlyMap<string, Change>,
  member: string | null,
): ReadonlyMap<string, Change> {
  if (member === null) return changes
  const sent = [...changes].filter(([, { path }]) => path[0] === member)
  return new Map(sent.map(([id, { path, json }]) => [id, { path: path.slice(1), json }]))
}

async function forward(
  request: IncomingMessage,
  origin: string,
): Promise<{ status: number; type: string; text: string }> {
  const { method = 'GET', headers } = request
  const body = Buffer.concat(await request.toArray())
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && !/^(host|connection|content-length|accept-encoding)$/.test(name)
      ? [[name, value] as const]
      : [],
  )
  const response = await fetch(origin + request.url, {
    method,
    // A site that writes its own address into its pages has to write the one of the proxy.
    headers: { ...Object.fromEntries(kept), 'x-forwarded-host': headers.host ?? '' },
    ...(body.length > 0 && { body }),
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? 'application/json',
    text: await response.text(),
  }
}

function changeRecords(
  connector: Connector,
  text: string,
  changes: ReadonlyMap<string, Change>,
): string {
  if (changes.size === 0) return text
  const document = parse(text)
  if (document === undefined)
    return text
      .split('\n')
      .map((line) => changeLine(connector, line, changes))
      .join('\n')
  const list = listOf(connector, document)
  if (list === null) return changeLine(connector, text, changes)
  const elements = list.records.map(
    (record) =>
      changed(record, [], changes.get(connector.identify(record) ?? '')) ?? JSON.stringify(record),
  )
  const changedList = `[${elements.join(',')}]`
  return list.path.length === 0
    ? changedList
    : (withValue(document, list.path, changedList) ?? text)
}

function changeLine(
  connector: Connector,
  line: string,
  changes: ReadonlyMap<string, Change>,
): string {
  const parsed = parse(line)
  const record = recordIn(connector, parsed)
  const change = record === null ? undefined : changes.get(connector.identify(record) ?? '')
  return changed(parsed, pathTo(parsed, record) ?? [], change) ?? line
}

function changed(root: unknown, prefix: Path, change: Change | undefined): string | null {
  return change === undefined ? null : withValue(root, [...prefix, ...change.path], change.json)
}

/** Returns the record of a line, or null without one. */
function recordIn(connector: Connector, line: unknown): unknown {
  try {
    return connector.unwrap(line)
  } catch {
    return null
  }
}

/**
 * Finds the list of records in a document: the document itself, or the first member of the outermost
 * object or of one inside it, whose elements have ids.
 */
function listOf(
  connector: Connector,
  document: unknown,
  depth = 0,
): { path: Path; records: readonly unknown[] } | null {
  if (typeof document !== 'object' || document === null) return null
  const isList = Array.isArray(document) && document.length > 0
  if (isList && connector.identify(document[0]) !== null) return { path: [], records: document }
  if (Array.isArray(document) || depth === 2) return null
  for (const [name, value] of Object.entries(document)) {
    const list = listOf(connector, value, depth + 1)
    if (list !== null) return { ...list, path: [name, ...list.path] }
  }
  return null
}

function pathTo(root: unknown, wanted: unknown): Path | null {
  if (root === wanted) return []
  if (typeof root !== 'object' || root === null) return null
  for (const [name, value] of Object.entries(root)) {
    const below = pathTo(value, wanted)
    if (below !== null) return [Array.isArray(root) ? Number(name) : name, ...below]
  }
  return null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
