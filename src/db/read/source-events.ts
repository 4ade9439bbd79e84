// The timeline of a source: its runs, the actions of people, and the alerts about it.

import type { Json } from '../../core/json.ts'
import { type Catalog, toInstant } from '../catalog.ts'
import { loadPage, type ListPage, type PageRequest } from './page.ts'

export const EVENT_TOPICS = ['run', 'problem', 'decision', 'setting'] as const
export type EventTopic = (typeof EVENT_TOPICS)[number]

export interface SourceEvent {
  readonly at: Date
  readonly topic: EventTopic
  /** See `catalog.list_source_events`. */
  readonly event: string
  readonly run: number | null
  /** A person, or the schedule; null if none is recorded. */
  readonly actor: string | null
  readonly reason: string | null
  readonly detail: Readonly<Record<string, Json>>
  readonly subject: string | null
}

export interface EventFilter {
  readonly source: string
  readonly topic?: EventTopic | undefined
  /** A part of the person's name. */
  readonly actor?: string | undefined
  /** Subjects of alerts on the circuit breakers of its supplier. */
  readonly hosts: readonly string[]
}

interface EventRow extends Omit<SourceEvent, 'at'> {
  /** With microseconds, which the cursor needs. */
  readonly at: string
  readonly key: string
}

/** The newest first. */
export async function listSourceEvents(
  db: Catalog,
  { source, topic, actor, hosts, ...page }: EventFilter & PageRequest,
): Promise<ListPage<SourceEvent>> {
  const { items, next } = await loadPage<EventRow, EventRow>('events', page, {
    load: (after, limit) => {
      const [at = null, key = null] = after === null ? [] : toKey(after)
      return db.call<EventRow>('list_source_events', {
        source,
        topic: topic ?? null,
        actor: actor ?? null,
        hosts,
        before_at: at,
        before_key: key,
        limit,
      })
    },
    toItem: (row) => row,
    keyOf: ({ at, key }) => JSON.stringify([at, key]),
  })
  return { items: items.map(({ at, key: _, ...event }) => ({ ...event, at: toInstant(at) })), next }
}

function toKey(after: string): readonly string[] {
  return JSON.parse(after) as readonly string[]
}
