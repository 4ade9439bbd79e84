// The services of a process once they run: its servers, and how they end.

import type { ServerName } from '../http/control/routes.ts'
import type { SendLastErrors } from './alerts.ts'

export interface OpenServer {
  readonly name: ServerName
  /** The address it listens on; `::` means all addresses of the machine. */
  readonly host: string
  readonly port: number
}

export interface Services {
  readonly servers: readonly OpenServer[]
  /** Resolves when the workers have been idle for EXIT_WHEN_IDLE_SECONDS; without it, never. */
  readonly idle: Promise<void>
  /**
   * Accepts no new work, finishes open batches and responses, and resolves when everything has
   * stopped. Safe to call twice.
   */
  stop(): Promise<void>
  readonly sendLastErrors: SendLastErrors
}
