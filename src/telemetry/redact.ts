// Redacts secrets in text. Text from outside may quote a secret anywhere, so every known value and
// every text in the shape of a secret is redacted where the text enters. In the text that Shelfsync
// writes, only values that cannot be a word are redacted: a password such as "shop" would otherwise
// destroy the names of sources and JSON members.

import { listSpellings } from '../lib/secret-spellings.ts'

const MARK = '[redacted]'
// Redacting shorter values would destroy most lines and protect nothing.
const SECRET_LENGTH_MIN = 4

// Matches the end of a header or member name whose value is always a secret.
const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|(?:api|admin|private|consumer|service[-_]?role)[-_]?key)'

// Matches the placeholders of keys in help and hints, but no longer text with the same start.
const PLACEHOLDER = String.raw`(?:id:secret|your-key-id(?::your-key-secret)?|your-key-secret|…)(?![^\s#&"'\`<>\\;,)])`

// Matches the variable in a command for a shell, such as the header "X-ADMIN-KEY: $READ_KEY".
const VARIABLE = String.raw`\$(?:ADMIN|READ|SYNC)_KEY\b`

// Matches the words that follow the name of a setting in messages. They end with a space, which a
// secret does not contain.
const WORDS = '(?:missing;|expected|set) '

// Every repetition is bounded or ends at a delimiter, because these also run on error texts that a
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
  // Secret and temporary keys of a Supabase project, and access tokens of an account.
  [/\b(?:sb_(?:secret|temp)|sbp)_[\w-]+/g, MARK],
  [/\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g, MARK],
  // Query and form values: token=, key=, mac=, and names that end with these words.
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
    new RegExp(
      String.raw`(${SECRET_NAME}:[ \t]*)(?![\s"'\\\[]|${WORDS}|${VARIABLE})[^\r\n"']+`,
      'gi',
    ),
    `$1${MARK}`,
  ],
]

/** Returns true if the value of a member with this name is always a secret. */
export function isSecretName(name: string): boolean {
  return new RegExp(`${SECRET_NAME}$`, 'i').test(name)
}

export type Redactor = (text: string) => string

/**
 * Creates the redactor for text from outside and for errors without a code. It replaces each of
 * `secrets` in every encoding, and every text in the shape of a secret. Pass `id:secret` too if it is
 * sent as Basic credentials. Of `others`, which the author of the text never received, it replaces
 * only values that cannot be a word. Redacting twice changes nothing more.
 */
export function createRedactor(secrets: Iterable<string>, others: Iterable<string> = []): Redactor {
  const hide = createValueRedactor([...secrets, ...[...others].filter(isUnmistakable)])
  return (text) =>
    SHAPES.reduce((line, [shape, replacement]) => line.replace(shape, replacement), hide(text))
}

/**
 * Creates the redactor for text that Shelfsync writes. It replaces only values that cannot be a word,
 * a name or a number. Do not apply it to names of members.
 */
export function createKeyRedactor(secrets: Iterable<string>): Redactor {
  return createValueRedactor([...secrets].filter(isUnmistakable))
}

// Longer than any name or word that Shelfsync writes.
const UNMISTAKABLE_LENGTH = 24
const KEY_LENGTH_MIN = 8
/**
 * Matches words, counts, words followed by a number (`postgres15`), and several of these (`my-shop`,
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
  // The longest first, so that a secret that begins with another is replaced completely.
  spellings.sort((a, b) => b.length - a.length)
  const known = new RegExp(spellings.map(escape).join('|'), 'g')
  return (text) => text.replace(known, MARK)
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
