// A list of sources to add: one address in each line, or CSV whose first line names the columns.

import type { SourceRequest } from './create-source.ts'
import { readSetting } from './source-settings.ts'

export type ListedSource = Pick<SourceRequest, 'shop' | 'name' | 'platform' | 'replaces' | 'set'>

const EMPTY: ListedSource = { shop: '', name: null, platform: null, replaces: null, set: {} }

/** The columns that are not settings of the connector, each with the member that it fills. */
const COLUMNS: ReadonlyMap<string, Exclude<keyof ListedSource, 'set'>> = new Map([
  ['url', 'shop'],
  ['name', 'name'],
  ['platform', 'platform'],
  ['replaces', 'replaces'],
])

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
  const headings = splitCells(first)
  if (!headings.some((heading) => findMember(heading) === 'shop'))
    return first === '' ? [] : [first, ...rest].map((shop) => ({ ...EMPTY, shop }))
  return rest.map((line) => toListedSource(headings, splitCells(line)))
}

function toListedSource(headings: readonly string[], cells: readonly string[]): ListedSource {
  return headings.reduce((listed, heading, index) => {
    const cell = cells[index] ?? ''
    if (cell === '') return listed
    const member = findMember(heading)
    return member === undefined
      ? { ...listed, set: readSetting(`${heading}=${cell}`, listed.set) }
      : { ...listed, [member]: cell }
  }, EMPTY)
}

function findMember(heading: string) {
  return COLUMNS.get(heading.toLowerCase())
}

/** Splits a line of CSV (RFC 4180) without line breaks in its cells. */
function splitCells(line: string): string[] {
  // With a comma before the first cell, every cell is preceded by one, and no match is empty.
  const cells = `,${line}`.matchAll(/,\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)
  return Array.from(cells, ([, quoted, plain = '']) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  )
}
