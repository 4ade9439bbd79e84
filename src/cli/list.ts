// Prints lists as tables. Only commands with a list import this file.

import { cutText } from '../lib/text.ts'
import { formatTable } from './format.ts'
import type { Output } from './output.ts'

/**
 * Maximum length of a table cell, because a supplier's id can have megabytes. JSON output is not
 * cut.
 */
const CELL_CHARS_MAX = 1000

export interface List {
  readonly headings: readonly string[]
  readonly rows: Parameters<typeof formatTable>[1]
  /** Printed instead of a table without rows. */
  readonly empty: string
}

/** Prints `value` with --json, otherwise a table. */
export function printList(output: Output, value: unknown, { headings, rows, empty }: List): void {
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === 'string' ? cutText(output.inLine(cell), CELL_CHARS_MAX) : cell,
    ),
  )
  output.result(value, formatTable(headings, cells) || empty)
}
