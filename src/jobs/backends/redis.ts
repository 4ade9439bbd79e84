// The Redis or Valkey of the queue: one server, watched by Sentinels, or a Cluster, by the form of
// QUEUE_URL. At start it must answer, or the process says so and ends; later it may be away for any
// time, and is waited for until the process itself is about to end.

import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { SyncError } from '../../core/errors.ts'
import {
  canonicalAddress,
  credentialsOf,
  findRedisFault,
  findUnencoded,
  showableAddress,
} from '../../config/connection-address.ts'

const SENTINEL_PORT = 26_379
const REDIS_PORT = 6379
const RETRY_MS_MAX = 2_000
const KEEP_ALIVE_MS = 5_000
/** A proof whose process dies in between is gone after that. */
const PROOF_MS = 60_000

/**
 * Connects to `redis://host:port` · `redis-cluster://host:port,host:port` ·
 * `redis-sentinel://host:port,host:port/master`, each with an optional `user:password@`,
 * percent-encoded; with `rediss` in place of `redis` by TLS. When `leaving` is aborted, what waits
 * for a server that is away fails.
 *
 * @throws SyncError `queue/unreachable` · `settings/invalid` when the address cannot be read
 */
export async function openRedis(
  queueUrl: string,
  onError: (error: Error) => void,
  leaving?: AbortSignal,
): Promise<Redis | Cluster> {
  const client = createRedis(queueUrl, leaving)
  let reason =
    client instanceof Cluster
      ? 'its nodes serve no Cluster of all slots (redis-cli cluster info)'
      : 'no answer'
  client.on('error', (error: Error) => {
    reason = reasonOf(error)
    onError(error)
  })
  // A Cluster that is not whole lets `connect` wait for ever.
  const ended = new Promise<never>((_, reject) =>
    client.once('end', () => reject(new Error('ended'))),
  )
  try {
    await Promise.race([client.connect().then(() => client.ping()), ended])
    return client
  } catch (error) {
    client.disconnect()
    throw new SyncError(
      'queue/unreachable',
      `Cannot reach QUEUE_URL (${showableAddress(queueUrl)}): ${reason}`,
      { cause: error },
    )
  }
}

/**
 * Writes and removes a key, which a read-only replica or one whose memory is full does not take.
 * @throws Error what Redis says
 */
export async function proveRedisWritable(client: Redis | Cluster, key: string): Promise<void> {
  await client.set(key, '1', 'PX', PROOF_MS)
  await client.del(key)
}

/**
 * What Redis does when its memory is full; null when it does not say. A queue needs `noeviction`:
 * https://docs.bullmq.io/guide/going-to-production
 */
export async function findEvictionPolicy(client: Redis | Cluster): Promise<string | null> {
  const text = await client.call('info', 'memory').catch(() => '')
  return /^maxmemory_policy:(\S+)/m.exec(String(text))?.[1] ?? null
}

/**
 * Takes the eviction policy out of what the client and its duplicates hear from INFO: BullMQ prints
 * a warning of its own for each of its connections, past the log.
 */
function hushPolicy<Client extends Redis | Cluster>(client: Client): Client {
  const info = client.info.bind(client) as (...sections: unknown[]) => Promise<string>
  const duplicate = client.duplicate.bind(client) as (...options: unknown[]) => Redis | Cluster
  return Object.assign(client, {
    info: async (...sections: unknown[]) =>
      (await info(...sections)).replace(/^maxmemory_policy:.*\r?\n/m, ''),
    duplicate: (...options: unknown[]) => hushPolicy(duplicate(...options)),
  })
}

/** The client, not connected yet. Until it has been connected once, it does not try again. */

export function createRedis(queueUrl: string, leaving?: AbortSignal): Redis | Cluster {
  const problem = findUnencoded(queueUrl) ?? findRedisFault(queueUrl)
  if (problem !== null) throw new SyncError('settings/invalid', `QUEUE_URL: expected ${problem}`)
  let wasThere = false
  const client = hushPolicy(
    clientOf(canonicalAddress(queueUrl), (attempt) =>
      wasThere && leaving?.aborted !== true ? Math.min(attempt * 50, RETRY_MS_MAX) : null,
    ),
  )
  client.once('ready', () => (wasThere = true))
  return client
}

function clientOf(
  queueUrl: string,
  retryStrategy: (attempt: number) => number | null,
): Redis | Cluster {
  // Blocking commands wait for jobs without end, so nothing may give them up
  // (https://docs.bullmq.io/guide/connections), but a network that was cut must show, which without
  // a delay of our own takes Linux two hours.
  const patient = {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    keepAlive: KEEP_ALIVE_MS,
    retryStrategy,
  }
  const [, tls, kind, hosts = '', master = ''] =
    /^redis(s?)-(cluster|sentinel):\/\/(?:[^@/]*@)?([^/]+)(?:\/(.*))?$/.exec(queueUrl) ?? []
  if (kind === undefined) return new PromptRedis(queueUrl, patient)
  const login = { ...loginOf(queueUrl), ...(tls && { tls: {} }) }
  if (kind === 'cluster') {
    const redisOptions = { ...login, maxRetriesPerRequest: null, keepAlive: KEEP_ALIVE_MS }
    // Its nodes are known by name: a certificate says nothing of addresses.
    // https://github.com/redis/ioredis#special-note-aws-elasticache-clusters-with-tls
    const byName: ClusterOptions = tls ? { dnsLookup: (name, found) => found(null, name) } : {}
    return new Cluster(readNodes(hosts, REDIS_PORT), {
      ...byName,
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      redisOptions,
    })
  }
  const watched = {
    sentinels: readNodes(hosts, SENTINEL_PORT),
    name: master || 'mymaster',
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  }
  return new PromptRedis({ ...patient, ...login, ...watched, sentinelRetryStrategy: retryStrategy })
}

/**
 * Told to disconnect while it waits to try again, ioredis neither tries nor ever says that it has
 * ended, and BullMQ would wait for that for ever
 * (https://github.com/taskforcesh/bullmq/issues/4585). This client, and those that BullMQ makes
 * after it, tries once more and ends then.
 */
class PromptRedis extends Redis {
  override disconnect(reconnect = false): void {
    if (this.status === 'reconnecting' && !reconnect)
      this.once('connecting', () => super.disconnect())
    else super.disconnect(reconnect)
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new PromptRedis({ ...this.options, ...override })
  }
}

function readNodes(hosts: string, usualPort: number): { host: string; port: number }[] {
  return hosts.split(',').map((node) => {
    const { hostname, port } = new URL(`redis://${node}`)
    return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || usualPort) }
  })
}

function loginOf(queueUrl: string): { username?: string; password?: string } {
  const { user = '', password = '' } = credentialsOf(queueUrl) ?? {}
  return { ...(user ? { username: user } : {}), ...(password ? { password } : {}) }
}

/** A Cluster's own message says only that it failed; what its nodes said is inside. */
function reasonOf(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message
}
