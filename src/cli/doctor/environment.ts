// The checks of `shelfsync doctor` for the platform, the artifact store, the queue and hosts.

import { randomUUID } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { verifyWritable, type ArtifactStore } from '../../artifacts/store.ts'
import { messageOf, SyncError } from '../../core/errors.ts'
import { withTimeout } from '../../lib/timeout.ts'
import { ROLES, type Role } from '../../core/roles.ts'
import { findLostStorage } from '../../config/lasting-storage.ts'
import type { Settings } from '../../config/settings.ts'
import { type Check, toFailedCheck } from './check.ts'
import { formatBytes } from '../../format/format.ts'
import { formatQuantity } from '../../lib/words.ts'

/** Time limit of a write to Redis. */
const QUEUE_MS = 3_000
/** Free space below which a warning is shown. A catalogue of 600 MB takes about 150 MB per run. */
const FREE_BYTES_MIN = 2 * 1000 ** 3
/** Length of a key below which a warning is shown; a server accepts shorter ones. */
const KEY_CHARS_MIN = 32

export async function checkStore(
  store: ArtifactStore,
  { artifacts, artifactsKeep }: Settings,
): Promise<Check> {
  const name = 'artifacts'
  try {
    await store.check()
    await verifyWritable(store)
  } catch (error) {
    return toFailedCheck(name, error)
  }
  const free = artifacts.startsWith('file:')
    ? await findFreeBytes(artifacts.replace(/^file:(\/\/(?=\/))?/, ''))
    : null
  const message = `${store.describe()} is writable${free === null ? '' : `, ${formatBytes(free)} free`}, keeps ${artifactsKeep === 'all' ? 'all' : formatQuantity(artifactsKeep, 'run')}`
  if (free === null || free >= FREE_BYTES_MIN) return { name, state: 'ok', message }
  return {
    name,
    state: 'warn',
    message,
    hint: 'Free some space, keep fewer runs (ARTIFACTS_KEEP), or run `shelfsync purge --keep 3`.',
  }
}

/** Checks that the Redis of the queue accepts writes and never evicts keys. */
export async function checkQueue(queueUrl: string): Promise<Check> {
  const name = 'queue'
  const { findEvictionPolicy, openRedis, proveRedisWritable } =
    await import('../../jobs/backends/redis.ts')
  try {
    const redis = await openRedis(queueUrl, { onError: () => undefined })
    try {
      await withTimeout(proveRedisWritable(redis, `shelfsync-check-${randomUUID()}`), QUEUE_MS)
      const policy = await findEvictionPolicy(redis)
      if (policy === null || policy === 'noeviction')
        return { name, state: 'ok', message: 'Redis accepts writes' }
      return {
        name,
        state: 'warn',
        message: `Redis accepts writes, but evicts keys when its memory is full (${policy})`,
        hint: 'Set maxmemory-policy noeviction.',
      }
    } finally {
      redis.disconnect()
    }
  } catch (error) {
    if (error instanceof SyncError) return toFailedCheck(name, error)
    const hint =
      'QUEUE_URL needs a Redis that accepts writes: not a read-only replica, and with free memory.'
    return { name, state: 'fail', message: `Redis rejects writes: ${messageOf(error)}`, hint }
  }
}

/** Returns the free space of the disk of `folder`, or of the nearest parent folder that exists. */
async function findFreeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return dirname(folder) === folder ? null : findFreeBytes(dirname(folder))
  }
}

/**
 * Checks that the disk of the platform keeps what the settings store on it, for a process with any of
 * these roles. Null elsewhere.
 */
export function checkPlatform(settings: Settings, roles: readonly Role[] = ROLES): Check | null {
  const name = 'platform'
  const { flyApp } = settings
  if (flyApp === null) return null
  const refused = roles.filter((role) => findLostStorage(settings, [role]).length > 0)
  if (refused.length === 0)
    return { name, state: 'ok', message: `Fly.io app ${flyApp}, which stores nothing on its disk` }
  return {
    name,
    // Without given roles, this may be an app with only an orchestrator, which needs no store.
    state: roles !== ROLES || refused.length === roles.length ? 'fail' : 'warn',
    message: `in the Fly.io app ${flyApp}, shelfsync serve does not start as ${refused.join(', ')}`,
    hint: findLostStorage(settings, refused).join(' · '),
  }
}

/** Checks the length of the keys for the HTTP servers. Null without any key. */
export function checkKeys({ http: { keys, syncKeys } }: Pick<Settings, 'http'>): Check | null {
  const name = 'keys'
  const all = [...keys, ...syncKeys]
  if (all.length === 0) return null
  const short = all.filter((key) => key.length < KEY_CHARS_MIN).length
  if (short === 0)
    return { name, state: 'ok', message: `${KEY_CHARS_MIN} characters or more: ${all.length}` }
  return {
    name,
    state: 'warn',
    message: `${short} of ${formatQuantity(all.length, 'key')} for the HTTP servers ${short === 1 ? 'has' : 'have'} fewer than ${KEY_CHARS_MIN} characters`,
    hint: 'Generate ADMIN_KEY and SYNC_KEY with `openssl rand -hex 32`. docs/security.md describes how to rotate them.',
  }
}

export function checkPrivateHosts({ allowPrivateHosts }: Settings): Check {
  const name = 'private hosts'
  if (allowPrivateHosts.some((pattern) => pattern.endsWith('/0'))) {
    return {
      name,
      state: 'warn',
      message: 'requests may go to any address inside your network',
      hint: 'List only the hosts that you need in ALLOW_PRIVATE_HOSTS.',
    }
  }
  return {
    name,
    state: 'ok',
    message:
      allowPrivateHosts.length === 0
        ? 'requests go to public addresses only'
        : `reachable: ${allowPrivateHosts.join(', ')}`,
  }
}
