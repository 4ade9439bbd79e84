// A list of sources to add: one address in each line, or CSV whose first line names the columns.

import type { Json } from '../../core/json.ts'
import type { SourceRequest } from './create-source.ts'
import { readSetting } from './source-settings.ts'

/** The columns that are not settings of the connector. */
const ADDRESS_COLUMN = 'url'
const NAME_COLUMN = 'name'
const PLATFORM_COLUMN = 'platform'

export type ListedSource = Pick<SourceRequest, 'shop' | 'name' | 'platform' | 'set'>

/**
 * Parses the text of a list. Empty lines and lines that begin with `#` are skipped. In CSV, the
 * column `url` is required, `name` and `platform` are optional, and each other column is a setting
 * of the connector; an empty cell is absent. A cell cannot contain a line break.
 */
export function parseSourceList(text: string): ListedSource[] {
  const [first = '', ...rest] = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const columns = splitCells(first).map((cell) => cell.toLowerCase() === ADDRESS_COLUMN)
  if (!columns.includes(true))
    return first === ''
      ? []
      : [first, ...rest].map((shop) => ({ shop, name: null, platform: null, set: {} }))
  const headings = splitCells(first)
  return rest.map((line) => toListedSource(headings, splitCells(line)))
}

function toListedSource(headings: readonly string[], cells: readonly string[]): ListedSource {
  let shop = ''
  let name: string | null = null
  let platform: string | null = null
  let set: Record<string, Json> = {}
  for (const [index, heading] of headings.entries()) {
    const cell = cells[index] ?? ''
    if (cell === '') continue
    if (heading.toLowerCase() === ADDRESS_COLUMN) shop = cell
    else if (heading.toLowerCase() === NAME_COLUMN) name = cell
    else if (heading.toLowerCase() === PLATFORM_COLUMN) platform = cell
    else set = readSetting(`${heading}=${cell}`, set)
  }
  return { shop, name, platform, set }
}

/** Splits a line of CSV (RFC 4180) without line breaks in its cells. */
function splitCells(line: string): string[] {
  // With a comma before the first cell, every cell is preceded by one, and no match is empty.
  const cells = `,${line}`.matchAll(/,\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)
  return Array.from(cells, ([, quoted, plain = '']) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  )
}
