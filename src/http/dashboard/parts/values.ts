// Numbers, times and amounts as people read them: with the exact value where the text rounds.

import { formatBytes, formatInstant, formatPrice, type Amount } from '../../../format/format.ts'
import { formatCount, formatRelative } from '../../../lib/words.ts'
import { formatDuration } from '../../../lib/format-duration.ts'
import { html, type Html } from '../html.ts'

const NONE = html`<span class="none" aria-label="none">–</span>`

/** `5 min ago`, with the instant in the title. */
export function time(at: Date | null, nowMs: number): Html {
  if (at === null) return NONE
  const exact = formatInstant(at)
  return html`<time datetime="${at.toISOString()}" title="${exact}"
    >${formatRelative(at, new Date(nowMs))}</time
  >`
}

/** `2026-01-31 03:17:02 UTC`. */
export function instant(at: Date | null): Html {
  if (at === null) return NONE
  return html`<time datetime="${at.toISOString()}">${formatInstant(at)}</time>`
}

export function duration(ms: number | null): Html {
  return ms === null ? NONE : html`<span class="number">${formatDuration(ms / 1000)}</span>`
}

export function count(value: number | null): Html {
  return value === null ? NONE : html`<span class="number">${formatCount(value)}</span>`
}

export function bytes(value: number | null): Html {
  if (value === null) return NONE
  return html`<span class="number" title="${formatCount(value)} bytes">${formatBytes(value)}</span>`
}

/** `AUD 12.50`, or `no price`. */
export function money(amount: Amount): Html {
  return html`<span class="number">${formatPrice(amount)}</span>`
}

/** `42.5 %` of a share from 0 to 1. */
export function percent(share: number | null, digits = 1): Html {
  return share === null
    ? NONE
    : html`<span class="number">${(share * 100).toFixed(digits)} %</span>`
}

/** A value that may be missing. */
export function orNone(value: string | number | null | undefined): Html {
  return value === null || value === undefined || value === '' ? NONE : html`${value}`
}
