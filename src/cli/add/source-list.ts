// A list of sources to add: one address in each line, or CSV whose first line names the columns.

import type { SourceRequest } from './create-source.ts'
import { readSetting } from './source-settings.ts'

/** The columns that are not settings of the connector. */
const ADDRESS_COLUMN = 'url'
const NAME_COLUMN = 'name'
const PLATFORM_COLUMN = 'platform'
const REPLACES_COLUMN = 'replaces'

export type ListedSource = Pick<SourceRequest, 'shop' | 'name' | 'platform' | 'replaces' | 'set'>

/**
 * Parses the text of a list. Empty lines and lines that begin with `#` are skipped. In CSV, the
 * column `url` is required, `name`, `platform` and `replaces` are optional, and each other column is a
 * setting of the connector; an empty cell is absent. A cell cannot contain a line break.
 */
export function parseSourceList(text: string): ListedSource[] {
  const [first = '', ...rest] = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const columns = splitCells(first).map((cell) => cell.toLowerCase() === ADDRESS_COLUMN)
  if (!columns.includes(true))
    return first === '' ? [] : [first, ...rest].map((shop) => ({ ...EMPTY, shop }))
  const headings = splitCells(first)
  return rest.map((line) => toListedSource(headings, splitCells(line)))
}

const EMPTY: ListedSource = { shop: '', name: null, platform: null, replaces: null, set: {} }

function toListedSource(headings: readonly string[], cells: readonly string[]): ListedSource {
  return headings.reduce((listed, heading, index) => {
    const cell = cells[index] ?? ''
    if (cell === '') return listed
    switch (heading.toLowerCase()) {
      case ADDRESS_COLUMN:
        return { ...listed, shop: cell }
      case NAME_COLUMN:
        return { ...listed, name: cell }
      case PLATFORM_COLUMN:
        return { ...listed, platform: cell }
      case REPLACES_COLUMN:
        return { ...listed, replaces: cell }
      default:
        return { ...listed, set: readSetting(`${heading}=${cell}`, listed.set) }
    }
  }, EMPTY)
}

/** Splits a line of CSV (RFC 4180) without line breaks in its cells. */
function splitCells(line: string): string[] {
  // With a comma before the first cell, every cell is preceded by one, and no match is empty.
  const cells = `,${line}`.matchAll(/,\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)
  return Array.from(cells, ([, quoted, plain = '']) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  )
}
