// Settings as a table: each with its value, and whether that is the default.

import { EMPTY, html, type Content, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { table } from '../parts/table.ts'

interface ShownValue {
  readonly name: string
  readonly value: Content
  readonly isDefault: boolean
  /** The default; null if it is the value, or unknown. */
  readonly standard: string | null
}

export function valuesTable(caption: string, rows: readonly ShownValue[]): Html {
  return table({
    caption,
    rows,
    columns: [
      { label: 'Setting', isHeader: true, cell: ({ name }) => name },
      { label: 'Value', cell: ({ value }) => value },
      {
        label: 'Default',
        cell: ({ isDefault, standard }) =>
          isDefault
            ? html`<span class="quiet">default</span>`
            : html`${badge('action', { label: standard === null ? 'set' : 'changed' })}
              ${standard === null ? EMPTY : html`<span class="quiet">default: ${standard}</span>`}`,
      },
    ],
    empty: html`<p class="quiet">It has none.</p>`,
  })
}

export function toText(value: unknown): string {
  if (isEmpty(value)) return 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** True for null, and for a list or an object whose members are all empty. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true
  return typeof value === 'object' && Object.values(value).every(isEmpty)
}

/** An address without what may belong to its reader only: user, password and query. */
export function toShown(value: unknown): string {
  const url = typeof value === 'string' && value.includes('://') ? URL.parse(value) : null
  return url === null ? toText(value) : `${url.origin}${url.pathname}`
}
