// CSV by RFC 4180, which spreadsheets open without executing its texts.

export type Cell = string | number | boolean | Date | null

export interface CsvOptions {
  /** True to write every text unchanged, for programs. */
  readonly exact: boolean
}

/**
 * A spreadsheet executes a cell that begins so as a formula, also after spaces:
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^\s*[=+\-@\t\r\n＝＋－＠]/u

/** Returns one line, with its end. Null is an empty cell. */
export function formatCsvLine(cells: readonly Cell[], { exact }: CsvOptions): string {
  return `${cells.map((cell) => formatCell(cell, exact)).join(',')}\r\n`
}

/** Numbers are of the server, and keep their sign. */
function formatCell(cell: Cell, exact: boolean): string {
  if (cell === null) return ''
  if (cell instanceof Date) return cell.toISOString()
  if (typeof cell !== 'string') return String(cell)
  const safe = !exact && FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
