// Lets two workers of a process wait for jobs on one connection to Postgres. BullMQ notifies of the
// jobs of every queue on one channel, but opens a connection for each worker, and a process has
// only ten.

import type { BackendFactory, PostgresConnectionOptions, PostgresQueueBackend } from 'bullmq'

type Factory = BackendFactory<PostgresQueueBackend, PostgresConnectionOptions>

/** Members of BullMQ's backend that its type does not show. */
interface Listening {
  listenClientName: string | undefined
  ensureListening(): Promise<unknown>
  waitUntilReady(): Promise<void>
}

export class SharedListeners {
  readonly #factory: Factory
  readonly #lenders = new Map<string, Listening>()

  constructor(factory: Factory) {
    this.#factory = factory
  }

  /** The backend of a worker whose connection others use too. */
  lend(name: string): Factory {
    return (...args) => {
      const backend = this.#factory(...args)
      const own = backend as unknown as Listening
      const ensureListening = own.ensureListening.bind(backend)
      let pending: Promise<unknown> | null = null
      // A connection executes one statement at a time.
      own.ensureListening = async () => {
        await own.waitUntilReady()
        return (pending ??= ensureListening().finally(() => (pending = null)))
      }
      this.#lenders.set(name, own)
      return backend
    }
  }

  /** The backend of a worker that waits on the connection of the last worker `name`. */
  borrow(name: string): Factory {
    return (...args) => {
      const backend = this.#factory(...args)
      const lender = this.#lenders.get(name)
      if (lender === undefined) throw new Error(`No worker of ${name} lends its connection`)
      const own = backend as unknown as Listening
      // With a name, the backend would open a connection at its start.
      own.listenClientName = undefined
      own.ensureListening = () => lender.ensureListening()
      return backend
    }
  }
}
