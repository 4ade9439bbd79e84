// Sizes of the SQL in supabase/schemas, for `npm run structure`.

import { listFiles, readText } from './source-files.ts'

interface SqlFile {
  readonly path: string
  readonly lines: readonly string[]
  readonly functions: readonly { readonly place: string; readonly lines: number }[]
}

export function listSqlFiles(): SqlFile[] {
  return listFiles(['supabase/schemas/*.sql']).map((path) => {
    const text = readText(path)
    return { path, lines: text.split('\n'), functions: listFunctions(path, text) }
  })
}

/** From `create function` to the end of the body. */
function listFunctions(path: string, text: string): SqlFile['functions'] {
  const statements = text.matchAll(/^create function ([\w.]+)\([\s\S]*?as \$\$[\s\S]*?\$\$;$/gm)
  return [...statements].map(({ 0: statement, 1: name, index }) => ({
    place: `${path}:${countLines(text.slice(0, index))} ${name}`,
    lines: countLines(statement),
  }))
}

function countLines(text: string): number {
  return text.split('\n').length
}
