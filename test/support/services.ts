// The services inside a test's own process: queues, workers and a scheduler over a real Postgres, and Redis when asked.

import { createConnectors } from '../../src/connectors/index.ts'
import type { Connector } from '../../src/core/connector.ts'
import { openPool } from '../../src/db/pool.ts'
import { listDeadLetters, type DeadLetter } from '../../src/jobs/dead-letters.ts'
import { tick } from '../../src/jobs/scheduler.ts'
import { AS_SCHEDULED, orderSync, type OrderedRun, type SyncOrder } from '../../src/jobs/orders.ts'
import { migrateQueue, openQueues, QUEUE_SCHEMA, type Queues } from '../../src/jobs/queues.ts'
import { RunStates } from '../../src/jobs/run-states.ts'
import type { TaskEvents, TaskTools } from '../../src/jobs/tasks.ts'
import { startWorker } from '../../src/jobs/work.ts'
import type { LineOptions, Pause } from '../../src/pipeline/context.ts'
import type { TestDatabase } from './database.ts'
import type { TestLine } from './line.ts'

interface Scope {
  after(end: () => Promise<void>): void
}

export interface TestServices {
  readonly tools: TaskTools
  readonly queues: Queues
  readonly pauses: readonly Pause[]
  order(order?: Partial<SyncOrder>): Promise<OrderedRun>
  tick(): Promise<void>
  /** Starts workers; the result stops them, as SIGTERM would. */
  work(): () => Promise<void>
  /** The dead letter that ended the run: the run ends first, its job a moment later. */
  letter(run: number): Promise<DeadLetter>
  /** The run's row, when it is over. */
  ended(run: number): Promise<{ state: string; reason: string | null; ledger: Record<string, number> | null }>
}

/** Everything that workers need to bring `line`'s source up to date. No worker runs yet. */
export async function openServices(t: Scope, database: TestDatabase, line: TestLine, queueUrl: string | null = null, options: Partial<LineOptions> = {}): Promise<TestServices> {
  const db = await openPool(database.url, { applicationName: 'services', searchPath: QUEUE_SCHEMA })
  await migrateQueue(db)
  const queues = await openQueues(db, queueUrl, () => undefined)
  const stops: (() => Promise<void>)[] = []
  t.after(async () => {
    await Promise.all(stops.map((stop) => stop()))
    await queues.close()
    await db.end()
  })
  const connectors: ReadonlyMap<string, Connector> = new Map([...createConnectors({ medipim: null }), [line.connector.name, line.connector]])
  const pauses: Pause[] = []
  const events: TaskEvents = { settled: () => Promise.resolve(), paused: (pause) => void pauses.push(pause), leaseLost: () => undefined }
  const tools: TaskTools = {
    ...line.tools, http: () => line.tools.http, db, queues, connectors, events, states: new RunStates(), options: { ...line.tools.options, ...options },
  }
  return {
    tools, queues, pauses,
    async order(order = {}) {
      const [ordered] = await orderSync(tools, { ...AS_SCHEDULED, source: line.name, ...order }, 'test')
      if (!ordered) throw new Error('nothing was ordered')
      return ordered
    },
    tick: () => tick(tools, line.tools.log),
    work() {
      const stopping = new AbortController()
      const workers = [startWorker(tools, 'fetch', 1, stopping.signal), startWorker(tools, 'apply', 2, stopping.signal)]
      let stopped: Promise<void> | null = null
      const stop = (): Promise<void> => {
        stopping.abort()
        stopped ??= Promise.all(workers.map((worker) => worker.close())).then(() => undefined)
        return stopped
      }
      stops.push(stop)
      return stop
    },
    async letter(run) {
      for (;;) {
        const letter = (await listDeadLetters(queues)).find((one) => one.run === run)
        if (letter) return letter
      }
    },
    async ended(run) {
      for (;;) {
        const [row] = await line.query<{ state: string; reason: string | null; ledger: Record<string, number> | null }>(
          'select state, reason, ledger from catalog.runs where id = $1', run)
        if (row && row.state !== 'running') return row
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
