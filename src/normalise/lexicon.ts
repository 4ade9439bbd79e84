// Finds the phrases of a table in a text. The table is compiled into a trie of words; of several
// phrases that begin at one word, the longest wins, and found phrases do not overlap.

import type { Span } from './finding.ts'
import { readTokens, type Token } from './tokens.ts'

/** A value and its phrases, separated by `|`: `['light', 'light roast | helle röstung']`. */
export type LexiconEntry<Value> = readonly [value: Value, phrases: string]

export interface Match<Value> extends Span {
  readonly value: Value
}

interface Node<Value> {
  readonly next: Map<string, Node<Value>>
  end: { readonly value: Value } | null
}

export interface Lexicon<Value> {
  readonly root: Node<Value>
}

/** Compiles a table; call it once per table, when its module loads. */
export function compileLexicon<Value>(entries: readonly LexiconEntry<Value>[]): Lexicon<Value> {
  const root: Node<Value> = { next: new Map(), end: null }
  for (const [value, phrases] of entries)
    for (const phrase of phrases.split('|')) addPhrase(root, readTokens(phrase).tokens, value)
  return { root }
}

function addPhrase<Value>(root: Node<Value>, tokens: readonly Token[], value: Value): void {
  let node = root
  for (const { text } of tokens) {
    const next: Node<Value> = node.next.get(text) ?? { next: new Map(), end: null }
    node.next.set(text, next)
    node = next
  }
  if (tokens.length > 0) node.end ??= { value }
}

/**
 * Lists the phrases in the order of the text. Reads each token at most once per word of a phrase.
 */
export function findPhrases<Value>(
  tokens: readonly Token[],
  lexicon: Lexicon<Value>,
  { from = 0, to = tokens.length }: Partial<Span> = {},
): Match<Value>[] {
  const matches: Match<Value>[] = []
  for (let at = from; at < to;) {
    const match = matchPhrase(tokens, lexicon, at)
    if (match !== null && match.to <= to) matches.push(match)
    at = match?.to ?? at + 1
  }
  return matches
}

/** Returns the longest phrase that begins at one token, or null. */
export function matchPhrase<Value>(
  tokens: readonly Token[],
  { root }: Lexicon<Value>,
  from: number,
): Match<Value> | null {
  let node: Node<Value> | undefined = root
  let match: Match<Value> | null = null
  for (let at = from; node; at++) {
    if (node.end) match = { value: node.end.value, from, to: at }
    const token = tokens[at]
    if (token === undefined || (at > from && token.before === '\n')) break
    node = stepInto(node, token.text)
  }
  return match
}

/** An unknown plural is matched as its singular. */
function stepInto<Value>(node: Node<Value>, word: string): Node<Value> | undefined {
  return (
    node.next.get(word) ??
    (word.length > 3 && word.endsWith('s') ? node.next.get(word.slice(0, -1)) : undefined)
  )
}
