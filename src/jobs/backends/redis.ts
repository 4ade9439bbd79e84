// The Redis or Valkey of the queue: one server, a master of Sentinels, or a Cluster, by the form of
// QUEUE_URL. It must be available when the process starts. Later it may be unavailable for any time:
// the process waits for it until it ends.

import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { SyncError } from '../../core/errors.ts'
import {
  canonicalAddress,
  credentialsOf,
  findRedisFault,
  findUnencoded,
  showableAddress,
} from '../../config/connection-address.ts'
import { endWhenSilent } from './redis-silence.ts'

const SENTINEL_PORT = 26_379
const REDIS_PORT = 6379
const RETRY_MS_MAX = 2_000
const KEEP_ALIVE_MS = 5_000
/** Time limit for the response of a Sentinel, before the next one is asked. */
const SENTINEL_MS = 5_000
/** Lifetime of the key of a write check, in case the process dies before it removes the key. */
const PROOF_MS = 60_000

export interface RedisEvents {
  onError(this: void, error: Error): void
  /** Called when a connection of the client or of one of its duplicates is established. */
  onReached?(this: void): void
}

/**
 * Connects to `redis://host:port` · `redis-cluster://host:port,host:port` ·
 * `redis-sentinel://host:port,host:port/master`, each with an optional `user:password@`,
 * percent-encoded; `rediss` instead of `redis` uses TLS. When `leaving` is aborted, commands that
 * wait for an unavailable server fail.
 *
 * @throws SyncError `queue/unreachable` · `settings/invalid` when the address cannot be read
 */
export async function openRedis(
  queueUrl: string,
  { onError, onReached = () => undefined }: RedisEvents,
  leaving?: AbortSignal,
): Promise<Redis | Cluster> {
  const client = onEachConnection(createRedis(queueUrl, leaving), onReached)
  let reason =
    client instanceof Cluster
      ? 'its nodes do not serve all slots of a Cluster (redis-cli cluster info)'
      : 'no response'
  client.on('error', (error: Error) => {
    reason = readReason(error)
    onError(error)
  })
  // `connect` waits without limit for an incomplete Cluster.
  const ended = new Promise<never>((_, reject) =>
    client.once('end', () => reject(new Error('ended'))),
  )
  try {
    const info = await Promise.race([client.connect().then(() => client.info()), ended])
    return keepInfo(client, info)
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') reason = error.message
    client.disconnect()
    throw new SyncError(
      'queue/unreachable',
      `Cannot reach QUEUE_URL (${showableAddress(queueUrl)}): ${reason}`,
      { cause: error },
    )
  }
}

/**
 * Writes and removes a key. A read-only replica, or a server whose memory is full, refuses it.
 *
 * @throws Error the error of Redis
 */
export async function proveRedisWritable(client: Redis | Cluster, key: string): Promise<void> {
  await client.set(key, '1', 'PX', PROOF_MS)
  await client.del(key)
}

/**
 * Returns the eviction policy, or null when Redis does not report it. A queue needs `noeviction`:
 * https://docs.bullmq.io/guide/going-to-production
 */
export async function findEvictionPolicy(client: Redis | Cluster): Promise<string | null> {
  const text = await client.call('info', 'memory').catch(() => '')
  return /^maxmemory_policy:(\S+)/m.exec(String(text))?.[1] ?? null
}

/**
 * BullMQ prepares each connection once, with INFO, and caches a failure: a worker whose connection
 * was refused or lost at that moment would reconnect and never take a job again. INFO without a
 * section therefore has the response `info`, for the client and its duplicates. It lacks the eviction
 * policy: otherwise BullMQ prints a warning for each connection, outside the log.
 */
function keepInfo<Client extends Redis | Cluster>(client: Client, info: string): Client {
  const kept = info.replace(/^maxmemory_policy:.*\r?\n/m, '')
  const request = client.info.bind(client) as (...args: unknown[]) => Promise<string>
  const duplicate = client.duplicate.bind(client) as (...options: unknown[]) => Redis | Cluster
  return Object.assign(client, {
    // ioredis calls it with a callback to check that a server is ready.
    info: (...args: unknown[]) => (args.length > 0 ? request(...args) : Promise.resolve(kept)),
    duplicate: (...options: unknown[]) => keepInfo(duplicate(...options), info),
  })
}

