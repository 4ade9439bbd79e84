// A table that is readable on a phone: there each row is a card, and each cell has the name of its
// column.

import { attributes, html, type Content, type Html } from '../html.ts'

export interface Column<Row> {
  readonly label: string
  readonly cell: (row: Row) => Content
  /**
   * `number` is aligned to the right, in digits of one width. `free` is text from outside, whose
   * words may be longer than the column. Default: `text`.
   */
  readonly kind?: 'text' | 'free' | 'number' | 'actions'
  /** True for the cell that names the row. */
  readonly isHeader?: boolean
  /** Hidden on a narrow screen. */
  readonly isMinor?: boolean
  /** The address that sorts by this column, and the present order. */
  readonly sort?: { readonly href: string; readonly order: 'ascending' | 'descending' | null }
}

interface TableOptions<Row> {
  /** Describes the table for a screen reader. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  /** Shown instead of a table without rows. */
  readonly empty: Content
  /** An element id of a row, so that it can be linked to. */
  readonly rowId?: (row: Row) => string
  /**
   * True for a long list: on a phone the cells of a row follow its name beside each other, and only numbers
   * have the name of their column.
   */
  readonly isBrief?: boolean
}

export function table<Row>(options: TableOptions<Row>): Html {
  const { caption, columns, rows, empty, rowId, isBrief = false } = options
  if (rows.length === 0) return html`${empty}`
  return html`<div class="table-frame">
    <table class="list${isBrief ? ' brief' : ''}">
      <caption class="visually-hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(headingCell)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr${attributes({ id: rowId?.(row) })}>${columns.map((column) => bodyCell(column, row))}</tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function headingCell<Row>({ label, sort, ...column }: Column<Row>): Html {
  const text = sort
    ? html`<a href="${sort.href}"
        >${label}<span class="sort" aria-hidden="true"
          >${sort.order === null ? '' : sort.order === 'ascending' ? ' ↑' : ' ↓'}</span
        ></a
      >`
    : label
  return html`<th scope="col" ${attributes({ class: classOf(column), 'aria-sort': sort?.order })}>
    ${text}
  </th>`
}

function bodyCell<Row>({ label, cell, ...column }: Column<Row>, row: Row): Html {
  const shared = attributes({ class: classOf(column), 'data-label': label })
  return column.isHeader === true
    ? html`<th scope="row" ${shared}>${cell(row)}</th>`
    : html`<td${shared}>${cell(row)}</td>`
}

function classOf<Row>({
  kind = 'text',
  isMinor = false,
}: Omit<Column<Row>, 'label' | 'cell' | 'sort'>) {
  return [kind === 'text' ? '' : kind, isMinor ? 'minor' : ''].filter(Boolean).join(' ') || null
}
