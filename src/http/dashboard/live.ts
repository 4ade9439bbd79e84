// Live regions: parts of a page that follow the database. A browser opens one stream of server-sent
// events at the address of its page. The page is rendered again and again, and a region is sent
// only if it differs from what the browser has.

import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from 'hono'
import { streamSSE, type SSEStreamingApi } from 'hono/streaming'
import { SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import { attributes, html, raw, type Content, type Html } from './html.ts'

const INTERVAL_MS = 2000
/** After a failure; a browser that waits sees the last state and a notice. */
const RETRY_MS = 5000
/** A comment shows whether the browser is still there. */
const SILENCE_MS = 15_000
export const STREAMS_MAX = 100
export const SESSION_STREAMS_MAX = 12

interface RegionOptions {
  /** Default: `div`. */
  readonly tag?: 'div' | 'section' | 'tbody' | 'span'
  readonly class?: string
}

/**
 * A part of a page that is replaced when it changes. `id` is unique in the page; regions are not nested.
 * It may contain buttons and their questions, because an open question stays as it is (live.js). Keep other
 * fields out of it: what a person types would be replaced.
 */
export function liveRegion(
  id: string,
  content: Content,
  { tag = 'div', class: name }: RegionOptions = {},
): Html {
  const start = html`<${raw(tag)} id="${id}" data-live${attributes({ class: name })}>`
  return html`${raw(`<!--live:${id}-->`)}${start}${content}</${raw(tag)}>${raw(`<!--/live:${id}-->`)}`
}

const REGION = /<!--live:([\w-]+)-->([^]*?)<!--\/live:\1-->/g

/** Returns the regions of a page: id → HTML. Text of a page cannot contain a comment. */
export function readRegions(main: string): ReadonlyMap<string, string> {
  return new Map(Array.from(main.matchAll(REGION), ([, id = '', region = '']) => [id, region]))
}

/** The streams that are open in this process. */
export class LiveStreams {
  readonly #bySession = new Map<string, number>()
  #count = 0

  /** Returns a function that frees the place, or null if there is none. */
  take(session: string): (() => void) | null {
    const own = this.#bySession.get(session) ?? 0
    if (this.#count >= STREAMS_MAX || own >= SESSION_STREAMS_MAX) return null
    this.#count += 1
    this.#bySession.set(session, own + 1)
    return () => {
      this.#count -= 1
      const left = (this.#bySession.get(session) ?? 1) - 1
      if (left === 0) this.#bySession.delete(session)
      else this.#bySession.set(session, left)
    }
  }
}

export interface LiveOptions {
  readonly streams: LiveStreams
  /** The key by which the streams of one session are counted. */
  readonly session: string
  /** Ends when the process stops. */
  readonly stopping: AbortSignal
  /** Returns the page's content, or null when the session has ended. */
  render(signal: AbortSignal): Promise<string | null>
}

export type LiveEnd = 'signed-out' | 'busy' | 'stopping'

/**
 * Sends regions until the browser leaves. Events: `regions`, the changed ones as JSON; `trouble`, a
 * sentence about a failure after which it continues; `end`, the reason for the end.
 */
export function streamRegions(c: Context, options: LiveOptions): Response {
  c.header('Cache-Control', 'no-store')
  // Proxies such as nginx would collect events.
  c.header('X-Accel-Buffering', 'no')
  return streamSSE(c, async (stream) => {
    const leave = options.streams.take(options.session)
    const end = leave === null ? 'busy' : await sendChanges(stream, options).finally(leave)
    if (!stream.aborted && end !== null) await stream.writeSSE({ event: 'end', data: end })
  })
}

async function sendChanges(
  stream: SSEStreamingApi,
  { render, stopping }: LiveOptions,
): Promise<LiveEnd | null> {
  const gone = new AbortController()
  stream.onAbort(() => gone.abort())
  const signal = AbortSignal.any([gone.signal, stopping])
  let known: ReadonlyMap<string, string> = new Map()
  let sentMs = performance.now()
  while (!signal.aborted) {
    let waitMs = INTERVAL_MS
    try {
      const main = await render(signal)
      if (main === null) return 'signed-out'
      const regions = readRegions(main)
      const changed = [...regions].filter(([id, region]) => known.get(id) !== region)
      known = regions
      if (changed.length > 0) {
        await stream.writeSSE({
          event: 'regions',
          data: JSON.stringify(Object.fromEntries(changed)),
        })
        sentMs = performance.now()
      }
    } catch (error) {
      waitMs = RETRY_MS
      await stream.writeSSE({ event: 'trouble', data: describeTrouble(error) })
    }
    if (performance.now() - sentMs > SILENCE_MS) {
      await stream.write(': here\n\n')
      sentMs = performance.now()
    }
    await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
  }
  return stopping.aborted ? 'stopping' : null
}

function describeTrouble(error: unknown): string {
  const known = toSyncError(error)
  return known instanceof SyncError ? known.message : 'The page could not be rendered'
}
