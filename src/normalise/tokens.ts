// Splits folded text into words, numbers and symbols, in one pass. Letters of scripts that are
// written without spaces are one token each, so that a phrase of them is found inside a sentence.

import { foldText, type FoldedText } from './fold.ts'

export interface Token {
  readonly kind: 'word' | 'number' | 'symbol'
  /** Folded text; a number keeps its separators: `1,600`. */
  readonly text: string
  /** UTF-16 units of the original, as of `String.prototype.slice`. */
  readonly start: number
  readonly end: number
  /**
   * The separation from the token before it: none, a space, a line break, or a hyphen, dot or
   * underscore without spaces, which is not a token itself.
   */
  readonly before: '' | ' ' | '\n' | '-' | '.' | '_'
}

/** A text and its tokens: the input of every parser. */
export interface TokenText {
  readonly raw: string
  readonly tokens: readonly Token[]
}

/**
 * A number with separators inside, a word, a space, or one other character. The unit of `250gx2` is
 * a separate word. No alternative begins like another at length, so the scan never goes back.
 */
const TOKEN =
  /(\d+(?:[.,']\d+)*)|((?<=\d)(?:k?g|gms?|oz|lbs?|ml)(?=x\d)|[[\p{L}\p{M}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}ー]]+)|(\s+)|./gsv

const TIGHT = new Set(['-', '.', '_'])

/** Reads a text into tokens. */
export function readTokens(raw: string): TokenText {
  return { raw, tokens: tokenise(foldText(raw)) }
}

/** Returns the original text of the tokens from `from` to just before `to`. */
export function quoteTokens({ raw, tokens }: TokenText, from: number, to: number): string {
  return raw.slice(tokens[from]?.start ?? raw.length, tokens[to - 1]?.end ?? 0)
}

function tokenise({ folded, starts, ends }: FoldedText): Token[] {
  const tokens: Token[] = []
  let before: Token['before'] = ''
  for (const match of folded.matchAll(TOKEN)) {
    const [text, number, , space] = match
    if (space !== undefined) {
      before = space.includes('\n') ? '\n' : ' '
      continue
    }
    const end = match.index + text.length
    if (TIGHT.has(text) && isTight(folded, match.index)) {
      before = text as Token['before']
      continue
    }
    tokens.push({
      kind: number !== undefined ? 'number' : /[\p{L}\p{M}]/u.test(text) ? 'word' : 'symbol',
      text,
      start: starts[match.index] ?? 0,
      end: ends[end - 1] ?? 0,
      before,
    })
    before = ''
  }
  return tokens
}

/** True for a separator between two letters or digits. */
function isTight(folded: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(folded[at - 1] ?? '') && /[\p{L}\p{N}]/u.test(folded[at + 1] ?? '')
}
