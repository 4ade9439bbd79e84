// The timeline of a run as a list: the newest first.

import { html, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { time } from '../parts/values.ts'
import type { TimelineEntry } from './timeline.ts'

export function timelineList(entries: readonly TimelineEntry[], nowMs: number): Html {
  return html`<ol class="timeline">
    ${entries.map(
      ({ at, what, who, why, state }) =>
        html`<li>
          ${time(at, nowMs)}
          <div>
            <span>${state === null ? what : badge(state, { label: what })}</span>
            ${who === null ? '' : html`<span class="quiet">by ${who}</span>`}
            ${why === null ? '' : html`<p class="quiet">${why}</p>`}
          </div>
        </li>`,
    )}
  </ol>`
}
