// The timeline of a source as a list: when, what, who and why, the newest first.

import { EVENT_TOPICS, type SourceEvent } from '../../../db/read/source-events.ts'
import { html, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { emptyState } from '../parts/blocks.ts'
import { filterForm } from '../parts/forms.ts'
import { time } from '../parts/values.ts'
import { describeEvent } from './event-words.ts'

export interface TimelineFilter {
  readonly topic?: SourceEvent['topic'] | undefined
  readonly actor?: string | undefined
}

const TOPIC_NAMES = {
  run: 'Runs',
  problem: 'Problems',
  decision: 'Decisions',
  setting: 'Settings and pauses',
} as const

export function eventsFilter(path: string, { topic, actor }: TimelineFilter): Html {
  return filterForm({
    path,
    results: 'events',
    fields: [
      { kind: 'hidden', name: 'view', value: 'timeline' },
      {
        kind: 'select',
        name: 'topic',
        label: 'Events',
        value: topic,
        any: 'All events',
        options: EVENT_TOPICS.map((value) => ({ value, label: TOPIC_NAMES[value] })),
      },
      {
        kind: 'search',
        name: 'actor',
        label: 'Person',
        value: actor,
        placeholder: 'a part of the name',
      },
    ],
  })
}

export function eventsList(events: readonly SourceEvent[], nowMs: number): Html {
  if (events.length === 0)
    return emptyState({
      title: 'No event',
      about: 'Runs, decisions, alerts and changes of settings appear here.',
    })
  return html`<ol class="timeline">
    ${events.map((event) => eventItem(event, nowMs))}
  </ol>`
}

function eventItem(event: SourceEvent, nowMs: number): Html {
  const { at, run, actor, reason } = event
  const { state, label, text } = describeEvent(event)
  return html`<li>
    ${time(at, nowMs)}
    <div>
      ${badge(state, { label })}
      ${run === null ? null : html`<a href="/runs/${run}">Run ${run}</a>`}
      <span>${text}</span>
      ${actor === null ? null : html`<span class="quiet">by ${actor}</span>`}
      ${reason === null ? null : html`<p class="quiet">${reason}</p>`}
    </div>
  </li>`
}
