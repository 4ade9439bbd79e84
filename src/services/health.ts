// How every component stands, asked anew each time. Each has a deadline: a database that hangs is as broken as one that is gone.

import type { ArtifactStore } from '../artifacts/store.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import type { Db } from '../db/pool.ts'
import type { ComponentHealth } from '../http/operations.ts'
import { QUEUE_NAMES, type Queues } from '../jobs/queues.ts'
import { within } from '../lib/deadline.ts'

const DEADLINE_MS = 3_000

export interface HealthTools {
  readonly db: Db
  readonly queues: Queues
  readonly store: ArtifactStore
}

export function checkHealth({ db, queues, store }: HealthTools): Promise<ComponentHealth[]> {
  return Promise.all([
    look('database', async () => {
      const { rows } = await db.query<{ version: string }>(`select current_setting('server_version') as version`)
      return `Postgres ${rows[0]?.version}`
    }),
    look('queue', async () => {
      const counts = await Promise.all(QUEUE_NAMES.map(async (name) => `${name} ${await queues[name].count()}`))
      return `${queues.backend}; waiting: ${counts.join(', ')}`
    }),
    look('artifacts', async () => {
      await store.check()
      return store.describe()
    }),
    ...QUEUE_NAMES.map((name) =>
      look(name === 'fetch' ? 'fetcher' : 'maintainer', async () => {
        const workers = await queues[name].getWorkersCount()
        if (workers === 0) throw new Error('no worker is there: start shelfsync serve')
        return `${workers} at work or waiting for it`
      }),
    ),
  ])
}

async function look(component: string, ask: () => Promise<string>): Promise<ComponentHealth> {
  const startedMs = performance.now()
  const passed = () => Math.round(performance.now() - startedMs)
  try {
    return { component, ok: true, detail: await within(ask(), DEADLINE_MS), latencyMs: passed() }
  } catch (error) {
    return { component, ok: false, detail: error instanceof SyncError ? `${error.code}: ${error.message}` : messageOf(error), latencyMs: passed() }
  }
}
