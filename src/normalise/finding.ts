// The result of a rule: a value with the words that it was read from. A parser that finds nothing,
// or several values that disagree, returns null instead.

import { quoteTokens, type TokenText } from './tokens.ts'

/** A value that a rule read from a text. */
export interface Finding<Value> {
  readonly value: Value
  /** The very part of the input that states the value. */
  readonly raw: string
  /** Name of the rule: `weight/count-times-unit`. */
  readonly rule: string
  /**
   * Between 0 and 1: 1 states the value in so many words, 0.9 in a customary phrase, 0.7 needs the
   * other words of the text, 0.5 is plausible only.
   */
  readonly confidence: number
}

/** The place of a finding, in tokens. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Describes how a value was found. */
export interface Evidence extends Span {
  readonly rule: string
  readonly confidence: number
}

/** Returns the span from the first to the last of several. */
export function coverSpans(spans: readonly Span[]): Span {
  return spans.reduce((cover, { from, to }) => ({
    from: Math.min(cover.from, from),
    to: Math.max(cover.to, to),
  }))
}

/** Returns the tokens inside the spans, for a look-up that does not depend on their number. */
export function coveredTokens(spans: readonly Span[]): ReadonlySet<number> {
  const covered = new Set<number>()
  for (const { from, to } of spans) for (let at = from; at < to; at++) covered.add(at)
  return covered
}

export function toFinding<Value>(
  text: TokenText,
  value: Value,
  { from, to, rule, confidence }: Evidence,
): Finding<Value> {
  return { value, raw: quoteTokens(text, from, to), rule, confidence }
}
