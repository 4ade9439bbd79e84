// The read model of the action log.

import type { Json } from '../../core/json.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export interface RecordedAction {
  readonly id: number
  readonly at: Date
  readonly actor: string
  /** A noun and a verb, such as `source.pause`. */
  readonly action: string
  /** The present name of the source, or its last one if it was removed. */
  readonly source: string | null
  readonly run: number | null
  readonly subject: string | null
  readonly reason: string | null
  readonly detail: Readonly<Record<string, Json>>
}

export interface ActionFilter {
  readonly source?: string | undefined
  readonly run?: number | undefined
  readonly actor?: string | undefined
  /** An action, or its noun. */
  readonly action?: string | undefined
  readonly since?: Date | undefined
  /** The object of the action, such as `review 3`. */
  readonly subject?: string | undefined
}

/** The newest first. */
export function listActions(
  db: Catalog,
  { source, run, actor, action, since, subject, ...page }: ActionFilter & PageRequest,
): Promise<ListPage<RecordedAction>> {
  return loadPage('actions', page, {
    load: (after, limit) =>
      db.call<Omit<RecordedAction, 'at'> & { readonly at: string }>('list_actions', {
        source: source ?? null,
        run: run ?? null,
        actor: actor ?? null,
        action: action ?? null,
        since: since ?? null,
        subject: subject ?? null,
        after: after === null ? null : Number(after),
        limit,
      }),
    toItem: ({ at, ...row }) => ({ ...row, at: toInstant(at) }),
    keyOf: ({ id }) => id,
  })
}
