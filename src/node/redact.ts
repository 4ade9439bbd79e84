// Takes secrets out of text: those we know, in every spelling that they travel in, and those that look like one. It is the last
// step before anything leaves (logs, errors, pages), so that no caller has to remember what is secret.

import { spellingsOf } from '../lib/secrets.ts'

const MARK = '[redacted]'
// Shorter values are words: hiding them would hide half of every line and protect nothing.
const SECRET_LENGTH_MIN = 4

// The end of a header or member name whose value is a secret, whatever it looks like.
const SECRET_NAME = '(?:authorization|cookie|password|passwd|secret|token|(?:api|admin|private|consumer|service[-_]?role)[-_]?key)'

// What help and hints write in place of a key, and nothing longer that begins so.
const PLACEHOLDER = String.raw`(?:id:secret|your-key-id(?::your-key-secret)?|your-key-secret|…)(?![^\s#&"'\`<>\\;,)])`

// How our own messages go on after the name of a setting: words with a space behind them, which no secret has.
const WORDS = '(?:missing;|expected|set) '

// Every repetition is bounded or ends at a delimiter: these also run over error texts that a supplier wrote.
const SHAPES: readonly (readonly [RegExp, string])[] = [
  // user:password@ or token@ of any URL.
  [/(\b[a-z][\w+.-]{0,20}:\/\/)[^\s/?#"'`<>]+@/gi, `$1${MARK}@`],
  // An HTTP scheme and its credentials; the look-ahead spares prose such as "Basic authentication".
  [/\b((?:[Bb]asic|BASIC)\s+(?=\S*[A-Z0-9+/=])|(?:[Bb]earer|BEARER)\s+)[\w+/=.~-]{6,}/g, `$1${MARK}`],
  [/\bsb_secret_[\w-]+/g, MARK],
  [/\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g, MARK],
  // Query and form values: token=, key=, mac=, and names that end so.
  [new RegExp(String.raw`([\w.-]{0,40}(?:token|key|secret|mac|password|passwd|signature|sig)(?:=|%3D))(?!${PLACEHOLDER})[^\s#&"'\`<>\\;,)]+`, 'gi'), `$1${MARK}`],
  // Headers and members, quoted or not, also inside JSON that is itself a string.
  [new RegExp(String.raw`(${SECRET_NAME}\\*["']?\s*:\s*)(\\*["'])(?:(?!\2).)+\2`, 'gi'), `$1$2${MARK}$2`],
  [new RegExp(String.raw`(${SECRET_NAME}:[ \t]*)(?![\s"'\\\[]|${WORDS})[^\r\n"']+`, 'gi'), `$1${MARK}`],
]

/** Whether the value under `name` is a secret whatever it looks like. */
export function isSecretName(name: string): boolean {
  return new RegExp(`${SECRET_NAME}$`, 'i').test(name)
}

export type Redactor = (text: string) => string

/**
 * Makes a function that replaces each secret in a text by `[redacted]`: the given values as they are, URL-encoded, in base64 and
 * escaped for JSON; pass `id:secret` too where it is sent as Basic. Twice is the same as once.
 */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const hideable = [...secrets].filter(({ length }) => length >= SECRET_LENGTH_MIN)
  const spellings = [...new Set(hideable.flatMap(spellingsOf))]
  // The longest first, or a secret that begins with another would leave its tail behind.
  spellings.sort((a, b) => b.length - a.length)
  const known = spellings.length === 0 ? null : new RegExp(spellings.map(escape).join('|'), 'g')
  return (text) => {
    const first = known === null ? text : text.replace(known, MARK)
    return SHAPES.reduce((line, [shape, replacement]) => line.replace(shape, replacement), first)
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
