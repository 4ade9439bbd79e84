// A client for the simulator's own tests: asks as a shop's program would, and reads the lines.

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

/**
 * Whatever an endpoint may answer with; a member that is not there fails the test that reads it.
 */
export interface JsonAnswer {
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

/** Everything, in an order that lets a reader resume. */
export const EVERYTHING = { filter: { updatedSince: 0 }, sorting: { touchedAt: 'ASC' } }

/** A simulator without a rate limit that ends with the test. */
export async function startFor(
  t: TestContext,
  options: Partial<MedipimOptions> = {},
): Promise<MedipimSimulator> {
  const simulator = await startMedipim({ products: 40, rateLimit: null, ...options })
  t.after(simulator.close)
  return simulator
}

/** A POST with the first key, or a GET when there is no body. */
export function ask(
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
  const response = await ask(simulator, '/v4/products/stream', body)
  if (response.status === 204) return []
  return linesOf(await response.text())
}

export async function readJson(response: Response): Promise<JsonAnswer> {
  return await response.json()
}

export function linesOf(text: string): StreamLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): StreamLine => JSON.parse(line))
}

/** The ids that `filter` matches, sorted. */
export async function listIds(
  simulator: { readonly url: string },
  filter: unknown,
): Promise<string[]> {
  const lines = await readStream(simulator, { filter, sorting: { id: 'ASC' } })
  return lines.map(({ result }) => result.id ?? '')
}
