// Finds the `update` and `delete` statements of a function without a `where`, which Supabase's Data
// API refuses: https://github.com/eradman/pg-safeupdate, preloaded for the login that PostgREST
// uses.

/**
 * Lists each such statement, shortened. `definition` is the text of one function, including dynamic
 * SQL in dollar quotes.
 */
export function listUnconditional(definition: string): string[] {
  const text = definition
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/'(?:[^']|'')*'/g, "''")
    .toLowerCase()
  const starts = text.matchAll(
    /(?<!\b(?:for|key|do)\s+)\b(?:update\s+(?:only\s+)?[\w.%$"]+(?:\s+(?:as\s+)?[\w"]+)?\s+set|delete\s+from)\b/g,
  )
  return [...starts]
    .map(({ index }) => statementAt(text, index))
    .filter((statement) => !hasWhere(statement))
    .map((statement) => statement.slice(0, 120))
}

/** Up to the semicolon, the closing parenthesis of a `with`, or the end of the text. */
function statementAt(text: string, start: number): string {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
    if (
      depth < 0 ||
      (text[at] === ';' && depth === 0) ||
      (text.startsWith('$', at) && depth === 0 && /^\$\w*\$/.test(text.slice(at)))
    )
      return text.slice(start, at)
  }
  return text.slice(start)
}

/** True when the statement itself has a `where`. One in parentheses belongs to a subquery. */
function hasWhere(statement: string): boolean {
  let flat = statement
  for (let inner = ''; inner !== flat;) {
    inner = flat
    flat = flat.replaceAll(/\([^()]*\)/g, '')
  }
  return /\bwhere\b/.test(flat)
}
