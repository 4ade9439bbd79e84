// Tables that fit the terminal. Columns of long text are cut in the middle, the least important
// first; ids and commands are never cut. A table that is still too wide becomes a block of lines
// per row.

import { formatCount } from '../../lib/words.ts'
import { measureCharacter, measureText } from './measure-text.ts'
import { splitWords } from './wrap.ts'

type Cell = string | number | null
export type Rows = readonly (readonly Cell[])[]
type Paint = (heading: string, text: string) => string

/** The columns that may be cut, the least important first, and the shortest text that helps. */
const CUTTABLE: readonly (readonly [heading: string, columnsMin: number])[] = [
  ['detail', 36],
  ['reason', 24],
  ['message', 24],
  ['address', 24],
  ['schedule', 16],
  ['title', 16],
]
const GAP = '  '
const FACT_JOINT = ' · '
const FACT_INDENT = '  '
const WORD_INDENT = '    '

/** Aligns columns, numbers to the right. Returns an empty string without rows. */
export function formatTable(
  headings: readonly string[],
  rows: Rows,
  { width = Infinity, paint = (_, text) => text }: { width?: number; paint?: Paint } = {},
): string {
  if (rows.length === 0) return ''
  const texts = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : (cell ?? '-'))),
  )
  const natural = headings.map((heading, column) =>
    Math.max(measureText(heading), ...texts.map((row) => measureText(row[column] ?? ''))),
  )
  const widths = fitWidths(headings, natural, width)
  if (widths === null) return formatBlocks(headings, texts, { width, paint })
  const isNumeric = headings.map((_, column) =>
    rows.every((row) => typeof (row[column] ?? 0) === 'number'),
  )
  const line = (row: readonly string[], paintCell: Paint): string =>
    row
      .map((whole, column) => {
        const columns = widths[column] ?? 0
        const text = cutMiddle(whole, columns)
        const isLast = column === row.length - 1
        const space = ' '.repeat(Math.max(0, columns - measureText(text)))
        const painted = paintCell(headings[column] ?? '', text)
        return isNumeric[column] ? space + painted : painted + (isLast ? '' : space)
      })
      .join(GAP)
      .trimEnd()
  return [
    line(headings, (_, text) => paint('', text)),
    ...texts.map((row) => line(row, paint)),
  ].join('\n')
}

/** Returns null when the columns that may not be cut leave too little for the others. */
function fitWidths(
  headings: readonly string[],
  natural: readonly number[],
  width: number,
): number[] | null {
  const widths = [...natural]
  let over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width
  for (const [name, columnsMin] of CUTTABLE) {
    const column = headings.indexOf(name)
    const before = widths[column]
    if (over <= 0 || before === undefined) continue
    const after = Math.max(Math.min(before, columnsMin), before - over)
    widths[column] = after
    over -= before - after
  }
  return over > 0 ? null : widths
}

/** `Supplier Bou…que`: both ends of a text are kept. */
export function cutMiddle(text: string, columnsMax: number): string {
  if (measureText(text) <= columnsMax) return text
  const characters = Array.from(text)
  const take = (list: readonly string[], columns: number): string[] => {
    let left = columns
    const end = list.findIndex((character) => (left -= measureCharacter(character)) < 0)
    return list.slice(0, end === -1 ? undefined : end)
  }
  const head = take(characters, Math.ceil((columnsMax - 1) / 2))
  const tail = take(characters.toReversed(), Math.floor((columnsMax - 1) / 2)).toReversed()
  return `${head.join('')}…${tail.join('')}`
}

interface Room {
  readonly width: number
  readonly paint: Paint
}

function formatBlocks(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  room: Room,
): string {
  return rows.map((row) => formatBlock(headings, row, room)).join('\n')
}

/**
 * A fact that is longer than a line continues under its heading.
 *
 * ```
 * run 7 · source my-shop · state held · started 2 h ago
 *   fetched 20,000
 *   reason 127 of 150 products are missing (more than
 *     15 %)
 * ```
 */
function formatBlock(
  headings: readonly string[],
  row: readonly string[],
  { width, paint }: Room,
): string {
  const lines = ['']
  let used = 0
  const append = (plain: string, painted: string, columns: number): void => {
    lines[lines.length - 1] += painted
    used += columns + measureText(plain)
  }
  for (const [column, text] of row.entries()) {
    if (text === '-' || text === '') continue
    const heading = headings[column] ?? ''
    const isWhole = measureText(`${heading} ${text}`) + FACT_INDENT.length <= width
    const [first = '', ...rest] = isWhole ? [text] : splitWords(text)
    const plain = `${heading} ${first.trimStart()}`
    const painted = `${paint('', heading)} ${paint(heading, first.trimStart())}`
    if (used === 0) append(plain, painted, 0)
    else if (isWhole && used + FACT_JOINT.length + measureText(plain) <= width)
      append(plain, FACT_JOINT + painted, FACT_JOINT.length)
    else {
      used = FACT_INDENT.length
      lines.push(FACT_INDENT)
      append(plain, painted, 0)
    }
    for (const word of rest) {
      const isOnLine = used + measureText(word) <= width
      if (!isOnLine) {
        used = WORD_INDENT.length
        lines.push(WORD_INDENT)
      }
      const shown = isOnLine ? word : word.trimStart()
      append(shown, paint(heading, shown), 0)
    }
  }
  return lines.join('\n')
}
