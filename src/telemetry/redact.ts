// Takes secrets out of text. What comes from outside may quote a secret in the middle of anything,
// so there each value that we know and everything that looks like one is taken out, where the text
// enters. What we say ourselves is only looked through for values that cannot be a word of ours: a
// password such as "removed" would otherwise eat the names of sources and the members of JSON.

import { listSpellings } from '../lib/secrets.ts'

const MARK = '[redacted]'
// Shorter values are words: hiding them would hide half of every line and protect nothing.
const SECRET_LENGTH_MIN = 4

// The end of a header or member name whose value is a secret, whatever it looks like.
const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|(?:api|admin|private|consumer|service[-_]?role)[-_]?key)'

// What help and hints write in place of a key, and nothing longer that begins so.
const PLACEHOLDER = String.raw`(?:id:secret|your-key-id(?::your-key-secret)?|your-key-secret|…)(?![^\s#&"'\`<>\\;,)])`

// How our own messages go on after the name of a setting: words with a space behind them, which no
// secret has.
const WORDS = '(?:missing;|expected|set) '

// Every repetition is bounded or ends at a delimiter: these also run over error texts that a
// supplier wrote.
const SHAPES: readonly (readonly [RegExp, string])[] = [
  // user:password@ or token@ of any URL, up to the last @: a password may hold an unencoded slash.
  [
    /(\b[a-z][\w+.-]{0,20}:\/\/)(?:[^\s/?#"'`<>]+|[^\s/?#"'`<>@]*:[^\s"'`<>]{0,500})@/gi,
    `$1${MARK}@`,
  ],
  // An HTTP scheme and its credentials; the look-ahead spares prose such as "Basic authentication".
  [
    /\b((?:[Bb]asic|BASIC)\s+(?=\S*[A-Z0-9+/=])|(?:[Bb]earer|BEARER)\s+)[\w+/=.~-]{6,}/g,
    `$1${MARK}`,
  ],
  [/\bsb_secret_[\w-]+/g, MARK],
  [/\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g, MARK],
  // Query and form values: token=, key=, mac=, and names that end so.
  [
    new RegExp(
      String.raw`([\w.-]{0,40}(?:token|key|secret|mac|password|passwd|signature|sig)(?:=|%3D))(?!${PLACEHOLDER})[^\s#&"'\`<>\\;,)]+`,
      'gi',
    ),
    `$1${MARK}`,
  ],
  // Headers and members, quoted or not, also inside JSON that is itself a string.
  [
    new RegExp(String.raw`(${SECRET_NAME}\\*["']?\s*:\s*)(\\*["'])(?:(?!\2).)+\2`, 'gi'),
    `$1$2${MARK}$2`,
  ],
  [
    new RegExp(String.raw`(${SECRET_NAME}:[ \t]*)(?![\s"'\\\[]|${WORDS})[^\r\n"']+`, 'gi'),
    `$1${MARK}`,
  ],
]

/** Whether the value under `name` is a secret whatever it looks like. */
export function isSecretName(name: string): boolean {
  return new RegExp(`${SECRET_NAME}$`, 'i').test(name)
}

export type Redactor = (text: string) => string

/**
 * For text from outside and for errors that we did not name: replaces each of `secrets` by
 * `[redacted]`, in every spelling that it travels in, and whatever looks like a secret; pass
 * `id:secret` too where it is sent as Basic. Of `others`, which those who wrote the text were never
 * sent, only what cannot be a word. Twice is the same as once.
 */
export function createRedactor(secrets: Iterable<string>, others: Iterable<string> = []): Redactor {
  const hide = createValueRedactor([...secrets, ...[...others].filter(isUnmistakable)])
  return (text) =>
    SHAPES.reduce((line, [shape, replacement]) => line.replace(shape, replacement), hide(text))
}

/**
 * For what we say ourselves: replaces only values that cannot be a word, a name or a number of
 * ours. Names of members are not for it.
 */
export function createKeyRedactor(secrets: Iterable<string>): Redactor {
  return createValueRedactor([...secrets].filter(isUnmistakable))
}

// Longer than the names that we give and the words that we say.
const UNMISTAKABLE_LENGTH = 24
const KEY_LENGTH_MIN = 8
/**
 * Words, counts, and words with a number behind them (`postgres15`), one or several (`my-shop`,
 * `source/gone`, a date).
 */
const WORDLIKE = /^(?:(?:\p{L}+\d{0,4}|\d{1,11})(?:[-_.:/ ]|$))+$/u

function isUnmistakable(secret: string): boolean {
  return (
    secret.length >= UNMISTAKABLE_LENGTH ||
    (secret.length >= KEY_LENGTH_MIN && !WORDLIKE.test(secret))
  )
}

function createValueRedactor(secrets: readonly string[]): Redactor {
  const spellings = [
    ...new Set(secrets.filter(({ length }) => length >= SECRET_LENGTH_MIN).flatMap(listSpellings)),
  ]
  if (spellings.length === 0) return (text) => text
  // The longest first, or a secret that begins with another would leave its tail behind.
  spellings.sort((a, b) => b.length - a.length)
  const known = new RegExp(spellings.map(escape).join('|'), 'g')
  return (text) => text.replace(known, MARK)
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