/** Calls `onReached` whenever the client or one of its duplicates has connected. */
function onEachConnection<Client extends Redis | Cluster>(
  client: Client,
  onReached: () => void,
): Client {
  const duplicate = client.duplicate.bind(client) as (...options: unknown[]) => Redis | Cluster
  client.on('ready', onReached)
  return Object.assign(client, {
    duplicate: (...options: unknown[]) => onEachConnection(duplicate(...options), onReached),
  })
}

/** Returns a client that is not connected. It reconnects only after a first connection. */
export function createRedis(queueUrl: string, leaving?: AbortSignal): Redis | Cluster {
  const problem = findUnencoded(queueUrl) ?? findRedisFault(queueUrl)
  if (problem !== null) throw new SyncError('settings/invalid', `QUEUE_URL: expected ${problem}`)
  let wasReady = false
  const client = createClient(canonicalAddress(queueUrl), (attempt) =>
    wasReady && leaving?.aborted !== true ? Math.min(attempt * 50, RETRY_MS_MAX) : null,
  )
  client.once('ready', () => (wasReady = true))
  return client
}

function createClient(
  queueUrl: string,
  retryStrategy: (attempt: number) => number | null,
): Redis | Cluster {
  // Blocking commands wait for jobs without a limit (https://docs.bullmq.io/guide/connections).
  // Keep-alive detects a broken network; with the default of Linux it would take two hours.
  const options = {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    keepAlive: KEEP_ALIVE_MS,
    retryStrategy,
  }
  const [, tls, kind, hosts = '', master = ''] =
    /^redis(s?)-(cluster|sentinel):\/\/(?:[^@/]*@)?([^/]+)(?:\/(.*))?$/.exec(queueUrl) ?? []
  if (kind === undefined) return new PromptRedis(queueUrl, options)
  const login = { ...readLogin(queueUrl), ...(tls && { tls: {} }) }
  if (kind === 'cluster') {
    const redisOptions = { ...login, maxRetriesPerRequest: null, keepAlive: KEEP_ALIVE_MS }
    // Nodes are connected by name: certificates do not contain addresses.
    // https://github.com/redis/ioredis#special-note-aws-elasticache-clusters-with-tls
    const byName: ClusterOptions = tls ? { dnsLookup: (name, found) => found(null, name) } : {}
    return new PromptCluster(readNodes(hosts, REDIS_PORT), {
      ...byName,
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      redisOptions,
    })
  }
  const watched = {
    sentinels: readNodes(hosts, SENTINEL_PORT),
    sentinelCommandTimeout: SENTINEL_MS,
    name: master || 'mymaster',
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  }
  return new PromptRedis({ ...options, ...login, ...watched, sentinelRetryStrategy: retryStrategy })
}

/**
 * When ioredis disconnects while it waits to reconnect, it never emits `end`, and BullMQ waits for it
 * without limit (https://github.com/taskforcesh/bullmq/issues/4585). This client and its duplicates
 * connect once more and then end.
 *
 * A duplicate connects by itself, as often as needed. BullMQ would call `connect`, which fails with
 * the first attempt, and cache that failure.
 */
class PromptRedis extends Redis {
  constructor(...options: [RedisOptions] | [string, RedisOptions]) {
    super(...(options as [string, RedisOptions]))
    endWhenSilent(this)
  }

  override disconnect(reconnect = false): void {
    if (this.status === 'reconnecting' && !reconnect)
      this.once('connecting', () => super.disconnect())
    else super.disconnect(reconnect)
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new PromptRedis({ ...this.options, lazyConnect: false, ...override })
  }
}

/** A Cluster whose duplicates connect by themselves, like those of `PromptRedis`. */
class PromptCluster extends Cluster {
  readonly #nodes: ClusterNode[]

  constructor(nodes: ClusterNode[], options: ClusterOptions) {
    super(nodes, options)
    this.#nodes = nodes
    this.on('+node', endWhenSilent)
  }

  override duplicate(nodes = this.#nodes, options: ClusterOptions = {}): Cluster {
    return new PromptCluster(nodes, { ...this.options, lazyConnect: false, ...options })
  }
}

function readNodes(hosts: string, usualPort: number): { host: string; port: number }[] {
  return hosts.split(',').map((node) => {
    const { hostname, port } = new URL(`redis://${node}`)
    return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || usualPort) }
  })
}

function readLogin(queueUrl: string): { username?: string; password?: string } {
  const { user = '', password = '' } = credentialsOf(queueUrl) ?? {}
  return { ...(user ? { username: user } : {}), ...(password ? { password } : {}) }
}

/** The message of a Cluster only states that it failed; the errors of its nodes are inside. */
function readReason(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message
}
