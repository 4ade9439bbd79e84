// The changes of a run, each field before and after.

import type { ChangeSummary } from '../../../db/read/changes.ts'
import { formatPrice } from '../../../format/format.ts'
import { html, type Content, type Html } from '../html.ts'
import { emptyState } from '../parts/blocks.ts'
import { table } from '../parts/table.ts'

const VALUE_CHARS_MAX = 400

interface FieldChange {
  readonly name: string
  readonly before: Content
  readonly after: Content
  readonly note: string | null
}

/** Returns the fields of a change in the words of the page. */
export function toFieldChanges({
  product,
  detail,
  currencies,
}: Pick<ChangeSummary, 'product' | 'detail' | 'currencies'>): FieldChange[] {
  return Object.entries(detail).map(([name, value]) => {
    const [kind = '', variant = '', type = ''] =
      /^(price|availability|weight):(.*?)(?::([^:]*))?$/s.exec(name)?.slice(1) ?? []
    const of = variant === '' || variant === product ? '' : ` of ${variant}`
    const label = kind === 'price' ? `${type} price${of}` : kind === '' ? name : `${kind}${of}`
    if (!Array.isArray(value)) return { name: label, before: '', after: toText(value), note: null }
    // The licence of the values has ended.
    if (value.length === 0) return { name: label, before: '', after: 'changed', note: 'expired' }
    const [before, after, note]: unknown[] = value
    const show =
      kind === 'price'
        ? (amount: unknown, side: 0 | 1) =>
            formatPrice({
              amountMinor: typeof amount === 'number' ? amount : null,
              currency: currencies[name]?.[side] ?? currencies[name]?.[1] ?? null,
            })
        : toText
    return {
      name: label,
      before: show(before, 0),
      after: show(after, 1),
      note: typeof note === 'string' ? note : null,
    }
  })
}

export function changesTable(changes: readonly ChangeSummary[], run: number): Html {
  return table({
    caption: `Changes of run ${run}`,
    columns: [
      {
        label: 'Product',
        kind: 'free',
        isHeader: true,
        cell: ({ product, title }) =>
          product === null
            ? 'all products'
            : html`${title ?? 'untitled'} <span class="quiet">${product}</span>`,
      },
      { label: 'Change', cell: ({ kind }) => kind },
      { label: 'Fields', kind: 'free', cell: (change) => fieldList(change) },
      {
        label: 'Published',
        isMinor: true,
        cell: ({ published }) => (published ? 'yes' : 'waits for a decision'),
      },
    ],
    rows: changes,
    empty: emptyState({
      title: 'No change',
      about: 'The run changed no product: the supplier sent what is known.',
    }),
  })
}

function fieldList(change: ChangeSummary): Html {
  const fields = toFieldChanges(change)
  if (fields.length === 0) return html`<span class="quiet">–</span>`
  return html`<dl class="diff">
    ${fields.map(
      ({ name, before, after, note }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>
            ${before === '' ? '' : html`<del>${before}</del> <span aria-hidden="true">→</span> `}<ins>${after}</ins>${note === null ? '' : html` <span class="quiet">${note}</span>`}
          </dd>
        </div>`,
    )}
  </dl>`
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX)}…`
}
