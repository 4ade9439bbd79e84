// The options and the output of paged lists.

import { InvalidArgumentError, Option } from 'commander'
import { isCursor, type ListName, type ListPage } from '../db/read/page.ts'
import type { Output } from './output.ts'
import type { formatTable } from './format.ts'

export interface Table {
  readonly headings: readonly string[]
  readonly rows: Parameters<typeof formatTable>[1]
  /** Printed instead of a table without rows. */
  readonly empty: string
}

export function createAfterOption(list: ListName): Option {
  return new Option('--after <cursor>', 'print the page after this cursor').argParser((text) => {
    if (!isCursor(list, text))
      throw new InvalidArgumentError('It must be the cursor at the end of the page before.')
    return text
  })
}

/** Prints a page as a table, or as one JSON object `{items, next}` with --json. */
export function printPage(output: Output, { items, next }: ListPage<unknown>, table: Table): void {
  output.list({ items, next }, table.headings, table.rows, table.empty)
  if (next !== null) output.say(`There is more: repeat the command with --after ${next}`)
}
