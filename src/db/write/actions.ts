// The action log: what a person changed. Decisions on runs and reviews are recorded by their SQL
// functions; every other change by its caller.

import { type Catalog, jsonb, one } from '../catalog.ts'
import type { Json } from '../../core/json.ts'

export interface NewAction {
  /** The name given at the sign-in, or `user@host` of a command. */
  readonly actor: string
  /** A noun and a verb, such as `source.pause`. */
  readonly action: string
  /** Name of the source. */
  readonly source?: string | undefined
  readonly run?: number | undefined
  /** The object of the action, such as a host or a job. */
  readonly subject?: string | undefined
  /** As the person stated it. */
  readonly reason?: string | undefined
  /** Settings and counts. Never a secret or a supplier's content. */
  readonly detail?: Readonly<Record<string, Json>> | undefined
}

/** Returns the number of the action. */
export async function recordAction(
  db: Catalog,
  { actor, action, source, run, subject, reason, detail = {} }: NewAction,
): Promise<number> {
  return one(
    await db.call<number>('record_action', {
      actor,
      action,
      source: source ?? null,
      run: run ?? null,
      subject: subject ?? null,
      detail: jsonb(detail),
      reason: reason ?? null,
    }),
  )
}
