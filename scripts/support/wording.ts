// Wording in comments, messages, test names and docs that makes a reader stop: archaic words,
// inverted clauses, words with another meaning here. Each entry says what to write instead.

import { listFiles, readSourceFile, readText, type Text } from './source-files.ts'

/** Generated files repeat what their sources say. */
const GENERATED = new Set([
  'docs/schema.md',
  'docs/commands.md',
  'docs/errors.md',
  'docs/settings.md',
  'docs/http.md',
  'docs/metrics.md',
])

interface Construction {
  readonly pattern: RegExp
  readonly instead: string
}

const CONSTRUCTIONS: readonly Construction[] = [
  {
    pattern: /\b(who|what|which|when)ever (?=\w+s\b)/i,
    instead: 'name the actor: the worker, the operator, the caller',
  },
  { pattern: /\b(whoever|whatever|whosoever)\b/i, instead: 'name the actor or the thing' },
  {
    pattern: /\b(somebody|nobody|anybody)\b/i,
    instead: 'name the actor: a person, no worker, any caller',
  },
  { pattern: /\banew\b/i, instead: 'again, or the verb with re-: fetches again, rebuilds' },
  { pattern: /\b(goes|go|going|went) on\b/i, instead: 'continues, resumes' },
  { pattern: /\b(has|have|had) not (?!been\b)/i, instead: 'does not have' },
  {
    pattern: /\b(is|are|was|were) no (?!longer\b|more\b|less\b)/i,
    instead: 'is not a, is not valid',
  },
  {
    pattern: /(?:^|[.!:] +)(What|Who) (?![^.!]*\?)\w/,
    instead: 'begin with the noun: "State shared by …", "Returns …"',
  },
  {
    pattern: /(?:^|[.!:] +)How (long|often|many|much|far|late|fast)\b(?![^.!]*\?)/,
    instead: 'name the quantity: "Lease duration."',
  },
  { pattern: /\b(patience|withRetry)\b/i, instead: 'retry' },
  {
    pattern: /\b(thereof|therein|hitherto|lest|borne|hereby|twofold|hence)\b/i,
    instead: 'plain words',
  },
  { pattern: /\banswer(s|ed|ing)?\b/i, instead: 'response, respond, return' },
  { pattern: /\bfaces?\b(?! to)/i, instead: 'server, API' },
]

/** Every place with such wording, as `path:line: "words" → what to write instead`. */
export function listWordings(): string[] {
  const code = listFiles(['{src,simulators,scripts,bench,bin,test}/**/*.{ts,js}']).filter(
    (path) => path !== 'scripts/support/wording.ts',
  )
  const sql = listFiles(['supabase/schemas/*.sql'])
  const pages = listFiles([
    '*.md',
    'docs/**/*.md',
    'src/**/*.md',
    'deploy/**/*.{md,yml}',
    '.env.example',
  ]).filter((path) => !GENERATED.has(path))
  return [
    ...code.flatMap((path) => findIn(path, readCodeTexts(path))),
    ...sql.flatMap((path) => findIn(path, readSqlTexts(readText(path)))),
    ...pages.flatMap((path) =>
      findIn(
        path,
        readText(path)
          .split('\n')
          .map((text, index) => ({ line: index + 1, text })),
      ),
    ),
  ]
}

function findIn(path: string, texts: readonly Text[]): string[] {
  return texts.flatMap(({ line, text }) => {
    const hit = CONSTRUCTIONS.find(({ pattern }) => pattern.test(text))
    return hit ? [`${path}:${line}: "${hit.pattern.exec(text)?.[0].trim()}" → ${hit.instead}`] : []
  })
}

function readCodeTexts(path: string): Text[] {
  const { comments, texts } = readSourceFile(path)
  return [...joinLines(comments), ...texts.filter(({ text }) => isSentence(text))]
}

/** Line comments below each other are one text; a sentence may begin on its second line. */
function joinLines(comments: readonly Text[]): Text[] {
  const joined: { line: number; last: number; text: string }[] = []
  for (const { line, text } of comments) {
    const before = joined.at(-1)
    if (before && before.last === line - 1) {
      before.text += ` ${text}`
      before.last = line
    } else joined.push({ line, last: line, text })
  }
  return joined
}

/** Two spaces between letters: keys, paths and SQL keywords are left alone. */
function isSentence(text: string): boolean {
  return /[a-z,] [a-z].* [a-z]/i.test(text)
}

function readSqlTexts(sql: string): Text[] {
  return sql.split('\n').flatMap((row, index) => {
    const comment = /--\s*(.*)$/.exec(row)?.[1]
    const strings = [...row.replace(/--.*$/, '').matchAll(/'((?:[^']|'')*)'/g)]
      .map(([, text = '']) => text)
      .filter(isSentence)
    return [...(comment === undefined ? [] : [comment]), ...strings].map((text) => ({
      line: index + 1,
      text,
    }))
  })
}
