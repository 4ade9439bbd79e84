// Deliberate faults as JSON, the same for tests and for `/_control/faults`. `times` counts
// requests, not lines: a fault applies to the whole response of a request.

import { z } from 'zod'

/**
 * Requests that a fault applies to: their path (a trailing `*` matches any ending), how many to
 * skip, and how many to affect (null: all).
 */
export const When = {
  path: z.string().default('*'),
  skip: z.int().nonnegative().default(0),
  times: z.int().positive().nullable().default(1),
}

const count = z.int().nonnegative()
/** A position in a response: after so many whole lines, and then so many bytes. */
const place = { afterLines: count.default(0), afterBytes: count.default(0) }
/** A line, counted from 0. */
const line = { at: count }

/** Faults of the whole response, of its bytes, and of its lines. */
export const CommonFault = z.discriminatedUnion('kind', [
  /** Waits before the status line. */
  z.strictObject({ kind: z.literal('latency'), ms: count, ...When }),
  /** Responds with this status; the default body is an HTML page. */
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.string().optional(),
    headers: z.record(z.string(), z.string()).default({}),
    ...When,
  }),
  /** Responds 200 with an empty body. */
  z.strictObject({ kind: z.literal('empty'), ...When }),
  /** Stops sending until the faults are cleared or the client disconnects. */
  z.strictObject({ kind: z.literal('stall'), ...place, ...When }),
  /** Destroys the socket. */
  z.strictObject({ kind: z.literal('reset'), ...place, ...When }),
  /** Ends the response correctly, but too early. */
  z.strictObject({ kind: z.literal('cut'), ...place, ...When }),
  /** Sends `bytes` every `everyMs`. */
  z.strictObject({ kind: z.literal('drip'), bytes: z.int().positive(), everyMs: count, ...When }),
  /** Ends a chunk inside every multi-byte character. */
  z.strictObject({ kind: z.literal('split-characters'), ...When }),
  /** Destroys the socket of a client that has not read for `ms`. */
  z.strictObject({ kind: z.literal('slow-reader'), ms: count, ...When }),
  /** Compresses even without a request for it. */
  z.strictObject({ kind: z.literal('gzip'), ...When }),
  /** Inserts a line before line `at`: garbage, or an error object. */
  z.strictObject({ kind: z.literal('insert-line'), ...line, text: z.string(), ...When }),
  z.strictObject({ kind: z.literal('duplicate-line'), ...line, ...When }),
  z.strictObject({ kind: z.literal('drop-line'), ...line, ...When }),
  /** Sends line `at` after the one that follows it. */
  z.strictObject({ kind: z.literal('swap-lines'), ...line, ...When }),
  /** Sends the first half of line `at`, and its line end. */
  z.strictObject({ kind: z.literal('half-line'), ...line, ...When }),
  /** Inserts a byte order mark before line `at`. */
  z.strictObject({ kind: z.literal('mark'), ...line, ...When }),
  /** Inserts bytes that are not UTF-8 into line `at`, after the first `after`. */
  z.strictObject({
    kind: z.literal('invalid-utf8'),
    ...line,
    after: z.string().default('":"'),
    ...When,
  }),
  /** The last line loses its second half and its line end. */
  z.strictObject({ kind: z.literal('truncate-last-line'), ...When }),
  z.strictObject({ kind: z.literal('crlf'), ...When }),
])
export type CommonFault = z.infer<typeof CommonFault>

const COMMON_KINDS: ReadonlySet<string> = new Set(
  CommonFault.options.map(({ shape }) => shape.kind.value),
)

/** Removes the faults that only one supplier has. */
export function filterCommonFaults(faults: readonly AnyFault[]): readonly CommonFault[] {
  return faults.filter((fault): fault is CommonFault => COMMON_KINDS.has(fault.kind))
}

/** Members of every fault of every simulator. */
export interface AnyFault {
  readonly kind: string
  readonly path: string
  readonly skip: number
  readonly times: number | null
}

/**
 * The faults of one request, and a signal that ends deliberate waits when the faults are cleared.
 */
export interface Taken<Fault extends AnyFault> {
  readonly faults: readonly Fault[]
  readonly cleared: AbortSignal
}

export interface FaultBook<Fault extends AnyFault, Input> {
  /** @throws ZodError for an invalid fault */
  set(...faults: readonly Input[]): void
  /** Returns the faults of a request of `path` and counts it for each of them. */
  take(path: string): Taken<Fault>
  list(): readonly Fault[]
  clear(): void
}

/** Holds the faults of one simulator. `schema` is `CommonFault` or its union with other faults. */
export function createFaultBook<Fault extends AnyFault, Input>(
  schema: z.ZodType<Fault, Input>,
): FaultBook<Fault, Input> {
  let entries: { readonly fault: Fault; skip: number; left: number }[] = []
  let clearing = new AbortController()
  return {
    set(...faults) {
      const parsed = faults.map((fault) => schema.parse(fault))
      entries.push(
        ...parsed.map((fault) => ({ fault, skip: fault.skip, left: fault.times ?? Infinity })),
      )
    },
    take(path) {
      const taken = entries
        .filter(({ fault }) => covers(fault.path, path))
        .filter((entry) => entry.skip-- <= 0)
      for (const entry of taken) entry.left -= 1
      entries = entries.filter(({ left }) => left > 0)
      return { faults: taken.map(({ fault }) => fault), cleared: clearing.signal }
    },
    list: () => entries.map(({ fault }) => fault),
    clear() {
      entries = []
      clearing.abort()
      clearing = new AbortController()
    },
  }
}

function covers(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
