// Shared by the tests of Supabase's store: the service, played by a real tus server, and its
// requests.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  SECRET_KEY,
  startStorage,
  type StorageOptions,
  type StorageSimulator,
} from '../../simulators/storage/server.ts'
import type { Waiter } from '../../src/lib/back-off.ts'
import { type SupabaseOptions, SupabaseStore } from '../../src/artifacts/stores/supabase.ts'

export const BUCKET = 'medipim-raw'
export const MIB = 1024 * 1024
/** Three chunks. */
export const PART = randomBytes(13 * MIB)

export interface OpenedStorage {
  readonly folder: string
  readonly service: StorageSimulator
  readonly store: SupabaseStore
  /** The duration of each wait before a retry. No wait really happens. */
  readonly waits: number[]
}

export async function openStorage(
  context: TestContext,
  simulated: Partial<StorageOptions> = {},
  options: Partial<SupabaseOptions> = {},
): Promise<OpenedStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-storage-'))
  const service = await startStorage({ folder, ...simulated })
  const waits: number[] = []
  const wait: Waiter = async (ms) => {
    waits.push(ms)
    await turn()
  }
  context.after(async () => {
    await service.close()
    await rm(folder, { recursive: true })
  })
  return {
    folder,
    service,
    waits,
    store: new SupabaseStore({
      url: service.url,
      secretKey: SECRET_KEY,
      bucket: BUCKET,
      wait,
      ...options,
    }),
  }
}

export interface Patch {
  readonly offset: number
  readonly bytes: number
}

export function listPatches({ stats }: StorageSimulator): Patch[] {
  return stats
    .snapshot()
    .last.filter(({ method }) => method === 'PATCH')
    .map(({ body }) => body as Patch)
}

export function countRequests({ stats }: StorageSimulator, request: string): number {
  return stats.snapshot().requests[request] ?? 0
}

export const CREATE = 'POST /upload/resumable'

/** Streams `bytes` in pieces of an odd size. */
export async function* streamSlowly(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 999_983) {
    await turn()
    yield bytes.subarray(start, start + 999_983)
  }
}
