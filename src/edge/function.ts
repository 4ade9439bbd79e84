// One edge function: its method, its body and its work. `serve-function.ts` does what all of them
// share.

import type { z } from 'zod'
import type { Connector } from '../core/connector.ts'
import type { DataApi } from '../db/data-api.ts'
import type { Log } from '../pipeline/context.ts'
import type { EdgeEnvironment, ReadVariable } from './environment.ts'

/** The tools of one invocation. */
export interface EdgeTools {
  readonly environment: EdgeEnvironment
  readonly read: ReadVariable
  readonly db: DataApi
  readonly log: Log
  /** From the header `x-correlation-id`, or new; stored in each run that the invocation starts. */
  readonly correlationId: string
  /** The secrets that texts of the invocation may quote. */
  readonly secrets: readonly string[]
  /** Adds secrets, which are then removed from the log and the response too. */
  readonly hide: (secrets: readonly string[]) => void
  /** Epoch milliseconds from which no further batch is begun. */
  readonly untilMs: number
  /** Aborted some seconds later: a batch that is in progress then stops at its checkpoint. */
  readonly signal: AbortSignal
}

export interface EdgeResult {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: object
}

export interface EdgeFunction<Body = unknown> {
  /** As in its path and in `supabase/functions`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** True when the token of the schedule may call it as well. */
  readonly allowsCron: boolean
  /** The schema of the body; an empty body is an empty object. */
  readonly body: z.ZodType<Body>
  /** The connector whose sources it handles. */
  readonly connector: Connector
  handle(body: Body, tools: EdgeTools): Promise<EdgeResult>
}
