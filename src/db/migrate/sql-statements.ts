// Splits an SQL script into its statements, so that an error can name the line of the failing one.
// It handles strings, quoted names, dollar quotes and comments. It splits `begin atomic` bodies,
// and Postgres then refuses the pieces.

export interface Statement {
  readonly sql: string
  /** Line of the statement's first word in the script, from 1. */
  readonly line: number
}

const TOKEN = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`/\*[\s\S]*?\*/`,
    String.raw`(?<![a-z0-9_])e'(?:[^'\\]|\\[\s\S]|'')*'`,
    String.raw`'(?:[^']|'')*'`,
    String.raw`"(?:[^"]|"")*"`,
    String.raw`(?<![a-z0-9_$])\$(?<tag>[a-z_]\w*)?\$[\s\S]*?\$\k<tag>\$`,
    ';',
  ].join('|'),
  'gi',
)

export function splitSql(script: string): Statement[] {
  const statements: Statement[] = []
  let start = 0
  let line = 1
  const take = (end: number): void => {
    const raw = script.slice(start, end)
    const blank = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(raw)?.[0] ?? ''
    const sql = raw.slice(blank.length).trimEnd()
    if (sql !== '') statements.push({ sql, line: line + countLines(blank) })
    line += countLines(raw)
    start = end
  }
  for (const token of script.matchAll(TOKEN)) {
    if (token[0] !== ';') continue
    take(token.index)
    start = token.index + 1
  }
  take(script.length)
  return statements
}

export function countLines(text: string): number {
  return text.split('\n').length - 1
}
