// The grammar of the filter language: an object with one key, combined by `and`, `or`, `not`. Its
// words are in product-filters.ts and media-filters.ts. A filter is compiled once, so that a filter
// by status does not build products.

import { isObject, toText, type Json } from './json.ts'
import type { Checker } from './violations.ts'

export type Matcher<Candidate> = (candidate: Candidate) => boolean

/** `compile` returns null for an invalid value; the client then receives `expects`. */
export interface Word<Candidate> {
  readonly expects: string
  readonly compile: (value: Json) => Matcher<Candidate> | null
}

export type Vocabulary<Candidate> = Readonly<Record<string, Word<Candidate>>>

const CODES_MAX = 1_000

/** Reports errors to `checker` with their paths; the matcher is then unusable. */
export function compileFilter<Candidate>(
  filter: Json | undefined,
  words: Vocabulary<Candidate>,
  checker: Checker,
  path = 'filter',
): Matcher<Candidate> {
  const nothing = (): boolean => false
  const fail = (at: string, message: string): Matcher<Candidate> => {
    checker.fail(at, message)
    return nothing
  }
  if (!isObject(filter))
    return fail(path, filter === undefined ? 'This value is required.' : 'A filter is an object.')
  const [[key, value] = [], ...more] = Object.entries(filter)
  if (key === undefined || value === undefined || more.length > 0) {
    return fail(path, 'A filter has exactly one key; combine filters with "and", "or", "not".')
  }
  if (key === 'not') {
    const inner = compileFilter(value, words, checker, `${path}.not`)
    return (candidate) => !inner(candidate)
  }
  if (key === 'and' || key === 'or') {
    if (!Array.isArray(value)) return fail(`${path}.${key}`, 'This value is a list of filters.')
    const inner = value.map((part, index) =>
      compileFilter(part, words, checker, `${path}.${key}.${index}`),
    )
    if (key === 'and') return (candidate) => inner.every((matches) => matches(candidate))
    return (candidate) => inner.some((matches) => matches(candidate))
  }
  const word = Object.hasOwn(words, key) ? words[key] : undefined
  if (word === undefined) return fail(`${path}.${key}`, `The filter "${key}" does not exist.`)
  if (Array.isArray(value) && value.length > CODES_MAX)
    return fail(`${path}.${key}`, `At most ${CODES_MAX} values are allowed.`)
  return word.compile(value) ?? fail(`${path}.${key}`, `This value is ${word.expects}.`)
}

interface Choice {
  /** All valid values. */
  readonly allowed?: readonly string[]
  /** True when a list is valid. */
  readonly many?: boolean
}

/** Matches strings and numbers, compared as strings. */
export function matchAnyOf<Candidate>(
  valuesOf: (candidate: Candidate) => readonly Json[],
  choice: Choice = {},
): Word<Candidate> {
  const { allowed, many = true } = choice
  const one = allowed === undefined ? 'a string or a number' : `one of ${allowed.join(', ')}`
  return {
    expects: many ? `${one}, or a list of these` : one,
    compile(value) {
      const given = Array.isArray(value) && many ? value : [value]
      const wanted = new Set<string>()
      for (const item of given) {
        const text = toText(item)
        if (text === '' || allowed?.includes(text) === false) return null
        wanted.add(text)
      }
      return (candidate) => valuesOf(candidate).some((own) => wanted.has(toText(own)))
    },
  }
}

export function matchFlag<Candidate>(valueOf: (candidate: Candidate) => boolean): Word<Candidate> {
  return {
    expects: 'true or false',
    compile: (value) =>
      typeof value === 'boolean' ? (candidate) => valueOf(candidate) === value : null,
  }
}

/** Accepts a unix time, or `{ from, until }` with one or both, inclusive. */
export function matchPeriod<Candidate>(
  timeOf: (candidate: Candidate) => Json | undefined,
  fromIncluded = true,
): Word<Candidate> {
  return {
    expects: 'a unix time or {"from", "until"}',
    compile(value) {
      const range = isObject(value) ? value : { from: value }
      const { from = null, until = null, ...others } = range
      const bounds = [from, until].map((bound) =>
        bound === null || Number.isInteger(bound) ? bound : undefined,
      )
      if (
        bounds.includes(undefined) ||
        Object.keys(others).length > 0 ||
        (from === null && until === null)
      )
        return null
      const lowest = from === null ? -Infinity : Number(from)
      const highest = until === null ? Infinity : Number(until)
      return (candidate) => {
        const time = timeOf(candidate)
        return (
          typeof time === 'number' &&
          (fromIncluded ? time >= lowest : time > lowest) &&
          time <= highest
        )
      }
    },
  }
}
