// The rules of requests to a supplier. They hold across all workers that share a database: a rate
// for each bucket of requests, a number of requests at the same time, and a circuit breaker.

import type { BreakerPolicy } from './breaker.ts'

/** One bucket of requests. */
export interface RequestLimit {
  /** `host`, or the name of the connector whose requests share the bucket. */
  readonly scope: string
  /** The bucket within its scope, such as `shop.example`. */
  readonly key: string
  /** True if `key` is, or contains, a secret: only its hash is stored. */
  readonly secretKey?: boolean
  /** Average time between two requests in milliseconds; 0 for no rate. */
  readonly intervalMs: number
  /** An interval that the site itself states. The operator's rates cannot shorten it. */
  readonly leastIntervalMs?: number
  /**
   * Number of requests that may follow each other at once after a pause, at least 1. In any period
   * of T ms, at most `burst + T / intervalMs` requests are sent.
   */
  readonly burst: number
  /** Number of requests at the same time, from the request to the end of the body; null for any. */
  readonly concurrency: number | null
  /** Number of requests in a day in UTC, by the clock of the database. Default: any. */
  readonly perDay?: number
  /**
   * The share of the rate and of the quota that is kept for urgent requests, such as those of an import:
   * 0.2 leaves 80 % to all others. Default 0.
   */
  readonly reserve?: number
  /**
   * True for a supplier that refuses a request that comes early: each is sent at its turn. Default false:
   * a random delay is added, so that no host sees a fixed rhythm.
   */
  readonly isStrict?: boolean
}

/** One circuit breaker: the requests that fail together when a supplier is down. */
export interface BreakerRule {
  readonly scope: string
  readonly key: string
  readonly policy?: Partial<BreakerPolicy>
  /**
   * True where responses are small: a request has succeeded when its body has arrived, and a body that
   * ends too early counts as a failure. Default false: the status decides, because the first part of a
   * long body is of use.
   */
  readonly judgesBody?: boolean
}

export interface RequestRules {
  /** A request waits for one after the other: the narrowest limit first, the widest last. */
  readonly limits: readonly RequestLimit[]
  /** Null: failures of this supplier are only retried. */
  readonly breaker: BreakerRule | null
  /**
   * The level at which each request has a line in the log. Default `debug`: a crawl sends thousands.
   * `info` suits a supplier whose quota bounds them.
   */
  readonly logLevel?: 'debug' | 'info'
}

/** Time between two requests to one host, unless its source states another. */
export const HOST_INTERVAL_MS = 1_000
/** The first requests of a run, such as those for the metadata of a shop, follow at once. */
const HOST_BURST = 4

/** The limit of a host: one request at a time, and one a second after the first four. */
export function limitHost({ host }: URL, intervalMs = HOST_INTERVAL_MS): RequestLimit {
  return { scope: 'host', key: host, intervalMs, burst: HOST_BURST, concurrency: 1 }
}

/** The rules of a connector that states none. */
export function defaultRules(url: URL): RequestRules {
  return { limits: [limitHost(url)], breaker: { scope: 'host', key: url.host } }
}
