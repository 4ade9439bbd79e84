// The health of a source as the pages show it.

import type { HealthPart, NextStep, SourceHealth } from '../../../core/source-health.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { badge } from './badge.ts'

/** A state with a warning keeps its word; the mark says that something is wrong beside it. */
export function healthBadge({ state, level }: Pick<SourceHealth, 'state' | 'level'>): Html {
  return level === 'warning'
    ? badge(state, {
        tone: 'warn',
        icon: 'warning',
        label: html`${state}<span class="visually-hidden">, with a warning</span>`,
      })
    : badge(state)
}

/** The step as a link to the page where it is done. */
export function stepLink({ text, page }: NextStep): Html {
  return html`<a href="${page}">${text}</a>`
}

/** A part of the health, as a line of `lines`. */
export function toPartLine({ part, state, level, reason, next }: HealthPart) {
  return {
    badge: badge(level === 'problem' ? state : level, { label: part }),
    sentence: reason,
    step: next === null ? EMPTY : html`<code>${next.command}</code> ${stepLink(next)}`,
  }
}
