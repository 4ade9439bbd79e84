// Finds wording in comments, messages, test names and docs that slows a reader down: archaic words,
// inverted clauses, and words with another meaning in this project.

import { listFiles, readSourceFile, readText, type Text } from './source-files.ts'

/** Generated files repeat the text of their sources. */
const GENERATED = new Set([
  'docs/schema.md',
  'docs/commands.md',
  'docs/errors.md',
  'docs/settings.md',
  'docs/http.md',
  'docs/metrics.md',
])

/** Enough to find the place in its line. */
const QUOTE_CHARS = 30

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
    pattern: /\b(somebody|nobody|anybody)\b(?!`)/i,
    instead: 'name the actor: a person, no worker, any caller',
  },
  { pattern: /\banew\b/i, instead: 'again, or the verb with re-: fetches again, rebuilds' },
  { pattern: /\b(goes|go|going|went) on\b/i, instead: 'continues, resumes' },
  {
    pattern: /\b(has|have|had) not (?!(been|begun|come|gone|seen|sent|read|made|\w+ed|\w+en)\b)/i,
    instead: 'does not have',
  },
  {
    pattern: /\b(is|are|was|were) no (?!longer\b|more\b|less\b)/i,
    instead: 'is not a, is not valid',
  },
  {
    pattern: /(?:^|[.!:] +)(What|Who|Whether|Which) (?![^.!]*\?)\w/,
    instead: 'begin with the noun or the verb: "State shared by …", "Returns …", "True when …"',
  },
  {
    pattern: /(?:^|[.!:] +)(How (?!to\b)(?![^.!]*\?)|Where (?![^.!]*[,?]))\w/,
    instead: 'name the quantity or the place: "Lease duration."',
  },
  {
    pattern: /(?:^|[.!] +)Of (?!course)(?![^.!]*,)\w/,
    instead: 'name the thing: "Bytes of the line so far."',
  },
  {
    pattern:
      /\b(so|nor|neither) (is|are|does|do|did|was|were|has|have|can) (the|a|an|it|its|one|this|they)\b/i,
    instead: 'subject before verb: "… also"',
  },
  { pattern: /\bonly (then|here|now) (is|are|does|do|can|may|was)\b/i, instead: 'subject first' },
  { pattern: /\b(comes?|came|coming) to\b/i, instead: 'becomes, results in, reaches' },
  { pattern: /\b(sees?|carr(y|ies|ied)) (\w+ ){1,2}through\b/i, instead: 'runs it to its end' },
  { pattern: /\b(is|are|was|were) away\b/i, instead: 'is unavailable' },
  { pattern: /\b(sets?|setting) (\w+ )?aside\b/i, instead: 'quarantine' },
  { pattern: /\bas (it|they) (came|comes?|stands?|lies?)\b/i, instead: 'unchanged' },
  { pattern: /\b(tells|told|telling)\b/i, instead: 'reports, returns, distinguishes' },
  {
    pattern: /\bof (its|their|his|our|your|my|one's) own\b/i,
    instead: 'its own, a separate, a private',
  },
  { pattern: /\bnothing that\b/i, instead: 'no, not any' },
  { pattern: /\bnone of\b/i, instead: 'no' },
  { pattern: /\bin (its |their )?(own )?words\b/i, instead: 'as text' },
  { pattern: /\bask(s|ed|ing)? for\b/i, instead: 'requests' },
  { pattern: /\b(holds?|held|holding) (\w+ )?up\b/i, instead: 'delays, blocks' },
  { pattern: /\bfor ever\b/i, instead: 'forever, without limit' },
  { pattern: /\bmend(s|ed|ing)?\b/i, instead: 'fix, repair' },
  {
    pattern: /\b(lease|fencing)s?\b[^.]{0,30}\bheld\b|\bheld\b[^.]{0,30}\b(lease|fencing)\b/i,
    instead: 'leased: only a person has something held',
  },
  {
    pattern: /(?<!\bin )\b(an|each|every|no|queued|new|open)\b orders?\b(?! (of|in|by|to)\b)/i,
    instead: 'request',
  },
  { pattern: /\b(patience|withRetry)\b/i, instead: 'retry' },
  {
    pattern: /\b(thereof|therein|hitherto|lest|borne|hereby|twofold|hence)\b/i,
    instead: 'plain words',
  },
  { pattern: /\banswer(s|ed|ing)?\b/i, instead: 'response, respond, return' },
  { pattern: /\bfaces?\b(?! to)/i, instead: 'server, API' },
]

/** Names of tests begin in lower case. Text elsewhere that does is often the end of a sentence. */
const TEST_NAME: Construction = {
  pattern: /^(what|who|how|whether|which) (?![^.!]*\?)\w/,
  instead: 'begin with the noun: "a record without an id is …"',
}

/** Every place with such wording, as `path:line: "words" → what to write instead`. */
export function listWordings(): string[] {
  const code = listFiles(['{src,simulators,scripts,bench,bin,test}/**/*.{ts,js}']).filter(
    (path) => path !== 'scripts/support/wording.ts',
  )
  const sql = listFiles(['supabase/{schemas,migrations}/*.sql']).filter(
    (path) => !readText(path).startsWith('-- Generated from'),
  )
  const pages = listFiles([
    '*.md',
    'docs/**/*.md',
    '{src,simulators,scripts,supabase}/**/*.md',
    'deploy/**/*.{md,yml}',
    '.env.example',
    '.ci/run',
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
  const constructions = path.endsWith('.test.ts') ? [...CONSTRUCTIONS, TEST_NAME] : CONSTRUCTIONS
  return texts.flatMap(({ line, text }) => {
    const oneLine = text.replaceAll(/\s+/g, ' ')
    return constructions.flatMap(({ pattern, instead }) =>
      [...oneLine.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(
        ({ index }) =>
          `${path}:${line}: "${oneLine.slice(index, index + QUOTE_CHARS).trim()}" → ${instead}`,
      ),
    )
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
