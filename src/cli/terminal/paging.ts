// The options and the output of paged lists.

import { InvalidArgumentError, Option } from 'commander'
import { isCursor, type ListName, type ListPage } from '../../db/read/page.ts'
import type { Output } from './output.ts'
import { formatArgument } from '../../format/format.ts'
import { formatCount } from '../../lib/words.ts'
import { printList } from './list.ts'
import type { Rows } from './table.ts'

export interface Table {
  readonly headings: readonly string[]
  readonly rows: Rows
  /** Printed instead of a table without rows. */
  readonly empty: string
  /** The command without --after, see `formatRepeat`. */
  readonly command: string
  /** Counts the rows of all pages. Without it, the total is not printed. */
  readonly count?: () => Promise<number>
}

export function createAfterOption(list: ListName): Option {
  return new Option('--after <cursor>', 'print the page after this cursor').argParser((text) => {
    if (!isCursor(list, text))
      throw new InvalidArgumentError('It must be the cursor at the end of the page before.')
    return text
  })
}

/**
 * Prints a page as a table, or as one JSON object `{items, next, …}` with --json. When another page
 * follows, the command that prints it comes after the table.
 */
export async function printPage(
  output: Output,
  page: ListPage<unknown>,
  { headings, rows, empty, command, count }: Table,
): Promise<void> {
  const { items, next } = page
  printList(output, page, { headings, rows, empty })
  if (next === null || output.json) return
  const shown = formatCount(items.length)
  const total = count && (await count())
  output.say(
    `${total === undefined ? `${shown}, and there are more` : `${shown} of ${formatCount(total)}`}: ${command} --after ${next}`,
  )
}

/** `shelfsync reviews --source my-shop`: the words and the options that are not undefined. */
export function formatRepeat(
  words: readonly string[],
  options: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  return ['shelfsync', ...words, ...given].map(formatArgument).join(' ')
}
