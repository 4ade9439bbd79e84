// Prints lists as tables. Only commands with a list import this file.

import { cutText } from '../../lib/text.ts'
import type { Output } from './output.ts'
import { formatTable, type Rows } from './table.ts'

/**
 * Maximum length of a table cell, because a supplier's id can have megabytes. JSON output is not
 * cut.
 */
const CELL_CHARS_MAX = 1000

export interface List {
  readonly headings: readonly string[]
  readonly rows: Rows
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
  const { width, colours, json, stdout } = output
  const text = formatTable(headings, cells, { width })
  if (text === '' || !colours || json) output.result(value, text || empty)
  else stdout.write(`${formatTable(headings, cells, { width, paint })}\n`)
}

/** Prints a table after the lines of the work that it sums up, and the totals. Not with --json. */
export function printTotals(
  output: Output,
  table: Pick<List, 'headings' | 'rows'>,
  totals: string,
): void {
  if (output.json) return
  output.say('')
  printList(output, [], { ...table, empty: '' })
  output.say(totals)
}

const COLOURS: readonly (readonly [colour: number, words: RegExp])[] = [
  [31, /failed|removed|late|rejected|purged/],
  [33, /held|paused|interrupted|missing|unavailable|running|draft|not started/],
  [32, /succeeded|active|current|approved/],
]
const STATES = new Set(['state', 'status', 'last run', 'next due'])

/** State words are green, yellow or red, and headings dim (ECMA-48, select graphic rendition). */
function paint(heading: string, text: string): string {
  if (heading === '') return `\u001b[2m${text}\u001b[22m`
  const colour = STATES.has(heading) && COLOURS.find(([, words]) => words.test(text))?.[0]
  return colour ? `\u001b[${colour}m${text}\u001b[39m` : text
}
