// Starts workers whose machines have stopped. A task in the queue starts no machine; a request to
// the address of the workers does, if a proxy such as that of Fly.io starts machines on request.

import type { Queue } from 'bullmq'
import { repeat } from '../lib/repeat.ts'
import { describeFetchError } from '../node/system-errors.ts'
import type { Log } from '../telemetry/log.ts'
import {
  countWaitingTasks,
  listQueues,
  QUEUE_NAMES,
  type AllQueues,
  type QueueName,
  type Task,
} from './queues.ts'
import { TICK_MS } from './scheduler.ts'

/** Minimum time between two requests to one address. */
export const REPEAT_AFTER_MS = 60_000
/** The proxy holds the request while a machine starts, which takes some seconds. */
const REQUEST_MS = 30_000

const WORKERS = { fetch: 'fetchers', apply: 'maintainers' } as const satisfies Record<
  QueueName,
  string
>

/** The address of the workers of each queue, or null when they always run. */
export type WakeUrls = Readonly<Record<QueueName, string | null>>

export interface WakerTools {
  readonly queues: AllQueues
  readonly urls: WakeUrls
  readonly log: Log
}

/** Sends a request to the workers of a queue while it has tasks, at most once a minute. */
export class Waker {
  readonly #tools: WakerTools
  readonly #sentMs = new Map<QueueName, number>()
  readonly #outages = new Map<QueueName, string>()

  constructor(tools: WakerTools) {
    this.#tools = tools
  }

  /** Repeats the check until `signal` is aborted. Resolves when the last one has ended. */
  async run(signal: AbortSignal): Promise<void> {
    // Separate loops, because a request may take half a minute.
    await Promise.all(
      QUEUE_NAMES.filter((name) => this.#tools.urls[name] !== null).map((name) =>
        repeat(() => this.wake(name, performance.now(), signal), {
          pauseMs: TICK_MS,
          signal,
          onError: () => undefined,
        }),
      ),
    )
  }

  /**
   * Sends the request if it is due. A failure is logged once, until a request succeeds again.
   *
   * @throws Error when the queue cannot be read
   */
  async wake(name: QueueName, nowMs: number, signal: AbortSignal): Promise<void> {
    const { urls, queues, log } = this.#tools
    const url = urls[name]
    const sentMs = this.#sentMs.get(name) ?? -Infinity
    if (url === null || nowMs - sentMs < REPEAT_AFTER_MS) return
    const having = await Promise.all(listQueues(queues, [name]).map(hasTasks))
    if (!having.includes(true)) return
    this.#sentMs.set(name, nowMs)
    const outage = await findOutage(url, signal)
    const isKnown = this.#outages.has(name)
    if (outage === null) {
      this.#outages.delete(name)
      if (isKnown) log.info({ url }, `the ${WORKERS[name]} can be started again`)
    } else if (!signal.aborted) {
      this.#outages.set(name, outage)
      if (!isKnown)
        log.error(
          { url, cause: outage },
          `the request that starts the ${WORKERS[name]} fails, and tasks wait; trying again`,
        )
    }
  }

  /** True if the workers of a queue are started when they are needed. */
  starts(name: QueueName): boolean {
    return this.#tools.urls[name] !== null
  }

  /** Describes why the last request to the workers of a queue failed, or returns null. */
  findOutage(name: QueueName): string | null {
    return this.#outages.get(name) ?? null
  }
}

/** An active task counts too: its worker may have died, and only another one takes it over. */
async function hasTasks(queue: Queue<Task>): Promise<boolean> {
  return (await countWaitingTasks(queue)) + (await queue.getActiveCount()) > 0
}

/** Sends `GET /healthz`. Returns the reason if it fails. */
async function findOutage(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { ok, status, body } = await fetch(new URL('/healthz', url), {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
    })
    await body?.cancel()
    return ok ? null : `status ${status}`
  } catch (error) {
    return describeFetchError(error)
  }
}
