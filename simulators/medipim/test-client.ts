// A client for the tests of the simulator.

import type { TestContext } from 'node:test'
import { startMedipim, type MedipimOptions, type MedipimSimulator } from './simulator.ts'
import type { Violation } from './violations.ts'

export interface StreamLine {
  readonly meta: { readonly total: number; readonly index?: number }
  readonly result: Record<string, unknown> & {
    readonly id?: string
    readonly status: string
    readonly meta: {
      readonly createdAt: number
      readonly updatedAt: number
      readonly embedUrl: string
    }
  }
}

/** The members of all responses. A test that reads a missing one fails. */
export interface JsonBody {
  readonly meta: { readonly total: number; readonly page?: object }
  readonly results: readonly (Record<string, unknown> & { readonly id: string | number })[]
  readonly error: {
    readonly status: number
    readonly code: string
    readonly message: string
    readonly violations: readonly Violation[]
  }
  readonly violations: readonly Violation[]
  readonly product: { readonly id: string }
  readonly fields: readonly { readonly code: string }[]
}

/** A request for all products, in an order that a reader can resume. */
export const EVERYTHING = { filter: { updatedSince: 0 }, sorting: { touchedAt: 'ASC' } }

/** Starts a simulator without a rate limit, which is closed with the test. */
export async function startFor(
  t: TestContext,
  options: Partial<MedipimOptions> = {},
): Promise<MedipimSimulator> {
  const simulator = await startMedipim({ products: 40, rateLimit: null, ...options })
  t.after(simulator.close)
  return simulator
}

/** Sends a POST with the first key, or a GET without a body. */
export function send(
  { url }: { readonly url: string },
  path: string,
  body?: unknown,
  key = '42:secret',
): Promise<Response> {
  const headers = { authorization: `Basic ${Buffer.from(key).toString('base64')}` }
  if (body === undefined) return fetch(url + path, { headers })
  return fetch(url + path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export async function readStream(
  simulator: { readonly url: string },
  body: unknown = EVERYTHING,
): Promise<StreamLine[]> {
  const response = await send(simulator, '/v4/products/stream', body)
  if (response.status === 204) return []
  return parseLines(await response.text())
}

export async function readJson(response: Response): Promise<JsonBody> {
  return await response.json()
}

export function parseLines(text: string): StreamLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): StreamLine => JSON.parse(line))
}

/** Returns the sorted ids of the products that match `filter`. */
export async function listIds(
  simulator: { readonly url: string },
  filter: unknown,
): Promise<string[]> {
  const lines = await readStream(simulator, { filter, sorting: { id: 'ASC' } })
  return lines.map(({ result }) => result.id ?? '')
}
