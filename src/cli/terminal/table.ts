// Tables that fit the terminal. Columns of long text are cut in the middle, the least important
// first; ids and commands are never cut. A table that is still too wide becomes a block of lines
// per row.

import { formatCount } from '../format/format.ts'
import { measureCharacter, measureText } from './measure-text.ts'

type Cell = string | number | null
export type Rows = readonly (readonly Cell[])[]
type Paint = (heading: string, text: string) => string

/** The columns that may be cut, the least important first. */
const CUTTABLE = ['detail', 'reason', 'message', 'address', 'schedule', 'title']
/** A shorter text says nothing. */
const CUT_MIN = 16
const GAP = '  '

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
  for (const name of CUTTABLE) {
    const column = headings.indexOf(name)
    const before = widths[column]
    if (over <= 0 || before === undefined) continue
    const after = Math.max(Math.min(before, CUT_MIN), before - over)
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

/**
 * ```
 * run 7 · source my-shop · state held · started 2 h ago
 *   fetched 20,000 · reason 127 of 150 products are missing
 * ```
 */
function formatBlocks(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  return rows
    .map((row) => {
      const facts = row.flatMap((text, column) => {
        const heading = headings[column] ?? ''
        return text === '-' || text === '' ? [] : [{ heading, text }]
      })
      const lines: string[] = ['']
      let used = 0
      const add = (plain: string, painted: string, joint: string): void => {
        const isFirst = used === 0
        if (!isFirst && used + measureText(joint + plain) > width) {
          lines.push(`  ${painted}`)
          used = 2 + measureText(plain)
          return
        }
        lines[lines.length - 1] += `${isFirst ? '' : joint}${painted}`
        used += measureText(`${isFirst ? '' : joint}${plain}`)
      }
      for (const { heading, text } of facts) {
        const fits = measureText(`${heading} ${text}`) + 2 <= width
        const words = fits || !CUTTABLE.includes(heading) ? [text] : text.split(' ')
        for (const [at, word] of words.entries()) {
          const painted = paint(heading, word)
          if (at > 0) add(word, painted, ' ')
          else add(`${heading} ${word}`, `${paint('', heading)} ${painted}`, ' · ')
        }
      }
      return lines.join('\n')
    })
    .join('\n')
}
